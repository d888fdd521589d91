//! What the caller reads besides the rows: whether something is missing, why, and how to get it.

use serde::{Deserialize, Serialize};

use crate::db::Truncation;
use crate::gateway::output::{CUT_MARK, Encoded, Encoder, Fence, WITHHELD_MARK};
use crate::gateway::{CallLimits, QueryOutput};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::spool::Cursor;
use crate::telemetry::{Event, Limit, Telemetry};

/// Characters of the envelope that notices may not take: keys, counts and the reason.
const KEPT_CHARS: usize = 900;
/// Characters of one notice.
const NOTICE_CHARS: usize = 300;

/// Why rows are missing for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Cut {
    /// There is at least one row more than asked for.
    Rows,
    /// The reply is full.
    Reply,
    /// The reply is full, and so is what may be kept for reading on.
    Stored,
}

impl From<Truncation> for Cut {
    fn from(truncation: Truncation) -> Self {
        match truncation {
            Truncation::Rows => Self::Rows,
            Truncation::Sink => Self::Reply,
        }
    }
}

/// What is known of the rows that are not on this page.
pub(in crate::gateway) struct Rest<'a> {
    pub cut: Option<Cut>,
    pub notices: &'a [Diagnostic],
    /// Where they are read on.
    pub next: Option<Cursor>,
    /// About how many there are in all, where that is known without counting.
    pub about: Option<u64>,
    /// Which tool reads them; `None`: `query`.
    pub tool: Option<&'a str>,
    /// Where it is counted what was cut.
    pub counts: &'a Telemetry,
}

impl Rest<'_> {
    fn count(&self, encoded: &Encoded) {
        let rows = match (self.cut, self.next) {
            (Some(Cut::Rows), _) => Some(Limit::Rows),
            (Some(Cut::Stored), _) => Some(Limit::Stored),
            (Some(Cut::Reply), _) | (None, Some(_)) => Some(Limit::Characters),
            (None, None) => None,
        };
        let fields = encoded.cut_fields > 0 || encoded.withheld_fields > 0;
        for limit in rows.into_iter().chain(fields.then_some(Limit::FieldCharacters)) {
            self.counts.emit(&Event::Truncated(limit));
        }
    }
}

/// Builds the answer of a run, or one page of it. `rows` is what the run was limited to.
pub(in crate::gateway) fn reply(
    rest: &Rest<'_>,
    encoder: Encoder,
    rows: u64,
    limits: &CallLimits,
) -> Result<QueryOutput, Diagnostic> {
    let encoded = encoder.finish().map_err(|_| {
        Diagnostic::refused(SqlState::INTERNAL_ERROR, "the rows could not be encoded")
            .hint("ask for the format `csv`")
    })?;
    if encoded.too_wide {
        return Err(too_wide(encoded.columns.len(), limits));
    }
    rest.count(&encoded);
    let reason = reason(rest, &encoded, rows, limits);
    let notices = notices(rest.notices, encoded.left.saturating_sub(KEPT_CHARS));
    let text = encoded.text.as_deref().map(|rows| text(rows, &encoded, reason.as_deref())).transpose()?;
    Ok(QueryOutput {
        columns: encoded.columns,
        rows: encoded.rows,
        row_count: encoded.row_count,
        truncated: reason.is_some(),
        text,
        truncated_reason: reason,
        next_cursor: rest.next.map(|cursor| cursor.to_string()),
        notices,
    })
}

fn reason(rest: &Rest<'_>, encoded: &Encoded, rows: u64, limits: &CallLimits) -> Option<String> {
    let all = match rest.about.filter(|about| *about > encoded.row_count) {
        Some(about) => format!(" (about {about} in all)"),
        None => String::new(),
    };
    let missing_rows = match (rest.next, rest.cut) {
        (Some(cursor), _) => Some(match rest.tool {
            Some(tool) => format!("there are more rows{all}: call `{tool}` with the cursor `{cursor}`"),
            None => {
                format!("there are more rows{all}: aggregate, or call `query` with the cursor `{cursor}`")
            }
        }),
        (None, None) => None,
        (None, Some(_)) if rest.tool.is_some() => {
            Some("there are more rows than this saved query gives: narrow its parameters".to_owned())
        }
        (None, Some(Cut::Rows)) if rows < limits.rows => Some(format!(
            "there are more rows than `limit` {rows}{all}: raise it (at most {}), aggregate, or narrow the WHERE",
            limits.rows
        )),
        (None, Some(Cut::Rows)) => Some(format!(
            "there are more rows than {rows}{all}: aggregate, narrow the WHERE, or page with ORDER BY and a WHERE \
             behind the last row's key"
        )),
        (None, Some(Cut::Reply)) => Some(format!(
            "there are more rows{all}, the reply is full at {} characters: select fewer or shorter columns, aggregate, \
             or page with ORDER BY and a WHERE behind the last row's key",
            limits.characters
        )),
        (None, Some(Cut::Stored)) => Some(format!(
            "there are more rows{all}, but what is kept for reading on is full (`limits.stored`): aggregate, narrow the \
             WHERE, page with ORDER BY and a WHERE behind the last row's key, or wait until earlier answers expire"
        )),
    };
    let at = encoded.field_chars;
    let missing_text = (encoded.cut_fields > 0).then(|| {
        let (values, end) =
            if encoded.cut_fields == 1 { ("value was", "it ends") } else { ("values were", "they end") };
        format!(
            "{} {values} cut at {at} characters ({end} with `{CUT_MARK}`): read on with \
             substr(column::text, {}, {at})",
            encoded.cut_fields,
            at + 1
        )
    });
    let withheld = (encoded.withheld_fields > 0).then(|| {
        let (values, them) =
            if encoded.withheld_fields == 1 { ("value was", "it") } else { ("values were", "them") };
        format!(
            "{} {values} too large to print (`{WITHHELD_MARK}` stands for {them}): select a part of {them}, such as \
             a key of its JSON, an element or a field",
            encoded.withheld_fields
        )
    });
    let reasons: Vec<String> = [missing_rows, missing_text, withheld].into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The rows as text, fenced. Its reader may not see the structured result: what is missing is said below, so that nobody
/// takes a part for the whole.
fn text(rows: &str, encoded: &Encoded, reason: Option<&str>) -> Result<String, Diagnostic> {
    let mut text = Fence::random()?.around(rows, encoded.format);
    if let Some(reason) = reason {
        let count = encoded.row_count;
        let rows = if count == 1 { "row" } else { "rows" };
        text.push_str(&format!("\n({count} {rows}, truncated: {reason})\n"));
    }
    Ok(text)
}

fn too_wide(columns: usize, limits: &CallLimits) -> Diagnostic {
    let message =
        format!("one row of {columns} columns does not fit in a reply of {} characters", limits.characters);
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("name the columns that are needed")
}

/// As many as fit into `left` characters, each on one line.
fn notices(notices: &[Diagnostic], left: usize) -> Vec<String> {
    let mut left = left;
    let mut out = Vec::new();
    for (at, notice) in notices.iter().enumerate() {
        let text: String = one_line(notice).chars().take(NOTICE_CHARS).collect();
        // Quotes and a comma; in JSON a character takes two at most but for control characters, which are gone.
        let cost = 2 * text.chars().count() + 3;
        if cost > left {
            out.push(format!("and {} more notices", notices.len() - at));
            break;
        }
        left -= cost;
        out.push(text);
    }
    out
}

fn one_line(notice: &Diagnostic) -> String {
    let parts = [Some(&notice.message), notice.detail.as_ref(), notice.hint.as_ref()];
    let text = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ");
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests;
