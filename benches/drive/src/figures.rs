//! What was measured, by name, in the order in which it was.

use serde_json::{Map, Value, json};

#[derive(Clone, Default)]
pub struct Figures(Map<String, Value>);

impl Figures {
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), json!((value * 1e4).round() / 1e4));
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn of(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn json(&self) -> Value {
        json!(self.0)
    }

    pub fn read(path: &std::path::Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let value: Value = serde_json::from_str(&text).unwrap();
        Some(Self(value["figures"].as_object().cloned().unwrap_or_default()))
    }

    /// The same work without pgwarden, of the same run: what a figure is compared with on another machine.
    pub fn floor_of(name: &str) -> Option<&'static str> {
        const FLOORS: [(&str, &str); 8] = [
            ("stdio.select1", "floor.select1_p50_ms"),
            ("stdio.lookup", "floor.lookup_p50_ms"),
            ("stateless.", "floor.pgbench_per_s"),
            ("sessions.", "floor.pgbench_per_s"),
            ("peer.", "floor.pgbench_per_s"),
            ("rows10k.ms", "floor.rows10k_ms"),
            ("million.whole_s", "floor.million_s"),
            ("cancel.", "floor.select1_p50_ms"),
        ];
        let timed = !name.ends_with("_mb") && !name.ends_with("_cores");
        FLOORS.iter().find(|(start, _)| timed && name.starts_with(start)).map(|(_, floor)| *floor)
    }

    /// More is better.
    pub fn is_rate(name: &str) -> bool {
        name.ends_with("_per_s")
    }
}
