//! What would happen besides, in lines of text. What the caller may not see is counted and not named.

use std::collections::BTreeSet;

use crate::catalog::Relation;
use crate::db::{Cascade, Effects, RowEvent, Trigger};
use crate::gateway::WritePreview;
use crate::gateway::visible::Visible;
use crate::pg::Oid;

/// Lines of one list.
const LINES: usize = 20;

pub(super) fn shown(
    effects: &Effects,
    events: &[RowEvent],
    target: Oid,
    visible: &Visible<'_>,
) -> WritePreview {
    let cascades: Vec<&Cascade> =
        effects.cascades_of(events).filter(|cascade| !is_part(cascade, effects, visible)).collect();
    let partitions = visible.by_oid(target).map(|table| visible.partitions(table)).filter(|count| *count > 0);
    WritePreview {
        triggers: lines(effects.triggers_of(events).map(|one| trigger(one, visible)), "trigger"),
        cascades: lines(once(cascades.into_iter().map(|one| cascade(one, visible))), "table"),
        rules: lines(
            effects.rules.iter().filter(|rule| events.contains(&rule.event)).map(|rule| {
                let instead = if rule.instead { "instead of" } else { "also on" };
                visible.may_say(&rule.name).then(|| format!("{instead} {}: {}", rule.event.word(), rule.name))
            }),
            "rule",
        ),
        partitions: partitions.and_then(|count| u64::try_from(count).ok()),
        ..WritePreview::default()
    }
}

/// Those that may be read, and how many there are besides.
fn lines(found: impl Iterator<Item = Option<String>>, what: &str) -> Vec<String> {
    let (mut lines, mut hidden) = (Vec::new(), 0_usize);
    for one in found {
        match one {
            Some(line) if lines.len() < LINES => lines.push(line),
            Some(_) | None => hidden += 1,
        }
    }
    match hidden {
        0 => {}
        1 => lines.push(format!("1 more {what}")),
        many => lines.push(format!("{many} more {what}s")),
    }
    lines
}

/// Two keys may lead to the same table; what is hidden is counted by key.
fn once(lines: impl Iterator<Item = Option<String>>) -> impl Iterator<Item = Option<String>> {
    let mut seen = BTreeSet::new();
    lines.filter(move |line| line.is_none() || seen.insert(line.clone()))
}

/// Its table is one of several that stand for one.
fn is_part(cascade: &Cascade, effects: &Effects, visible: &Visible<'_>) -> bool {
    let of_whole = |whole: &Oid| {
        let same = |other: &Cascade| {
            other.relation == *whole && other.event == cascade.event && other.root == cascade.root
        };
        effects.cascades.iter().any(same)
    };
    let relation = visible.catalog().relation_by_oid(cascade.relation);
    relation.is_some_and(|relation| relation.parents.iter().any(of_whole))
}

/// `shop.order_items: rows that refer to shop.orders (id) are deleted`
fn cascade(cascade: &Cascade, visible: &Visible<'_>) -> Option<String> {
    let relation = visible.by_oid(cascade.relation)?;
    let done = match cascade.action.as_str() {
        "delete" => "deleted",
        "update" => "updated",
        "set null" => "set null",
        _ => "set to their default",
    };
    let whole = visible.by_oid(cascade.references).and_then(|referenced| {
        let shown = cascade.columns.iter().all(|column| visible.has_column(referenced, column));
        shown.then(|| format!("{} ({})", referenced.name, cascade.columns.join(", ")))
    });
    let of = whole.unwrap_or_else(|| "what is changed".to_owned());
    Some(match cascade.root {
        RowEvent::Delete => format!("{}: rows that refer to {of} are {done}", relation.name),
        RowEvent::Update | RowEvent::Insert => {
            format!("{}: rows that refer to {of} are {done} where it changes", relation.name)
        }
    })
}

/// `before update on shop.orders, for each row: touch, calls shop.touch`. A trigger often has the name of its function, and that
/// of one that may not be called is not told.
fn trigger(trigger: &Trigger, visible: &Visible<'_>) -> Option<String> {
    let relation = visible.by_oid(trigger.relation)?;
    let events: Vec<String> =
        trigger.events.iter().map(|event| event_of(trigger, *event, relation, visible)).collect();
    let each = if trigger.each_row { "for each row" } else { "once" };
    let mut line = format!("{} {} on {}, {each}", trigger.timing, events.join(" or "), relation.name);
    if trigger.conditional {
        line.push_str(" that meets its condition");
    }
    if visible.may_say(&trigger.name) {
        line.push_str(&format!(": {}", trigger.name));
    }
    let function = trigger.function.to_string();
    if visible.may_say(&function) {
        line.push_str(&format!(", calls {function}"));
    }
    Some(line)
}

fn event_of(trigger: &Trigger, event: RowEvent, relation: &Relation, visible: &Visible<'_>) -> String {
    let shown = trigger.columns.iter().all(|column| visible.has_column(relation, column));
    match event {
        RowEvent::Update if !trigger.columns.is_empty() && shown => {
            format!("update of {}", trigger.columns.join(", "))
        }
        event => event.word().to_owned(),
    }
}
