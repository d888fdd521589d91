//! EXPLAIN's JSON as values: what the tree and the findings are made of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::pg::{Diagnostic, SqlState};

/// `work_mem` where no setting says otherwise, in kilobytes.
const WORK_MEM: f64 = 4096.0;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Plan {
    #[serde(rename = "Plan")]
    pub root: Node,
    /// Milliseconds, where the statement ran.
    #[serde(rename = "Execution Time")]
    pub execution_time: Option<f64>,
    /// Those that are not PostgreSQL's defaults.
    #[serde(rename = "Settings", default)]
    settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Node {
    #[serde(rename = "Node Type")]
    pub kind: String,
    #[serde(rename = "Join Type")]
    pub join: Option<String>,
    #[serde(rename = "Parent Relationship")]
    pub place: Option<String>,
    #[serde(rename = "Relation Name")]
    pub relation: Option<String>,
    #[serde(rename = "Alias")]
    pub alias: Option<String>,
    #[serde(rename = "Index Name")]
    pub index: Option<String>,
    #[serde(rename = "Total Cost")]
    pub cost: f64,
    #[serde(rename = "Plan Rows")]
    pub rows: f64,
    #[serde(rename = "Plan Width")]
    pub width: f64,
    /// For each loop.
    #[serde(rename = "Actual Rows")]
    pub actual_rows: Option<f64>,
    #[serde(rename = "Actual Total Time")]
    pub actual_time: Option<f64>,
    #[serde(rename = "Actual Loops")]
    pub loops: Option<f64>,
    #[serde(rename = "Rows Removed by Filter")]
    pub removed: Option<f64>,
    #[serde(rename = "Index Cond")]
    pub index_cond: Option<String>,
    #[serde(rename = "Recheck Cond")]
    pub recheck_cond: Option<String>,
    #[serde(rename = "Filter")]
    pub filter: Option<String>,
    #[serde(rename = "Join Filter")]
    pub join_filter: Option<String>,
    #[serde(rename = "Hash Cond")]
    pub hash_cond: Option<String>,
    #[serde(rename = "Merge Cond")]
    pub merge_cond: Option<String>,
    #[serde(rename = "Sort Key", default)]
    pub sort_key: Vec<String>,
    #[serde(rename = "Group Key", default)]
    pub group_key: Vec<String>,
    #[serde(rename = "Sort Space Type")]
    pub sort_space: Option<String>,
    /// Kilobytes.
    #[serde(rename = "Sort Space Used")]
    pub sort_used: Option<f64>,
    #[serde(rename = "Hash Batches")]
    pub hash_batches: Option<f64>,
    #[serde(rename = "Subplan Name")]
    pub subplan: Option<String>,
    #[serde(rename = "CTE Name")]
    pub cte: Option<String>,
    #[serde(rename = "Plans", default)]
    pub children: Vec<Node>,
}

impl Plan {
    /// With the document as it came.
    pub fn read(text: &str) -> Result<(Self, Value), Diagnostic> {
        let unknown = || {
            let message = "PostgreSQL's plan came in an unknown form";
            Diagnostic::connection(SqlState::INTERNAL_ERROR, message)
        };
        let mut documents: Vec<Value> = serde_json::from_str(text).map_err(|_| unknown())?;
        let document = documents.pop().ok_or_else(unknown)?;
        let plan = Self::deserialize(&document).map_err(|_| unknown())?;
        Ok((plan, document))
    }

    /// Memory of one sort or hash, in kilobytes.
    pub fn work_mem(&self) -> f64 {
        let set = self.settings.get("work_mem").and_then(|text| {
            let unit = text.find(|c: char| !c.is_ascii_digit())?;
            let (number, unit) = text.split_at_checked(unit)?;
            let factor = match unit {
                "kB" => 1.0,
                "MB" => 1024.0,
                "GB" => 1024.0 * 1024.0,
                _ => return None,
            };
            Some(number.parse::<f64>().ok()? * factor)
        });
        set.unwrap_or(WORK_MEM)
    }
}

impl Node {
    /// Itself and all below, each with the number of times that the planner expects it to run.
    pub fn visit<'p>(&'p self, times: f64, see: &mut dyn FnMut(&'p Self, f64)) {
        see(self, times);
        let outer = self.children.first().map_or(1.0, |child| child.rows.max(1.0));
        for child in &self.children {
            let inner = self.kind == "Nested Loop" && child.place.as_deref() == Some("Inner");
            child.visit(if inner { times * outer } else { times }, see);
        }
    }

    /// The conditions that say something, each with what it is.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let of = [
            ("", &self.index_cond),
            ("", &self.recheck_cond),
            ("", &self.hash_cond),
            ("", &self.merge_cond),
            ("filter ", &self.filter),
            ("filter ", &self.join_filter),
        ];
        of.into_iter().filter_map(|(what, text)| Some((what, text.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_with_its_settings_and_its_loops() {
        let text = r#"[{"Plan": {"Node Type": "Nested Loop", "Total Cost": 9, "Plan Rows": 6, "Plan Width": 8, "Plans": [
            {"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Total Cost": 1, "Plan Rows": 3, "Plan Width": 4},
            {"Node Type": "Index Scan", "Parent Relationship": "Inner", "Total Cost": 1, "Plan Rows": 2, "Plan Width": 4}
            ]}, "Settings": {"work_mem": "16MB"}}]"#;
        let (plan, _) = Plan::read(text).unwrap();
        assert!((plan.work_mem() - 16_384.0).abs() < 0.1);
        let mut times = Vec::new();
        plan.root.visit(1.0, &mut |node, often| times.push((node.kind.as_str(), often.round())));
        assert_eq!(times, [("Nested Loop", 1.0), ("Seq Scan", 1.0), ("Index Scan", 3.0)]);
        for unknown in ["", "[]", "{}", r#"[{"Plan": {}}]"#] {
            assert!(Plan::read(unknown).is_err());
        }
    }
}
