//! What a process holds: memory, descriptors, sessions, tasks, connections to PostgreSQL.

use std::collections::HashMap;
use std::fs;

use super::program::Program;
use super::wire::{Wire, get};

#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Megabytes of the program, resident.
    pub memory: f64,
    /// But for those of connections to PostgreSQL.
    pub descriptors: usize,
    pub sessions: usize,
    pub streams: usize,
    /// Queued and running.
    pub tasks: usize,
    /// Connections that are lent, and calls that wait for one.
    pub lent: usize,
    pub waiting: usize,
    /// Sessions of the login in PostgreSQL.
    pub backends: usize,
}

impl Level {
    pub async fn of(program: &Program) -> Self {
        let page = scrape(program).await;
        let sum = |names: &[&str]| {
            let named = |series: &str| names.iter().any(|name| series.starts_with(name));
            page.iter().filter(|(series, _)| named(series)).map(|(_, value)| *value as usize).sum()
        };
        let backends = backends(program).await;
        Self {
            memory: memory(program.pid()),
            descriptors: descriptors(program.pid()).saturating_sub(backends),
            sessions: sum(&["pgwarden_sessions_open"]),
            streams: sum(&["pgwarden_streams_open"]),
            tasks: sum(&["pgwarden_tasks{state=\"queued\"", "pgwarden_tasks{state=\"running\""]),
            lent: sum(&["pgwarden_pool_in_use"]),
            waiting: sum(&["pgwarden_pool_waiting"]),
            backends,
        }
    }

    /// What is above `before` and should not be, in words. `megabytes` more are no growth.
    pub fn above(&self, before: &Self, megabytes: f64) -> Vec<String> {
        let counts = [
            ("descriptors", self.descriptors, before.descriptors + 2),
            ("sessions", self.sessions, before.sessions),
            ("streams", self.streams, before.streams),
            ("tasks", self.tasks, before.tasks),
            // The neighbour's query, or pgwarden's own look at the catalog.
            ("lent connections", self.lent, before.lent.max(1)),
            ("waiting calls", self.waiting, before.waiting),
            ("backends", self.backends, before.backends.max(super::program::POOL + 2)),
        ];
        let above = counts.into_iter().filter(|(_, now, most)| now > most);
        let mut above: Vec<String> =
            above.map(|(what, now, most)| format!("{now} {what}, not {most}")).collect();
        if self.memory > before.memory + megabytes {
            above.push(format!("{:.0} MB, not {:.0} and {megabytes:.0}", self.memory, before.memory));
        }
        above
    }
}

/// Every series with its value.
pub async fn scrape(program: &Program) -> HashMap<String, f64> {
    let mut wire = Wire::open(program.metrics).await.unwrap();
    let answer = wire.ask(&get("/metrics")).await.unwrap();
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// Megabytes that a process has resident.
pub fn memory(pid: u32) -> f64 {
    kilobytes(pid, "VmRSS:") / 1024.0
}

/// Megabytes of PostgreSQL's sessions of this database that are nobody else's.
pub fn private_memory(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| kilobytes(*pid, "RssAnon:")).sum::<f64>() / 1024.0
}

fn kilobytes(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

pub fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or(0)
}

/// None while PostgreSQL is away.
async fn backends(program: &Program) -> usize {
    let url = program.database.admin_url();
    let Ok((admin, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await else {
        return 0;
    };
    tokio::spawn(connection);
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1";
    let count = admin.query_one(sql, &[&program.login]).await.map_or(0, |row| row.get::<_, i64>(0));
    usize::try_from(count).unwrap()
}
