//! Makes and checks the store's schema: numbered scripts, each applied once, in order.

use sha2::{Digest as _, Sha256};

use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Record, Transaction, Value};
use crate::pg::{Diagnostic, SqlState};

const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(8099581452512716137)";
const EXISTS: &str = "SELECT pg_catalog.to_regclass('pgwarden.migration') IS NOT NULL";
const BOOTSTRAP: &str = include_str!("migrate/bootstrap.sql");
const APPLIED: &str = "SELECT version, checksum FROM pgwarden.migration ORDER BY version";
const RECORD: &str = "INSERT INTO pgwarden.migration (version, name, checksum) VALUES ($1, $2, $3)";

/// One step of the schema.
#[derive(Debug)]
pub struct Migration {
    pub version: i64,
    pub name: &'static str,
    script: &'static str,
}

/// INVARIANT: what was released is never changed, only followed by others.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tasks",
        script: include_str!("../../migrations-fixtures/migrations/0001_tasks.sql"),
    },
    Migration {
        version: 2,
        name: "approvals",
        script: include_str!("../../migrations-fixtures/migrations/0002_approvals.sql"),
    },
    Migration {
        version: 3,
        name: "before_images",
        script: include_str!("../../migrations-fixtures/migrations/0003_before_images.sql"),
    },
    Migration {
        version: 4,
        name: "authorization",
        script: include_str!("../../migrations-fixtures/migrations/0004_authorization.sql"),
    },
    Migration {
        version: 5,
        name: "audit",
        script: include_str!("../../migrations-fixtures/migrations/0005_audit.sql"),
    },
    Migration {
        version: 6,
        name: "suspensions",
        script: include_str!("../../migrations-fixtures/migrations/0006_suspensions.sql"),
    },
];

/// What a database has: version and checksum.
type Applied = Vec<(i64, String)>;

/// Applies what is missing, all of it or nothing; says what that was. Several at once take turns.
pub async fn migrate(connection: &ConnectionSettings) -> Result<Vec<&'static Migration>, Diagnostic> {
    let fixed = room(connection);
    let applied = apply(&fixed).await.map_err(told);
    fixed.close().await;
    applied
}

/// What [`migrate`] would apply.
pub async fn pending(connection: &ConnectionSettings) -> Result<Vec<&'static Migration>, Diagnostic> {
    let fixed = room(connection);
    let found = async { missing(&applied(&fixed).await?) }.await.map_err(told);
    fixed.close().await;
    found
}

/// Refuses a database with other migrations than these.
pub async fn check(fixed: &Fixed) -> Result<(), Diagnostic> {
    let missing = missing(&applied(fixed).await.map_err(super::fault)?)?;
    match missing.first() {
        None => Ok(()),
        Some(first) => Err(refused(format!(
            "the store's database lacks migration {} (`{}`): run pgwarden migrate",
            first.version, first.name
        ))),
    }
}

fn room(connection: &ConnectionSettings) -> Fixed {
    Fixed::new("the store", connection.clone(), 1)
}

async fn apply(fixed: &Fixed) -> Result<Vec<&'static Migration>, Diagnostic> {
    let mut transaction = fixed.begin().await?;
    transaction.script(LOCK).await?;
    if !is_true(&transaction.run(EXISTS, &[]).await?)? {
        transaction.script(BOOTSTRAP).await?;
    }
    let missing = missing(&versions(&transaction.run(APPLIED, &[]).await?)?)?;
    for migration in &missing {
        run(&mut transaction, migration).await?;
    }
    transaction.commit().await?;
    Ok(missing)
}

async fn run(transaction: &mut Transaction, migration: &'static Migration) -> Result<(), Diagnostic> {
    transaction.script(migration.script).await?;
    let checksum = migration.checksum();
    let values = [Value::Int(migration.version), Value::Text(migration.name), Value::Text(&checksum)];
    transaction.run(RECORD, &values).await.map(drop)
}

async fn applied(fixed: &Fixed) -> Result<Applied, Diagnostic> {
    if !is_true(&fixed.read(EXISTS, &[]).await?)? {
        return Ok(Vec::new());
    }
    versions(&fixed.read(APPLIED, &[]).await?)
}

fn is_true(records: &[Record]) -> Result<bool, Diagnostic> {
    records.first().map_or(Ok(false), |record| record.is(0))
}

fn versions(records: &[Record]) -> Result<Applied, Diagnostic> {
    records.iter().map(|record| Ok((record.int(0)?, record.text(1)?))).collect()
}

/// Refuses where the database has what we do not.
fn missing(applied: &[(i64, String)]) -> Result<Vec<&'static Migration>, Diagnostic> {
    for (version, checksum) in applied {
        let ours = MIGRATIONS.iter().find(|migration| migration.version == *version).ok_or_else(|| {
            refused(format!("the store's database has migration {version}, of a newer pgwarden"))
                .hint("update this pgwarden, then run pgwarden migrate")
        })?;
        if ours.checksum() != *checksum {
            return Err(refused(format!(
                "migration {version} (`{}`) of the store's database is another one than this pgwarden's",
                ours.name
            ))
            .hint("use the pgwarden that made it, or an empty database, then run pgwarden migrate"));
        }
    }
    let is_applied =
        |migration: &&Migration| applied.iter().any(|(version, _)| *version == migration.version);
    Ok(MIGRATIONS.iter().filter(|migration| !is_applied(migration)).collect())
}

impl Migration {
    /// SHA-256 of the script, whatever its line ends.
    fn checksum(&self) -> String {
        let digest = Sha256::digest(self.script.replace("\r\n", "\n"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn refused(message: String) -> Diagnostic {
    Diagnostic::refused(SqlState::UNDEFINED_TABLE, message)
}

/// For the person at the terminal, who may read PostgreSQL's own words.
fn told(error: Diagnostic) -> Diagnostic {
    if error.message.starts_with("the store") || error.message.starts_with("migration") {
        return error;
    }
    Diagnostic { message: format!("the store: {}", error.message), ..error }
}
