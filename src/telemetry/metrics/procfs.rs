//! The process as the kernel sees it. Where there is no /proc, nothing is told.

use std::fs;

use super::page::Page;
use super::series::{CPU, MAX_FDS, OPEN_FDS, RESIDENT, STARTED};

/// Clock ticks a second, as /proc has them on every architecture of Linux.
const TICKS: f64 = 100.0;

pub(super) fn read(page: &mut Page) {
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
        page.set(&CPU, &[], stat.ticks / TICKS);
        if let Some(booted) = booted() {
            page.set(&STARTED, &[], booted + stat.started / TICKS);
        }
    }
    if let Some(kilobytes) = field("/proc/self/status", "VmRSS:") {
        page.set(&RESIDENT, &[], kilobytes * 1024.0);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the look itself.
        page.count(&OPEN_FDS, &[], open.count().saturating_sub(1));
    }
    if let Some(most) = field("/proc/self/limits", "Max open files") {
        page.set(&MAX_FDS, &[], most);
    }
}

struct Stat {
    /// User and system time.
    ticks: f64,
    /// Since the system was booted.
    started: f64,
}

impl Stat {
    /// Fields are counted from the name's end: it may hold spaces and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let at = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self { ticks: at(14)? + at(15)?, started: at(22)? })
    }
}

fn booted() -> Option<f64> {
    field("/proc/stat", "btime")
}

/// The first number behind `name`.
fn field(file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_passed_by() {
        let numbers: Vec<String> = (4..=30).map(|number| number.to_string()).collect();
        let stat = Stat::parse(&format!("1 (a) b (c) S {}", numbers.join(" "))).unwrap();
        assert_eq!((stat.ticks, stat.started), (14.0 + 15.0, 22.0));
    }
}
