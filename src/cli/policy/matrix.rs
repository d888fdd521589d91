//! What a caller may do with every relation and column, as text and as JSON.

use crate::gateway::matrix::Cell;

pub(super) fn json(cells: &[Cell]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(cells)
}

pub(super) fn text(cells: &[Cell]) -> String {
    let head = ["RELATION", "COLUMN", "ACTION", "DECISION", "RULE", "DETAIL"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(cells.iter().map(fields)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, field) in widths.iter_mut().zip(row) {
            *width = field.chars().count().max(*width);
        }
    }
    let padded = |row: &[String; 6]| {
        let fields = row.iter().zip(widths).map(|(field, width)| format!("{field:width$}"));
        fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(padded).collect::<Vec<_>>().join("\n")
}

fn fields(cell: &Cell) -> [String; 6] {
    let Cell { relation, column, action, decision, rule, detail } = cell;
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    [relation.clone(), column.clone(), action.clone(), (*decision).to_owned(), rule.clone(), line(detail)]
}
