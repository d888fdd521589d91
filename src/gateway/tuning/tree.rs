//! A plan as text: one line a node.

use std::fmt::Write as _;

use super::plan::{Node, Plan};
use super::shown::Shown;

/// Characters of one condition.
const CONDITION: usize = 120;

/// Indented by depth, outer to inner.
pub(super) fn tree(plan: &Plan, shown: &Shown<'_>) -> String {
    let mut text = String::new();
    node(&plan.root, 0, shown, &mut text);
    text.truncate(text.trim_end().len());
    text
}

fn node(node: &Node, depth: usize, shown: &Shown<'_>, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
    if let Some(subplan) = &node.subplan {
        let _ = write!(text, "{subplan}: ");
    }
    text.push_str(&node.kind);
    if let Some(join) = node.join.as_deref().filter(|join| *join != "Inner") {
        let _ = write!(text, " {join}");
    }
    if let Some(relation) = &node.relation {
        let name = shown.relation_name(relation);
        let _ = write!(text, " on {name}");
        if let Some(alias) = node.alias.as_deref().filter(|alias| alias != relation) {
            let _ = write!(text, " {alias}");
        }
    } else if let Some(name) = node.cte.as_ref().or(node.alias.as_ref()) {
        let _ = write!(text, " on {name}");
    }
    if let Some(index) = &node.index {
        let _ = write!(text, " using {}", shown.index(index).unwrap_or("an index"));
    }
    let _ = write!(text, " (rows {}, cost {:.1}", number(node.rows), node.cost);
    match (node.actual_rows, node.loops) {
        (Some(_), Some(loops)) if loops <= 0.0 => text.push_str("; never ran"),
        (Some(rows), Some(loops)) => {
            let _ = write!(text, "; came {}", number(rows));
            if loops > 1.0 {
                let _ = write!(text, " x {}", number(loops));
            }
            if let Some(time) = node.actual_time {
                let _ = write!(text, ", {:.1} ms", time * loops);
            }
        }
        _ => {}
    }
    text.push(')');
    let keys = [("sort ", &node.sort_key), ("group ", &node.group_key)];
    let keys = keys.into_iter().filter(|(_, keys)| !keys.is_empty());
    let conditions = node.conditions().map(|(what, condition)| (what, shown.text(condition).into_owned()));
    let keys = keys.map(|(what, keys)| (what, shown.text(&keys.join(", ")).into_owned()));
    for (what, words) in conditions.chain(keys) {
        let _ = write!(text, " {what}{}", cut(&words));
    }
    text.push('\n');
    for child in &node.children {
        self::node(child, depth + 1, shown, text);
    }
}

/// On one line, whatever its constants hold.
fn cut(words: &str) -> String {
    let words = words.replace('\n', "\\n").replace('\r', "\\r");
    match words.char_indices().nth(CONDITION) {
        Some((end, _)) => format!("{}..", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// A count without decimals.
pub(super) fn number(count: f64) -> String {
    format!("{count:.0}")
}
