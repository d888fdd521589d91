//! Statements that write: what functions of the database's own leave in the session is nobody's.

use std::sync::Arc;

use pgwarden::auth::Caller;
use pgwarden::gateway::{Gateway, Served, WriteRequest, Written};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::store::before::BeforeImages;
use tokio_util::sync::CancellationToken;

use super::{each_way, gateway, one, other};
use crate::support::{Database, Template, gate_with, until};

/// Its trigger leaves a setting, a lock and a table in the session.
const ORDERS: &str = "
    CREATE SCHEMA s;
    CREATE TYPE s.state AS ENUM ('open', 'paid');
    CREATE TABLE s.parents (id integer PRIMARY KEY);
    CREATE TABLE s.orders (id integer PRIMARY KEY, state s.state,
        parent integer REFERENCES s.parents DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO s.orders SELECT n, 'open' FROM generate_series(1, 9) AS n;
    CREATE FUNCTION s.litter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM set_config('app.mark', 'left', false), pg_advisory_lock(4711);
        CREATE TEMP TABLE IF NOT EXISTS litter (x integer);
        RETURN NEW;
    END $$;
    CREATE TABLE s.littered (id integer PRIMARY KEY, parent integer REFERENCES s.parents DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO s.littered VALUES (1), (2);
    CREATE TRIGGER litter BEFORE UPDATE ON s.littered FOR EACH ROW EXECUTE FUNCTION s.litter()";
const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"s.*\"]
[[allow]]
update = [\"s.orders\", \"s.littered\"]
[writes]
approval = \"none\"
rows = 10
";

async fn run(gateway: &Gateway, sql: &str) -> Result<Written, Diagnostic> {
    let request = WriteRequest { sql: sql.to_owned(), params: Vec::new(), database: None };
    gateway.run_write(&Caller::local("anna"), &request, &|_| Ok(()), &CancellationToken::new()).await
}

fn serve(url: &str) -> Gateway {
    let gate = gate_with(url, |settings| settings.pool_size = 2);
    gateway(Served::new(gate, Policy::parse(POLICY, "policy.toml").unwrap()))
        .with_before_images(Arc::new(BeforeImages::in_memory().unwrap()))
}

#[tokio::test]
async fn rows_are_written_and_nothing_stays_in_the_server_connection() {
    let database = Database::create(Template::Empty).await;
    let writer = database.create_role("writer", "LOGIN").await;
    let admin = database.admin().await;
    admin.batch_execute(ORDERS).await.unwrap();
    let grants = format!(
        "GRANT USAGE ON SCHEMA s TO {writer}; GRANT SELECT, UPDATE ON s.orders, s.littered TO {writer};
         GRANT SELECT ON s.parents TO {writer}"
    );
    admin.batch_execute(&grants).await.unwrap();
    for bouncer in each_way(1) {
        let url = bouncer.url(database.name(), &writer);
        let gateway = serve(&url);
        let clean = async || {
            let other = other(&url).await;
            assert_eq!(one(&other, "SELECT current_setting('app.mark', true)").await, "NULL");
            assert_eq!(one(&other, "SELECT to_regclass('pg_temp.litter')").await, "NULL");
            until("the lock is given up", || async {
                let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711";
                (one(&other, held).await == "0").then_some(())
            })
            .await;
        };
        for id in 1..5 {
            let paid = format!("UPDATE s.orders SET state = 'paid' WHERE id = {id} RETURNING state");
            assert_eq!(run(&gateway, &paid).await.unwrap().rows, 1);
            let paid: i64 = admin
                .query_one("SELECT count(*) FROM s.orders WHERE state = 'paid'", &[])
                .await
                .unwrap()
                .get(0);
            assert_eq!(paid, id);
        }
        run(&gateway, "UPDATE s.littered SET parent = NULL").await.unwrap();
        clean().await;
        // What fails when it commits leaves as little.
        let orphan = run(&gateway, "UPDATE s.littered SET parent = 77").await.unwrap_err();
        assert_eq!(orphan.sqlstate.as_str(), "23503", "{orphan}");
        clean().await;
        let none: i64 =
            admin.query_one("SELECT count(*) FROM s.littered WHERE parent = 77", &[]).await.unwrap().get(0);
        assert_eq!(none, 0);
        admin.batch_execute("UPDATE s.orders SET state = 'open'").await.unwrap();
    }
}
