//! How it grows: with callers, rows, columns, the size of statements, the catalog and the policy. One CSV a curve.

use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ground::Ground;
use crate::measure::{Asker, Load, through_pages};
use crate::program::Program;
use crate::stdio::Stdio;
use crate::times::Times;

const CALLS: usize = 60;

/// Where builds, folders and figures are.
pub struct Curves<'c> {
    pub build: &'c Path,
    pub scratch: &'c Path,
    pub ground: &'c Ground,
    pub output: &'c Path,
    /// Every third point, for less time each.
    pub brief: bool,
}

impl Curves<'_> {
    pub async fn all(&self, wanted: &[String]) {
        std::fs::create_dir_all(self.output).unwrap();
        for name in ["callers", "rows", "columns", "statement", "catalog", "rules"] {
            if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
                continue;
            }
            eprintln!("    curve of {name}");
            let table = match name {
                "callers" => self.callers().await,
                "rows" => self.rows().await,
                "columns" => self.columns().await,
                "statement" => self.statement().await,
                "catalog" => self.catalog().await,
                _ => self.rules().await,
            };
            std::fs::write(self.output.join(format!("{name}.csv")), table).unwrap();
        }
    }

    /// Of sixteen people, so that no one of them is bounded before all are.
    async fn callers(&self) -> String {
        let mut csv = "callers,calls per second,refused per second,p50 ms,p99 ms,resident MB\n".to_owned();
        let program = self.program("callers");
        let tokens = Rc::new(program.tokens(16));
        let served = program.serve().await;
        for callers in self.points(&[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) {
            let asker = Asker { tokens: Rc::clone(&tokens), ..Asker::pgwarden(served.address, true, false) };
            let time = Duration::from_secs(if self.brief { 1 } else { 4 });
            let load = Load { callers, time, ground: self.ground, process: served.process() };
            let calls = asker.run(&load).await;
            let (p50, p99) = (calls.times.p50(), calls.times.p99());
            let (rate, refused) = (calls.per_second, calls.refused_per_second);
            writeln!(csv, "{callers},{rate:.0},{refused:.0},{p50:.3},{p99:.3},{:.1}", calls.peak).unwrap();
        }
        csv
    }

    async fn rows(&self) -> String {
        let mut csv = "rows,pgwarden ms,COPY ms,first page ms,megabytes at the most\n".to_owned();
        let most = usize::try_from(self.ground.rows).unwrap();
        for rows in self.points(&[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
            let rows = u32::try_from(rows.min(most)).unwrap();
            let stdio = self.asked(&self.program("rows")).await;
            let (mut whole, mut first, mut copy) = (Times::default(), Times::default(), Times::default());
            stdio.process().forget_peak();
            for _ in 0..if rows > 20_000 { 1 } else { 9 } {
                copy.add(self.ground.rows(rows).await);
                let read = through_pages(&stdio, rows).await;
                whole.add(read.whole);
                first.add(read.first);
            }
            let peak = stdio.process().peak();
            writeln!(csv, "{rows},{:.3},{:.3},{:.3},{peak:.1}", whole.p50(), copy.p50(), first.p50())
                .unwrap();
        }
        csv
    }

    async fn columns(&self) -> String {
        let mut csv = "columns,seen ms,new ms\n".to_owned();
        let admin = self.ground.connect("postgres", "postgres").await;
        let columns: Vec<String> = (1..=1_600).map(|number| format!("c{number} integer")).collect();
        let table = format!(
            "DROP TABLE IF EXISTS bench.wide; CREATE TABLE bench.wide ({}); INSERT INTO bench.wide (c1) VALUES (1);
             GRANT SELECT ON bench.wide TO reader",
            columns.join(", ")
        );
        admin.batch_execute(&table).await.unwrap();
        let stdio = self.asked(&self.program("columns")).await;
        for columns in self.points(&[1, 3, 10, 30, 100, 300, 800, 1_600]) {
            let names: Vec<String> = (1..=columns).map(|number| format!("c{number}")).collect();
            let sql = |note: usize| format!("SELECT {} AS c_{note} FROM bench.wide", names.join(", "));
            let [seen, new] = self.seen_and_new(&stdio, sql).await;
            writeln!(csv, "{columns},{seen:.3},{new:.3}").unwrap();
        }
        csv
    }

    async fn statement(&self) -> String {
        let mut csv = "bytes,seen ms,new ms\n".to_owned();
        let stdio = self.asked(&self.program("statement")).await;
        for items in self.points(&[1, 10, 30, 100, 300, 1_000, 2_000, 4_500]) {
            let list: Vec<String> = (1..=items).map(|id| id.to_string()).collect();
            let sql = |note: usize| {
                format!("SELECT count(*) AS n{note} FROM bench.items WHERE id IN ({})", list.join(", "))
            };
            let [seen, new] = self.seen_and_new(&stdio, sql).await;
            writeln!(csv, "{},{seen:.3},{new:.3}", sql(0).len()).unwrap();
        }
        csv
    }

    /// 20 columns each. What is read when the program starts, and what a statement costs beside so many others.
    async fn catalog(&self) -> String {
        let mut csv = "relations,seconds to ready,resident MB,peak MB,seen ms,new ms\n".to_owned();
        let admin = self.ground.connect("postgres", "postgres").await;
        for relations in self.points(&[100, 300, 1_000, 3_000, 10_000]) {
            let database = format!("catalog_{relations}");
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database}")).await.unwrap();
            admin.batch_execute(&format!("CREATE DATABASE {database} TEMPLATE template0")).await.unwrap();
            let inside = self.ground.connect(&database, "postgres").await;
            inside.batch_execute("CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO reader").await.unwrap();
            let columns: Vec<String> = (2..=20).map(|number| format!("c{number} text")).collect();
            for from in (0..relations).step_by(500) {
                let tables = format!(
                    "DO $$ BEGIN FOR n IN {from}..{} LOOP
                        EXECUTE format('CREATE TABLE s.t%s (id integer PRIMARY KEY, {})', n);
                        EXECUTE format('GRANT SELECT ON s.t%s TO reader', n);
                     END LOOP; END $$",
                    (from + 500).min(relations) - 1,
                    columns.join(", ")
                );
                inside.batch_execute(&tables).await.unwrap();
            }
            inside.batch_execute("ANALYZE pg_class, pg_attribute").await.unwrap();
            let url = self.ground.url(&database, "reader");
            let program = self.program_under("catalog", &url, "[[allow]]\nselect = [\"*.*\"]\n");
            let served = program.serve().await;
            let (resident, peak) = (served.process().resident(), served.process().peak());
            drop(served);
            let stdio = self.asked(&program).await;
            let [seen, new] =
                self.seen_and_new(&stdio, |note| format!("SELECT id AS id{note} FROM s.t7")).await;
            let ready = self.ready(&program).await;
            writeln!(csv, "{relations},{ready:.3},{resident:.1},{peak:.1},{seen:.3},{new:.3}").unwrap();
            drop((stdio, inside));
        }
        csv
    }

    /// Half of them allow and half deny what is not asked for; the last one allows what is.
    async fn rules(&self) -> String {
        let mut csv = "rules,seen ms,new ms\n".to_owned();
        for rules in self.points(&[10, 30, 100, 300, 1_000]) {
            let mut policy = String::new();
            for rule in 0..rules - 1 {
                let kind = if rule % 2 == 0 { "allow" } else { "deny" };
                write!(policy, "[[{kind}]]\nselect = [\"bench.t{}_{rule}*\"]\n", rule % 300 + 1).unwrap();
            }
            policy += "[[allow]]\nselect = [\"bench.items\"]\n";
            let program = self.program_under("rules", &self.ground.url("postgres", "reader"), &policy);
            let stdio = self.asked(&program).await;
            let sql = |note: usize| format!("SELECT id, note AS n{note} FROM bench.items WHERE id = 7");
            let [seen, new] = self.seen_and_new(&stdio, sql).await;
            writeln!(csv, "{rules},{seen:.3},{new:.3}").unwrap();
        }
        csv
    }

    /// Milliseconds, p50.
    async fn seen_and_new(&self, stdio: &Stdio, sql: impl Fn(usize) -> String) -> [f64; 2] {
        let calls = if self.brief { 20 } else { CALLS };
        let (mut seen, mut new) = (Times::default(), Times::default());
        for call in 0..calls + 10 {
            for (times, text) in [(&mut seen, sql(0)), (&mut new, sql(call + 1))] {
                let started = Instant::now();
                stdio.call("query", json!({"sql": text})).await;
                if call >= 10 {
                    times.since(started);
                }
            }
        }
        [seen.p50(), new.p50()]
    }

    /// Seconds from the start to the first answer, p50.
    async fn ready(&self, program: &Program) -> f64 {
        let mut times = Times::default();
        for _ in 0..5 {
            times.add(program.serve().await.ready);
        }
        times.p50() / 1e3
    }

    async fn asked(&self, program: &Program) -> Stdio {
        let stdio = program.stdio();
        stdio.greet().await;
        stdio.call("query", json!({"sql": "SELECT 1 AS n"})).await;
        stdio
    }

    fn program(&self, name: &str) -> Program {
        Program::new(self.build, &self.scratch.join(name), self.ground)
    }

    fn program_under(&self, name: &str, url: &str, rules: &str) -> Program {
        let policy = format!("version = 1\ninclude = []\n{rules}");
        Program::under(self.build, &self.scratch.join(name), url, &policy)
    }

    fn points(&self, points: &[usize]) -> Vec<usize> {
        let step = if self.brief { 3 } else { 1 };
        points.iter().copied().step_by(step).collect()
    }
}
