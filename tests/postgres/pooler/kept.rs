//! Statements with names: none is missed, none stays behind, and none of another client's is taken for ours.

use super::{each_way, one, other};
use crate::support::{Database, Template, gate, query};

const MOODS: &str = "
    CREATE TYPE public.mood AS ENUM ('calm', 'cross');
    CREATE DOMAIN public.score AS integer;
    CREATE TABLE public.days (id integer PRIMARY KEY, mood public.mood, score public.score, size integer);
    INSERT INTO public.days SELECT n, 'calm', n, n FROM generate_series(1, 10) AS n";
const ASK: &str = "SELECT d.mood, d.score FROM public.days AS d WHERE d.mood = $1 ORDER BY d.id LIMIT 1";

async fn moods() -> (Database<'static>, String) {
    let database = Database::create(Template::Empty).await;
    let reader = database.create_role("reader", "LOGIN").await;
    database.admin().await.batch_execute(MOODS).await.unwrap();
    let grant = format!("GRANT SELECT ON public.days TO {reader}");
    database.admin().await.batch_execute(&grant).await.unwrap();
    (database, reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_the_driver_asks_for_are_known_on_every_server_connection() {
    let (database, reader) = moods().await;
    for bouncer in each_way(2) {
        let url = bouncer.url(database.name(), &reader);
        let gate = gate(&url);
        gate.ready().await.unwrap();
        for round in 0..10 {
            let asked = (0..6).map(|_| query(&gate, ASK, &[Some("calm")]));
            for answer in futures_util::future::join_all(asked).await {
                let (page, _) = answer.unwrap_or_else(|error| panic!("round {round}: {error}"));
                assert_eq!(page.only(), ["calm", "1"]);
            }
        }
        // Both server connections at once.
        let others = [other(&url).await, other(&url).await];
        for client in &others {
            client.batch_execute("BEGIN").await.unwrap();
        }
        for client in &others {
            let left = "SELECT string_agg(name, ' ') FROM pg_prepared_statements WHERE name ~ '^s[0-9]+$'";
            assert_eq!(one(client, left).await, "NULL");
        }
    }
}

#[tokio::test]
async fn a_name_that_another_client_left_is_in_nobodys_way() {
    let (database, reader) = moods().await;
    for bouncer in each_way(1) {
        let url = bouncer.url(database.name(), &reader);
        let gate = gate(&url);
        gate.ready().await.unwrap();
        // Of every name that the driver may come to.
        let litter = "DO $$ BEGIN FOR n IN 0..20000 LOOP EXECUTE format('PREPARE s%s AS SELECT 7', n); END LOOP; END $$";
        other(&url).await.batch_execute(litter).await.unwrap();
        let (page, _) = query(&gate, ASK, &[Some("calm")]).await.unwrap();
        assert_eq!(page.only(), ["calm", "1"]);
    }
}

#[tokio::test]
async fn a_statement_that_was_kept_from_before_a_change_is_prepared_anew() {
    let (database, reader) = moods().await;
    for (round, bouncer) in each_way(1).iter().enumerate() {
        let gate = gate(&bouncer.url(database.name(), &reader));
        let sql = "SELECT d.size FROM public.days AS d ORDER BY d.id LIMIT 1";
        query(&gate, sql, &[]).await.unwrap();
        let other = ["bigint", "numeric"][round];
        let change = format!("ALTER TABLE public.days ALTER COLUMN size TYPE {other}");
        database.admin().await.batch_execute(&change).await.unwrap();
        gate.refresh().await.unwrap();
        let (page, _) = query(&gate, sql, &[]).await.unwrap();
        assert_eq!(page.only(), ["1"], "{other}");
    }
}
