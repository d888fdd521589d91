//! A database behind a network that can fail, and what must be true of it after every fault.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgwarden::auth::Caller;
use pgwarden::db::Database as Gate;
use pgwarden::embedded::{Auth, Listen, Settings};
use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::policy::Policy;
use pgwarden::store::before::BeforeImages;
use pgwarden::telemetry::Telemetry;
use tokio_postgres::Client;

use crate::proxy::Proxy;
use crate::support::{Cluster, Database, Template, gate_with, until};

const PASSWORD: &str = "open sesame";

const SCHEMA: &str = "
    CREATE SCHEMA s;
    CREATE TABLE s.notes (id integer PRIMARY KEY, body text NOT NULL);
    INSERT INTO s.notes SELECT n, 'note ' || n FROM generate_series(1, 100) AS n;
    CREATE FUNCTION s.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE
        AS $$ SELECT pg_sleep(seconds)::text $$;
";

pub const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"s.*\"]
[[allow]]
update = [\"s.notes\"]
[[allow]]
execute = [\"s.wait\"]
[writes]
approval = \"none\"
rows = 100
";

pub struct Ground {
    pub database: Database<'static>,
    pub admin: Client,
    pub login: String,
    pub proxy: Proxy,
}

fn cluster(parameters: &[(&str, &str)]) -> Cluster {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let auth = Auth::Scram { password: PASSWORD.to_owned() };
    Cluster::start(Settings {
        listen: Listen::Loopback,
        auth,
        parameters: parameters.collect(),
        ..Settings::default()
    })
}

impl Ground {
    /// In a cluster that the tests of this process share.
    pub async fn shared() -> Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        Self::on(SHARED.get_or_init(|| cluster(&[]))).await
    }

    /// In a cluster of its own, which can be stopped and killed. It ends with the process.
    pub async fn own(parameters: &[(&str, &str)]) -> Self {
        // What is committed stays, also where a throwaway server would not care.
        let parameters = [&[("synchronous_commit", "on")], parameters].concat();
        Self::on(Box::leak(Box::new(cluster(&parameters)))).await
    }

    async fn on(cluster: &'static Cluster) -> Self {
        let database = Database::create_in(cluster, Template::Empty).await;
        let admin = database.admin().await;
        let login = database.create_role("caller", &format!("LOGIN PASSWORD '{PASSWORD}'")).await;
        let grants = format!(
            "{SCHEMA} GRANT USAGE ON SCHEMA s TO {login}; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA s TO {login}"
        );
        admin.batch_execute(&grants).await.unwrap();
        let proxy = Proxy::to(port_of(&database.admin_url())).await;
        Self { database, admin, login, proxy }
    }

    /// Another way to the same database.
    pub async fn proxy(&self) -> Proxy {
        Proxy::to(port_of(&self.database.admin_url())).await
    }

    /// By a proxy's port, or by another one.
    pub fn url(&self, port: u16) -> String {
        let name = self.database.name();
        format!(
            "postgres://{}:open%20sesame@127.0.0.1:{port}/{name}?sslmode=disable&connect_timeout=2",
            self.login
        )
    }

    /// Of the superuser, for a store.
    pub fn store_url(&self, port: u16) -> String {
        let direct = self.database.admin_url();
        let own = format!(":{}/", port_of(&direct));
        format!("{}?sslmode=disable&connect_timeout=2", direct.replace(&own, &format!(":{port}/")))
    }

    /// The server's own port.
    pub fn port(&self) -> u16 {
        port_of(&self.database.admin_url())
    }

    pub fn gate(&self) -> Arc<Gate> {
        gate_with(&self.url(self.proxy.port), |settings| settings.pool_size = 2)
    }

    pub fn gateway(&self, port: u16, deadline: Duration) -> Gateway {
        let gate = gate_with(&self.url(port), |settings| settings.pool_size = 4);
        let policy = Policy::parse(POLICY, "policy.toml").unwrap();
        let limits = CallLimits { rows: 2_000_000, characters: 40_000, field_characters: 4_000, deadline };
        let images = Arc::new(BeforeImages::in_memory().unwrap());
        Gateway::new(vec![Served::new(gate, policy)], limits, Telemetry::default()).with_before_images(images)
    }

    /// The server's process.
    pub async fn postmaster(&self) -> Pid {
        let file = self.one("split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").await;
        Pid::from_raw(file.parse().unwrap())
    }

    /// When the server started.
    pub async fn started(&self) -> String {
        self.database
            .admin()
            .await
            .query_one("SELECT pg_postmaster_start_time()::text", &[])
            .await
            .unwrap()
            .get(0)
    }

    /// One value as text.
    pub async fn one(&self, expression: &str) -> String {
        self.admin.query_one(&format!("SELECT ({expression})::text"), &[]).await.unwrap().get(0)
    }

    /// The backends of pgwarden's login that are in this state: `%` for any.
    pub async fn backends(&self, state: &str) -> Vec<i32> {
        let admin = self.database.admin().await;
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = $1 AND state LIKE $2";
        admin.query(sql, &[&self.login, &state]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Until a statement of the login runs: its backend.
    pub async fn running(&self) -> i32 {
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = $1
                   AND state = 'active' AND wait_event = 'PgSleep'";
        until("a statement runs", async || {
            let rows = self.admin.query(sql, &[&self.login]).await.unwrap();
            rows.first().map(|row| row.get(0))
        })
        .await
    }

    /// After every fault: no backend works, no lock is held, no transaction is open or prepared, and there are not more
    /// connections than may be. Says how many.
    pub async fn nothing_is_left(&self, most: usize) -> usize {
        let admin = self.database.admin().await;
        until("nothing works", async || {
            let sql = "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                               AND usename = $1 AND (state <> 'idle' OR xact_start IS NOT NULL))
                            + (SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                               WHERE datname = current_database() AND usename = $1 AND locktype <> 'virtualxid')
                            + (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())";
            (admin.query_one(sql, &[&self.login]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
        })
        .await;
        let backends = self.backends("%").await.len();
        assert!(backends <= most, "{backends} connections are open");
        backends
    }
}

pub fn caller() -> Caller {
    Caller::local("anna")
}

pub fn signal(process: i32, signal: Signal) {
    kill(Pid::from_raw(process), signal).unwrap();
}

/// The letter of a process's state, as `/proc` has it: `T` is stopped.
pub fn state_of(process: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap()
}
