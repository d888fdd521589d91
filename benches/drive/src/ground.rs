//! The PostgreSQL that all is measured over, and what it takes without anybody in between.

use std::process::Command;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use crate::times::Times;

const SCHEMA: &str = include_str!("ground.sql");
pub const COLUMNS: &str = "id, uid, body, price, created_at, attrs, note";

pub struct Ground {
    port: u16,
    /// Of the large table.
    pub rows: u32,
}

impl Ground {
    /// Fills the server at the port of 127.0.0.1, unless that was done before.
    pub async fn fill(port: u16, rows: u32) -> Self {
        let ground = Self { port, rows };
        let admin = ground.connect("postgres", "postgres").await;
        let there = admin.query_one("SELECT to_regnamespace('bench') IS NOT NULL", &[]).await.unwrap();
        if !there.get::<_, bool>(0) {
            admin.batch_execute(&SCHEMA.replace("$ROWS", &rows.to_string())).await.unwrap();
            // Hint bits and visibility are settled before anything is measured.
            admin.batch_execute("VACUUM bench.items").await.unwrap();
        }
        let kept = admin.query_one("SELECT max(id) FROM bench.items", &[]).await.unwrap();
        Self { rows: u32::try_from(kept.get::<_, i32>(0)).unwrap(), ..ground }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self, database: &str, login: &str) -> String {
        format!("postgresql://{login}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    pub async fn connect(&self, database: &str, login: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(database, login), NoTls).await.unwrap();
        tokio::task::spawn_local(connection);
        client
    }

    /// `SELECT 1` and a key lookup, each prepared once.
    pub async fn floor(&self) -> Floor {
        let client = self.connect("postgres", "reader").await;
        let one = client.prepare("SELECT 1").await.unwrap();
        let lookup =
            client.prepare(&format!("SELECT {COLUMNS} FROM bench.items WHERE id = $1")).await.unwrap();
        Floor { client, one, lookup, times: [Times::default(), Times::default()] }
    }

    /// Rows with seven columns, as text; from the question to the last row.
    pub async fn rows(&self, count: u32) -> Duration {
        let client = self.connect("postgres", "reader").await;
        let sql = format!("COPY (SELECT {COLUMNS} FROM bench.items LIMIT {count}) TO STDOUT");
        let started = Instant::now();
        let mut stream = std::pin::pin!(client.copy_out(&sql).await.unwrap());
        while next(&mut stream).await.is_some() {}
        started.elapsed()
    }

    /// Key lookups of a second by as many clients of pgbench, prepared.
    pub fn pgbench(&self, clients: usize, seconds: u32) -> f64 {
        let script = std::env::temp_dir().join(format!("drive-{}.sql", std::process::id()));
        let lookup =
            format!("\\set id random(1, {})\nSELECT {COLUMNS} FROM bench.items WHERE id = :id;\n", self.rows);
        std::fs::write(&script, lookup).unwrap();
        let program = std::env::var("PGBENCH").unwrap_or_else(|_| "pgbench".to_owned());
        let output = Command::new(program)
            .args([
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-c",
                &clients.to_string(),
                "-T",
                &seconds.to_string(),
                "-f",
            ])
            .arg(&script)
            .arg(self.url("postgres", "reader"))
            .output()
            .expect("pgbench runs");
        let _ = std::fs::remove_file(script);
        let said = String::from_utf8_lossy(&output.stdout);
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| {
            panic!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
        });
        tps.split(' ').next().unwrap().parse().unwrap()
    }
}

async fn next<S>(stream: &mut std::pin::Pin<&mut S>) -> Option<()>
where
    S: futures_core::Stream,
{
    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await.map(drop)
}

/// The driver's own lookups, beside which those of a server stand.
pub struct Floor {
    client: Client,
    one: tokio_postgres::Statement,
    lookup: tokio_postgres::Statement,
    times: [Times; 2],
}

impl Floor {
    pub async fn round(&mut self, calls: u32, ground: &Ground) {
        for call in 0..calls {
            let started = Instant::now();
            self.client.query(&self.one, &[]).await.unwrap();
            self.times[0].since(started);
            let id = i32::try_from(call * 7919 % ground.rows + 1).unwrap();
            let started = Instant::now();
            self.client.query(&self.lookup, &[&id]).await.unwrap();
            self.times[1].since(started);
        }
    }

    /// Of `SELECT 1`, of the lookup.
    pub fn times(&self) -> &[Times; 2] {
        &self.times
    }
}
