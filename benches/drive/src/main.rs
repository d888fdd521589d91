//! Drives builds of pgwarden and measures them. `scripts/bench` says how it is called.
//!
//!     drive run PORT PROGRAM FOLDER [brief] [PEERS]      every kind of work; FOLDER/figures.json and FOLDER/table.md
//!     drive compare PORT FIRST SECOND FOLDER ROUNDS      two builds in turn; FOLDER/compare.md
//!     drive curves PORT PROGRAM FOLDER [brief] [NAME..]  FOLDER/NAME.csv
//!
//! PORT is of a throwaway PostgreSQL on 127.0.0.1 with a superuser `postgres` who needs no password.

mod compare;
mod curves;
mod figures;
mod ground;
mod http;
mod measure;
mod peers;
mod process;
mod program;
mod stdio;
mod table;
mod times;

use std::path::{Path, PathBuf};

use figures::Figures;
use ground::Ground;
use measure::Scale;
use program::Program;
use serde_json::json;

const ROWS: u32 = 1_000_000;
const BRIEF_ROWS: u32 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(run(&arguments)));
}

async fn run(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let brief = words.contains(&"brief");
    let ground = async |port: &str| {
        Ground::fill(port.parse().expect("a port"), if brief { BRIEF_ROWS } else { ROWS }).await
    };
    match *words.as_slice() {
        ["run", port, program, folder, ref rest @ ..] => {
            let (ground, folder) = (ground(port).await, Path::new(folder));
            let program = Program::new(Path::new(program), &folder.join("program"), &ground);
            let scale = if brief { Scale::BRIEF } else { Scale::WHOLE };
            let mut figures = measure::everything(&program, &ground, scale).await;
            if let Some(peers) = rest.iter().find(|word| **word != "brief") {
                figures.extend(peers::measure(Path::new(peers), &ground, scale.seconds).await);
            }
            report(&figures, folder);
        }
        ["compare", port, first, second, folder, rounds] => {
            let (ground, folder) = (ground(port).await, Path::new(folder));
            let build = |path: &str, name: &str| Program::new(Path::new(path), &folder.join(name), &ground);
            let (first, second) = (build(first, "first"), build(second, "second"));
            let table = compare::compare(&first, &second, &ground, rounds.parse().expect("a number")).await;
            std::fs::write(folder.join("compare.md"), &table).unwrap();
            println!("{table}");
        }
        ["curves", port, program, folder, ref rest @ ..] => {
            let ground = ground(port).await;
            let wanted: Vec<String> =
                rest.iter().filter(|word| **word != "brief").map(|&w| w.to_owned()).collect();
            let output = PathBuf::from(folder);
            let scratch = output.join("programs");
            let build = Path::new(program);
            let curves = curves::Curves { build, scratch: &scratch, ground: &ground, output: &output, brief };
            curves.all(&wanted).await;
        }
        _ => panic!("see the head of benches/drive/src/main.rs for what it takes"),
    }
}

/// Into files, and to be read at once.
fn report(figures: &Figures, folder: &Path) {
    let machine = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        machine.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, m)| m));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let date = std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]).output().unwrap().stdout;
    let written = json!({
        "machine": format!("{}, {cores} cores", model.unwrap_or("unknown")),
        "date": String::from_utf8_lossy(&date).trim(),
        "figures": figures.json(),
    });
    let table = table::of(figures);
    std::fs::write(folder.join("figures.json"), serde_json::to_string_pretty(&written).unwrap() + "\n")
        .unwrap();
    std::fs::write(folder.join("table.md"), &table).unwrap();
    println!("{table}");
    if let Some(baseline) = Figures::read(Path::new("benches/baseline.json")) {
        let beside = table::beside(figures, &baseline);
        std::fs::write(folder.join("beside-baseline.md"), &beside).unwrap();
        println!("{beside}");
    }
}
