//! The catalog as the policy lets a caller see it. What is not visible here does not exist for the schema tools.

mod noted;

use std::collections::{BTreeMap, BTreeSet};

use super::notes::Notes;
use crate::catalog::{Catalog, Column, ForeignKey, Relation, RelationKind, Routine, RoutineKind, closest};
use crate::pg::{Diagnostic, Oid, QualifiedName, SqlState, identifiers};
use crate::policy::{ColumnAccess, Policy, is_system_schema};

pub(super) use noted::{Meaning, Said};

/// INVARIANT: the schema tools and resources name only what these functions give them.
pub(super) struct Visible<'c> {
    catalog: &'c Catalog,
    relations: BTreeMap<&'c QualifiedName, &'c Relation>,
    /// Those of each visible relation that the caller may name.
    columns: BTreeMap<Oid, Vec<&'c Column>>,
    /// The names of the filters that hide rows of a relation.
    filters: BTreeMap<Oid, Vec<String>>,
    /// Relations of which the policy keeps something back: rows, values or columns.
    guarded: BTreeSet<Oid>,
    /// Masks of columns, in words.
    masks: BTreeMap<(Oid, String), String>,
    /// Functions of the database's own that the caller may call, in name order.
    routines: Vec<&'c Routine>,
    /// Names of relations, schemas and functions of which nothing is visible.
    hidden_names: BTreeSet<&'c str>,
    notes: Option<&'c Notes>,
    estimates: bool,
}

impl<'c> Visible<'c> {
    pub(super) fn new(catalog: &'c Catalog, policy: &Policy) -> Self {
        let mut relations = BTreeMap::new();
        let mut columns = BTreeMap::new();
        let mut filters = BTreeMap::new();
        let mut guarded = BTreeSet::new();
        let mut masks = BTreeMap::new();
        for relation in catalog.relations() {
            let access = policy.access(relation, catalog);
            if access.is_visible() {
                let mut visible = Vec::new();
                for (column, access) in relation.columns.iter().zip(&access.columns) {
                    if let ColumnAccess::Masked(mask) = access {
                        masks.insert((relation.oid, column.name.clone()), mask.words());
                    }
                    if access.is_visible() {
                        visible.push(column);
                    }
                }
                if !access.filters.is_empty() {
                    let names = access.filters.iter().map(|filter| filter.name.clone());
                    filters.insert(relation.oid, names.collect());
                }
                if access.is_guarded() {
                    guarded.insert(relation.oid);
                }
                relations.insert(&relation.name, relation);
                columns.insert(relation.oid, visible);
            }
        }
        let shown: BTreeSet<&str> =
            relations.keys().flat_map(|name| [name.schema.as_str(), name.name.as_str()]).collect();
        let unusable = catalog.contents().schemas.iter().filter(|schema| !schema.usable);
        // Functions that cannot be called are not shown in the expressions that call them.
        let users = catalog.contents().routines.iter().filter(|r| !is_system_schema(&r.name.schema));
        let (routines, closed): (Vec<&Routine>, Vec<&Routine>) =
            users.partition(|routine| policy.decide_execute(&routine.name, catalog).allowed);
        let callable = routines.iter().map(|routine| routine.name.name.as_str()).collect::<BTreeSet<_>>();
        let hidden_names = catalog
            .relations()
            .iter()
            .flat_map(|relation| [relation.name.schema.as_str(), relation.name.name.as_str()])
            .chain(unusable.map(|schema| schema.name.as_str()))
            .chain(closed.iter().map(|routine| routine.name.name.as_str()))
            .filter(|name| !shown.contains(name) && !callable.contains(name))
            .collect();
        let routines = routines.into_iter().filter(|routine| is_usable(routine, catalog)).collect();
        Self {
            catalog,
            relations,
            columns,
            filters,
            guarded,
            masks,
            routines,
            hidden_names,
            notes: None,
            estimates: true,
        }
    }

    /// The same without estimated rows, which change without a change of the schema.
    pub(super) fn without_estimates(self) -> Self {
        Self { estimates: false, ..self }
    }

    pub(super) fn catalog(&self) -> &'c Catalog {
        self.catalog
    }

    /// In name order, without sequences.
    pub(super) fn relations(&self) -> impl Iterator<Item = &'c Relation> {
        self.relations.values().copied().filter(|relation| relation.kind != RelationKind::Sequence)
    }

    /// As [`Self::relations`], with partitions left to their parent.
    pub(super) fn folded(&self) -> impl Iterator<Item = &'c Relation> {
        self.relations().filter(|relation| {
            !(relation.is_partition && relation.parents.iter().any(|parent| self.by_oid(*parent).is_some()))
        })
    }

    pub(super) fn relation(&self, name: &QualifiedName) -> Option<&'c Relation> {
        self.relations.get(name).copied()
    }

    pub(super) fn by_oid(&self, oid: Oid) -> Option<&'c Relation> {
        self.relation(&self.catalog.relation_by_oid(oid)?.name)
    }

    pub(super) fn columns(&self, relation: &Relation) -> impl Iterator<Item = &'c Column> {
        self.columns.get(&relation.oid).into_iter().flatten().copied()
    }

    pub(super) fn has_column(&self, relation: &Relation, name: &str) -> bool {
        self.columns(relation).any(|column| column.name == name)
    }

    /// What stands in the place of the column's values, in words.
    pub(super) fn mask(&self, relation: &Relation, column: &Column) -> Option<&str> {
        self.masks.get(&(relation.oid, column.name.clone())).map(String::as_str)
    }

    /// Columns whose statistics tell no more than a query: every row of theirs is there for the caller, and no mask.
    pub(super) fn open_columns(&self, relation: &Relation) -> impl Iterator<Item = &'c Column> {
        let whole = !self.hides_rows(relation);
        self.columns(relation).filter(move |column| whole && self.mask(relation, column).is_none())
    }

    /// Estimated rows; nothing where row security or a filter hides some: the count would tell of them.
    pub(super) fn row_estimate(&self, relation: &Relation) -> Option<u64> {
        if !self.estimates || self.hides_rows(relation) { None } else { relation.row_estimate }
    }

    /// Row security or a filter hides rows, or may.
    pub(super) fn hides_rows(&self, relation: &Relation) -> bool {
        relation.row_security || self.filters.contains_key(&relation.oid)
    }

    /// Of all relations, sequences too.
    pub(super) fn oids(&self) -> impl Iterator<Item = Oid> {
        self.columns.keys().copied()
    }

    /// `name`, of an index of `relation`, has a hidden column's name in it.
    pub(super) fn tells_of_hidden_column(&self, relation: &Relation, name: &str) -> bool {
        let hidden = relation.columns.iter().filter(|column| !self.has_column(relation, &column.name));
        hidden.into_iter().any(|column| name.contains(&column.name))
    }

    /// The filters by which the caller sees only some of its rows.
    pub(super) fn filters(&self, relation: &Relation) -> &[String] {
        self.filters.get(&relation.oid).map_or(&[], Vec::as_slice)
    }

    /// Foreign keys with what they refer to. One with a hidden column at either end, or that leads to what is hidden, does
    /// not exist.
    pub(super) fn foreign_keys(
        &self,
        relation: &'c Relation,
    ) -> impl Iterator<Item = (&'c ForeignKey, &'c Relation)> {
        relation.foreign_keys.iter().filter_map(|key| {
            let to = self.by_oid(key.references)?;
            let shown = key.columns.iter().all(|column| self.has_column(relation, column))
                && key.referenced_columns.iter().all(|column| self.has_column(to, column));
            shown.then_some((key, to))
        })
    }

    /// Functions of the database's own that the caller may call, in name order.
    pub(super) fn routines(&self) -> impl Iterator<Item = &'c Routine> {
        self.routines.iter().copied().filter(|routine| self.may_say(&routine.arguments))
    }

    /// The type that a function gives; `None` where its name tells of what is hidden.
    pub(super) fn result(&self, routine: &Routine) -> Option<&'c str> {
        let result = self.catalog.type_by_oid(routine.result)?.display.as_str();
        self.may_say(result).then_some(result)
    }

    /// No name of a hidden relation, schema or function is in it.
    pub(super) fn may_say(&self, text: &str) -> bool {
        !words(text).any(|word| self.hidden_names.contains(word))
    }

    /// The policy or row security keeps rows of it back, or values.
    pub(super) fn keeps_back(&self, relation: &Relation) -> bool {
        let masked = || self.columns(relation).any(|column| self.mask(relation, column).is_some());
        self.hides_rows(relation) || masked()
    }

    /// What PostgreSQL estimates of it, sizes and costs, tells nothing of what is kept back.
    pub(super) fn shows_estimates(&self, relation: &Relation) -> bool {
        !relation.row_security && !self.guarded.contains(&relation.oid)
    }

    /// Partitions at every level, those without partitions of their own. Whoever may read the parent reads them too,
    /// whether or not they are visible by themselves: a number is all that is told.
    pub(super) fn partitions(&self, relation: &Relation) -> usize {
        let mut open = self.catalog.children(relation.oid).to_vec();
        let mut count = 0;
        while let Some(oid) = open.pop() {
            let found = self.catalog.relation_by_oid(oid).filter(|relation| relation.is_partition);
            let Some(partition) = found else { continue };
            count += usize::from(partition.kind != RelationKind::PartitionedTable);
            open.extend(self.catalog.children(oid));
        }
        count
    }

    /// Labels of the enum behind a column, through domains and arrays.
    pub(super) fn enum_labels(&self, column: &Column) -> &'c [String] {
        let mut next = Some(column.type_oid);
        for _ in 0..8 {
            let Some(found) = next.and_then(|oid| self.catalog.type_by_oid(oid)) else { break };
            if !found.enum_labels.is_empty() {
                return &found.enum_labels;
            }
            next = found.inner;
        }
        &[]
    }

    /// The expression does not mention what is hidden: a column of `relation`, or a relation or schema.
    pub(super) fn may_show(&self, relation: &Relation, expression: &str) -> bool {
        let hidden_column =
            |word: &str| relation.columns.iter().any(|c| c.name == word) && !self.has_column(relation, word);
        self.may_say(expression) && !words(expression).any(hidden_column)
    }

    /// The relation that `text` names, as SQL would read it: `schema.name`, or a bare name by the search path. An exact
    /// name without quotes is understood too. Hidden and missing are refused with the same words.
    pub(super) fn resolve(&self, text: &str) -> Result<&'c Relation, Diagnostic> {
        let parts = identifiers(text).unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let as_sql = self.by_parts(&parts);
        let exact = || {
            let split = text.match_indices('.').filter_map(|(at, _)| text.split_at_checked(at));
            split
                .filter_map(|(schema, name)| self.by_parts(&[schema, name.strip_prefix('.')?]))
                .next()
                .or_else(|| self.by_parts(&[text]))
        };
        as_sql.or_else(exact).ok_or_else(|| self.unknown(text))
    }

    fn by_parts(&self, parts: &[&str]) -> Option<&'c Relation> {
        match parts {
            [schema, name] => self.relation(&QualifiedName::new(*schema, *name)),
            [name] => {
                let path = self.catalog.search_path();
                path.iter().find_map(|schema| self.relation(&QualifiedName::new(schema, *name)))
            }
            _ => None,
        }
    }

    fn unknown(&self, text: &str) -> Diagnostic {
        let refusal =
            Diagnostic::refused(SqlState::UNDEFINED_TABLE, format!("relation `{text}` does not exist"));
        let bare = text.rsplit('.').next().unwrap_or(text).trim_matches('"');
        // The same name in another schema comes first.
        let elsewhere = self.relations().find(|relation| relation.name.name.eq_ignore_ascii_case(bare));
        let near = elsewhere.or_else(|| {
            let name = closest(bare, self.relations().map(|relation| relation.name.name.as_str()))?;
            self.relations().find(|relation| relation.name.name == name)
        });
        match near {
            Some(relation) => refusal.hint(format!("did you mean `{}`?", relation.name)),
            None => refusal.hint("`search_objects` lists what there is"),
        }
    }
}

/// Its schema is open, it belongs to no extension, and a SELECT can call it.
fn is_usable(routine: &Routine, catalog: &Catalog) -> bool {
    let of_trigger = || catalog.type_by_oid(routine.result).is_none_or(|t| t.display.ends_with("trigger"));
    routine.kind != RoutineKind::Procedure
        && routine.extension.is_none()
        && catalog.schema(&routine.name.schema).is_some_and(|schema| schema.usable)
        && !of_trigger()
}

/// Identifiers and other words of an expression, without quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('"').skip(1).step_by(2);
    quoted.chain(
        text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).filter(|word| !word.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::gateway::shop;

    #[test]
    fn words_are_found_in_and_out_of_quotes() {
        let found: Vec<&str> = words("lower(ssn) || \"Odd name\"::text").collect();
        assert!(found.contains(&"ssn") && found.contains(&"Odd name") && found.contains(&"text"));
    }

    #[test]
    fn a_relation_is_found_by_every_way_to_write_it() {
        let catalog = shop::catalog();
        let visible = shop::visible(&catalog);
        for text in ["shop.orders", "orders", "SHOP.Orders", "\"shop\".\"orders\""] {
            assert_eq!(visible.resolve(text).unwrap().name.to_string(), "shop.orders", "{text}");
        }
        for text in ["shop.Odd \"Name\"", "Odd \"Name\"", "shop.\"Odd \"\"Name\"\"\""] {
            assert_eq!(visible.resolve(text).unwrap().name.name, "Odd \"Name\"", "{text}");
        }
    }

    #[test]
    fn hidden_and_missing_relations_are_refused_with_the_same_words() {
        let catalog = shop::catalog();
        let visible = shop::visible(&catalog);
        let hidden = visible.resolve("hr.salaries").unwrap_err();
        let missing = visible.resolve("hr.salariez").unwrap_err();
        assert_eq!(hidden.render("").replace("salaries", "salariez"), missing.render(""));
        assert_eq!(hidden.sqlstate.as_str(), "42P01");
        assert_eq!(hidden.message, "relation `hr.salaries` does not exist");
        for text in ["shop.secret_notes", "hr.salaries", "shop.audit", "", ".", "a.b.c"] {
            let refusal = visible.resolve(text).unwrap_err();
            assert!(!refusal.hint.unwrap().contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_misspelt_relation_is_refused_with_the_closest_visible_one() {
        let catalog = shop::catalog();
        let visible = shop::visible(&catalog);
        let hint = |text: &str| visible.resolve(text).unwrap_err().hint.unwrap();
        assert_eq!(hint("shop.oders"), "did you mean `shop.orders`?");
        assert_eq!(hint("public.customers"), "did you mean `shop.customers`?");
        assert_eq!(hint("weather"), "`search_objects` lists what there is");
    }

    #[test]
    fn partitions_of_every_level_are_counted_with_their_parent() {
        let catalog = shop::catalog();
        let visible = shop::visible(&catalog);
        assert_eq!(visible.partitions(visible.resolve("shop.orders").unwrap()), 3);
        assert!(visible.folded().all(|relation| !relation.is_partition));
    }
}
