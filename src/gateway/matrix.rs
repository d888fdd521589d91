//! What a caller may do with every relation and column, rule by rule.

use serde::Serialize;

use crate::catalog::Relation;
use crate::policy::{Action, ColumnAccess, is_system_schema};
use crate::sql::{self, CheckContext};

/// One line of the table. Columns that are as their relation is have none.
#[derive(Debug, Serialize)]
pub struct Cell {
    pub relation: String,
    /// `*` is the relation as a whole.
    pub column: String,
    pub action: String,
    /// `allow`, `deny`, `mask`, `filter`; `hidden`: the login may not read it, whatever the policy says.
    pub decision: &'static str,
    pub rule: String,
    pub detail: String,
}

/// Of every relation in the schemas that the login may use.
pub fn of(cx: &CheckContext<'_>) -> Vec<Cell> {
    let usable = |relation: &&Relation| {
        let schema = &relation.name.schema;
        !is_system_schema(schema) && cx.catalog.schema(schema).is_some_and(|schema| schema.usable)
    };
    // What is true of a partitioned table is true of its partitions.
    let mut relations: Vec<&Relation> =
        cx.catalog.relations().iter().filter(usable).filter(|relation| !relation.is_partition).collect();
    relations.sort_by(|one, other| one.name.cmp(&other.name));
    relations.into_iter().flat_map(|relation| of_relation(relation, cx)).collect()
}

fn of_relation(relation: &Relation, cx: &CheckContext<'_>) -> Vec<Cell> {
    let cell = |column: &str, action: Action, decision, rule: &str, detail: String| Cell {
        relation: relation.name.to_string(),
        column: column.to_owned(),
        action: action.to_string(),
        decision,
        rule: rule.to_owned(),
        detail,
    };
    let access = cx.policy.access(relation, cx.catalog);
    let mut cells = Vec::new();
    let reads = |decision, rule: &str, detail| cell("*", Action::Select, decision, rule, detail);
    let (decision, rule) = (&access.decision, access.decision.rule.as_str());
    if !decision.allowed {
        cells.push(reads("deny", rule, decision.reason.clone().unwrap_or_default()));
    } else if let Some(claim) = claim_missing(relation, cx) {
        cells.push(reads("deny", "policy.claims", claim));
    } else {
        cells.push(reads("allow", rule, String::new()));
        for filter in &access.filters {
            cells.push(reads("filter", &filter.name, filter.condition.to_string()));
        }
        for (column, access) in relation.columns.iter().zip(&access.columns) {
            let of =
                |decision, rule: &str, detail| cell(&column.name, Action::Select, decision, rule, detail);
            cells.extend(match access {
                ColumnAccess::Clear => None,
                ColumnAccess::Masked(mask) => Some(of("mask", &mask.name, mask.kind.to_string())),
                ColumnAccess::Denied(denied) => {
                    Some(of("deny", &denied.rule, denied.reason.clone().unwrap_or_default()))
                }
                ColumnAccess::Unreadable => Some(of("hidden", "login.privileges", String::new())),
            });
        }
    }
    for action in [Action::Insert, Action::Update, Action::Delete] {
        cells.extend(writes(action, relation, cx).into_iter().map(|(column, rule)| {
            let checks = cx.policy.checks_of(relation, cx.catalog);
            let detail: Vec<&str> = checks.iter().map(|check| &*check.condition).collect();
            cell(&column, action, "allow", &rule, detail.join(" AND "))
        }));
    }
    cells
}

/// The claim that a filter needs and the caller does not have.
fn claim_missing(relation: &Relation, cx: &CheckContext<'_>) -> Option<String> {
    let quoted = |name: &str| format!("\"{name}\"");
    let (schema, name) = (quoted(&relation.name.schema), quoted(&relation.name.name));
    let refusal = sql::check(&format!("SELECT 1 FROM {schema}.{name}"), cx).err()?;
    (refusal.rule.as_deref() == Some("policy.claims")).then_some(refusal.message)
}

/// The columns that may be written, `*` for all of them, with the rule.
fn writes(action: Action, relation: &Relation, cx: &CheckContext<'_>) -> Vec<(String, String)> {
    let whole = cx.policy.decide_write(action, relation, cx.catalog);
    if !whole.allowed {
        return Vec::new();
    }
    if action == Action::Delete {
        return vec![("*".to_owned(), whole.rule)];
    }
    let decided = relation.columns.iter().map(|column| {
        (column.name.clone(), cx.policy.decide_write_column(action, relation, &column.name, cx.catalog))
    });
    let decided: Vec<_> = decided.collect();
    if decided.iter().all(|(_, decision)| decision.allowed && decision.rule == whole.rule) {
        return vec![("*".to_owned(), whole.rule)];
    }
    let allowed = decided.into_iter().filter(|(_, decision)| decision.allowed);
    allowed.map(|(column, decision)| (column, decision.rule)).collect()
}
