//! A row of the table: kept as a file, which `scripts/faults` reads.

use std::fs;
use std::path::Path;

/// Full sizes instead of those that a test run can afford: `scripts/faults --full`.
pub fn full() -> bool {
    std::env::var_os("FAULTS_FULL").is_some()
}

/// At the end of a test, when all of it was seen: `fault` and `promise` as in `docs/FAULTS.md`.
pub fn row(fault: &str, proof: &str, promise: &str, observed: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("faults");
    fs::create_dir_all(&folder).unwrap();
    let name: String = fault.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let cells = [fault, proof, promise, observed].map(|cell| cell.replace(['|', '\n'], " "));
    let line = format!("| {} |\n", cells.join(" | "));
    fs::write(folder.join(format!("{name}.row")), &line).unwrap();
    print!("{line}");
}
