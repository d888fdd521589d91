//! Values arrive as PostgreSQL prints them: every type that a table can hold, in every shape that a type can take.

mod explain;
mod huge;
mod json;
mod pages;
mod types;
mod values;

use std::sync::Arc;

use pgwarden::db::{Database as Gate, RunLimits};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{Database, Template, gate_with, limits, query_within};

const TIME_ZONE: &str = "Europe/Berlin";

/// An empty database with a login that may read the tables of the schema `v`, and nothing of `types`.
struct Bench {
    _database: Database<'static>,
    admin: Client,
    gate: Arc<Gate>,
    url: String,
}

impl Bench {
    /// `script` makes the tables.
    async fn new(script: &str) -> Self {
        let database = Database::create(Template::Empty).await;
        let admin = database.admin().await;
        let login = database.create_role("login", "LOGIN").await;
        let settings = "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres; SET bytea_output = hex;
            SET extra_float_digits = 1; SET TimeZone = 'Europe/Berlin'; SET client_min_messages = warning;
            CREATE SCHEMA v; CREATE SCHEMA types;";
        admin.batch_execute(settings).await.unwrap();
        admin.batch_execute(script).await.unwrap_or_else(|error| panic!("{error:?}"));
        let rights = format!(
            "GRANT USAGE ON SCHEMA v TO {login}; GRANT SELECT ON ALL TABLES IN SCHEMA v TO {login};
             SET search_path = pg_catalog, pg_temp"
        );
        admin.batch_execute(&rights).await.unwrap();
        let url = database.url(&login);
        let gate = gate_with(&url, |settings| settings.time_zone = Some(TIME_ZONE.to_owned()));
        Self { _database: database, admin, gate, url }
    }

    /// What the simple protocol prints.
    async fn printed(&self, sql: &str) -> Rows {
        let messages = self.admin.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        });
        rows.collect()
    }

    /// What arrives through pgwarden; a boolean as PostgreSQL prints it.
    async fn arrived(&self, sql: &str) -> Rows {
        let limits = RunLimits { field_chars: 200_000, ..limits() };
        let (page, ran) = query_within(&self.gate, sql, &[], &limits)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(ran.truncated, None, "{sql}");
        let booleans: Vec<bool> = page.columns.iter().map(|column| column.type_name == "boolean").collect();
        let unspelled = |(field, boolean): (Option<String>, &bool)| match (field.as_deref(), boolean) {
            (Some("true"), true) => Some("t".to_owned()),
            (Some("false"), true) => Some("f".to_owned()),
            _ => field,
        };
        page.rows.into_iter().map(|row| row.into_iter().zip(&booleans).map(unspelled).collect()).collect()
    }

    /// Adds to `different` what arrives in another form than PostgreSQL prints.
    async fn compare(&self, sql: &str, different: &mut Vec<String>) {
        let (printed, arrived) = (self.printed(sql).await, self.arrived(sql).await);
        assert!(!printed.is_empty(), "{sql}: no rows");
        if printed != arrived {
            different.push(format!("{sql}\n  printed {printed:?}\n  arrived {arrived:?}"));
        }
    }
}

type Rows = Vec<Vec<Option<String>>>;
