//! How long the text of a column's values can be, and how it is bounded.

use super::{BRIEF, Extent, LARGEST_PRINTED, ResultColumn, WITHHELD};
use crate::catalog::{Catalog, Type, TypeKind};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    /// Never longer than a field may be.
    Small,
    /// Longer than that at times, but not by much.
    Moderate,
    /// The value's bytes are its text: measured and cut without fetching or decompressing the rest.
    Text,
    /// The same for two characters a byte.
    Bytes,
    /// Text, but for the encoding named in its declaration, which is not printed.
    Xml,
    /// The text is made as a whole or not at all.
    Any,
}

impl Width {
    pub(super) fn of(column: &ResultColumn, catalog: &Catalog, most: usize) -> Self {
        let oid = column.type_oid.0;
        if longest(oid, column.type_modifier).is_some_and(|longest| longest <= most) {
            return Self::Small;
        }
        match oid {
            25 | 1043 => Self::Text,
            17 => Self::Bytes,
            142 => Self::Xml,
            // At most 147,457 characters.
            1700 => Self::Moderate,
            _ => catalog.type_by_oid(column.type_oid).map_or(Self::Any, |t| Self::of_named(t, most)),
        }
    }

    fn of_named(named: &Type, most: usize) -> Self {
        let citext = named.name.name == "citext" && named.extension.as_deref() == Some("citext");
        match named.kind {
            TypeKind::Enum if most < MAX_LABEL => Self::Moderate,
            TypeKind::Enum => Self::Small,
            TypeKind::Base if citext => Self::Text,
            _ => Self::Any,
        }
    }

    pub(super) fn extent(self) -> Extent {
        match self {
            Self::Any => Extent::CutOrWithheld,
            Self::Small | Self::Moderate | Self::Text | Self::Bytes | Self::Xml => Extent::Cut,
        }
    }

    /// `text` is the column `name` as text.
    pub(super) fn bounded(self, name: &str, text: &str, most: usize) -> String {
        let cut = most.saturating_add(1);
        match self {
            Self::Small => text.to_owned(),
            Self::Moderate => format!("pg_catalog.left({text}, {cut})"),
            Self::Text => format!(
                "CASE WHEN pg_catalog.octet_length({text}) <= {most} THEN {text} ELSE pg_catalog.left({text}, {cut}) END"
            ),
            Self::Bytes => format!(
                "CASE WHEN pg_catalog.octet_length({name}) <= {half} THEN {text} ELSE \
                 pg_catalog.left(pg_catalog.substr({name}, 1, {most})::pg_catalog.text, {cut}) END",
                half = most / 2
            ),
            // A character has four bytes at most: what has more of them is longer than a field may be.
            Self::Xml => format!(
                "CASE WHEN pg_catalog.octet_length({name}::pg_catalog.text) <= {bytes} THEN \
                 pg_catalog.left({text}, {cut}) ELSE pg_catalog.left({name}::pg_catalog.text, {cut}) END",
                bytes = most.saturating_mul(4).saturating_add(XML_DECLARATION)
            ),
            Self::Any => format!(
                "CASE WHEN pg_catalog.pg_column_size({name}) <= {BRIEF} THEN {text} \
                 WHEN pg_catalog.pg_column_size({name}) > {LARGEST_PRINTED} THEN {} \
                 ELSE pg_catalog.left({text}, {cut}) END",
                withheld()
            ),
        }
    }
}

/// Bytes of an enum's label (NAMEDATALEN - 1).
const MAX_LABEL: usize = 63;
/// Bytes that printing may leave out of an XML declaration.
const XML_DECLARATION: usize = 256;

/// [`WITHHELD`] as a literal.
fn withheld() -> String {
    format!("E'{}'", WITHHELD.replace('\u{1}', "\\x01"))
}

/// The characters that a value of a built-in type takes at most, where the type or its modifier bounds them. OIDs of
/// pg_type.dat, the same in every PostgreSQL.
fn longest(oid: u32, modifier: i32) -> Option<usize> {
    let modifier = usize::try_from(modifier).ok();
    // Those of varlena types count their header, which says little about the text.
    let after_header = modifier.and_then(|modifier| modifier.checked_sub(4));
    match oid {
        // bool, "char", int8, int2, int4, oid, tid, xid, cid
        16 | 18 | 20 | 21 | 23 | 26 | 27 | 28 | 29 => Some(24),
        // float4, float8, money, xid8, pg_lsn
        700 | 701 | 790 | 5069 | 3220 => Some(32),
        // date, time, timestamp, timestamptz, timetz, interval: with years, BC and zones
        1082 | 1083 | 1114 | 1184 | 1266 | 1186 => Some(128),
        // macaddr8, macaddr, inet, cidr, uuid, name
        774 | 829 | 869 | 650 | 2950 | 19 => Some(64),
        // point, lseg, box, line, circle: up to four doubles
        600 | 601 | 603 | 628 | 718 => Some(128),
        // bpchar(n), varchar(n)
        1042 | 1043 => after_header,
        // bit(n), varbit(n)
        1560 | 1562 => modifier,
        1700 => after_header.map(numeric),
        _ => None,
    }
}

/// Sign, point, and digits on both sides: precision in the upper half, scale in the lower 11 bits (a number with
/// sign since PostgreSQL 15).
fn numeric(modifier: usize) -> usize {
    let precision = modifier >> 16;
    let scale = modifier & 0x7ff;
    let scale = if scale > 1_023 { 2_048 - scale } else { scale };
    precision + scale + 3
}

#[cfg(test)]
mod tests {
    use super::{longest, numeric, withheld};

    #[test]
    fn a_modifier_bounds_the_text() {
        assert_eq!(longest(1043, 24), Some(20));
        assert_eq!(longest(1043, -1), None);
        assert_eq!(longest(1700, -1), None);
        assert_eq!(longest(1700, (12 << 16 | 2) + 4), Some(17));
        assert_eq!(longest(1560, 8), Some(8));
        assert_eq!(longest(25, -1), None);
    }

    #[test]
    fn a_negative_scale_adds_zeros() {
        assert_eq!(numeric(3 << 16 | (2_048 - 5)), 11);
    }

    #[test]
    fn the_sign_of_a_withheld_value_is_an_escape_in_the_statement() {
        assert_eq!(withheld(), "E'\\x01too large'");
    }
}
