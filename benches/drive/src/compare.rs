//! Two builds in one run, in turn, so that both see the same machine.

use crate::figures::Figures;
use crate::ground::Ground;
use crate::measure::{Scale, everything};
use crate::program::Program;
use crate::table::short;

/// The table of ratios: each round's second build by its first.
pub async fn compare(first: &Program, second: &Program, ground: &Ground, rounds: usize) -> String {
    let mut measured = Vec::new();
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        // Who goes first changes: what the one leaves warm is not always the same build's.
        let pair = if round % 2 == 0 {
            let one = everything(first, ground, Scale::ROUND).await;
            (one, everything(second, ground, Scale::ROUND).await)
        } else {
            let two = everything(second, ground, Scale::ROUND).await;
            (everything(first, ground, Scale::ROUND).await, two)
        };
        measured.push(pair);
    }
    let mut table = String::from(
        "| figure | first | second | second / first | spread of the rounds | |\n|---|---|---|---|---|---|\n",
    );
    let names: Vec<String> = measured.first().map(names).unwrap_or_default();
    for name in names.iter().filter(|name| !name.contains("p99")) {
        let of = |figures: &Figures| figures.of(name).unwrap_or_default();
        let mut ratios: Vec<f64> = measured.iter().map(|(one, two)| of(two) / of(one)).collect();
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        let first = middle(measured.iter().map(|(one, _)| of(one)));
        let second = middle(measured.iter().map(|(_, two)| of(two)));
        table += &format!(
            "| {name} | {} | {} | {:.2} | {least:.2} - {most:.2} | {} |\n",
            short(first),
            short(second),
            middle(ratios.iter().copied()),
            verdict(name, ratios.len(), least, most),
        );
    }
    table
}

fn names((figures, _): &(Figures, Figures)) -> Vec<String> {
    figures.names().map(str::to_owned).collect()
}

/// Only where every round agrees, and by more than a hair; few rounds agree by chance.
fn verdict(name: &str, rounds: usize, least: f64, most: f64) -> &'static str {
    let (more, less) = (least > 1.02, most < 0.98);
    match (more, less, Figures::is_rate(name)) {
        _ if rounds < 5 || name.starts_with("floor.") || name.ends_with("_cores") => "",
        (true, _, true) | (_, true, false) => "better",
        (true, _, false) | (_, true, true) => "worse",
        (false, false, _) => "",
    }
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
