//! Reads the catalog snapshot: fixed SQL in one read-only transaction, all of it in flight at once.
//!
//! Each file prints its rows as the JSON of one catalog type; only what needs a closure is worked out here.

mod closure;
mod trees;

use futures_util::future::{join3, join4, try_join_all};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use self::closure::Unreadable;
use self::trees::{OperatorFunction, Tree};
use super::{Identity, error};
use crate::catalog::{Catalog, CatalogContents, Rights, Schema};
use crate::pg::{Diagnostic, Oid, Source, SqlState};

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const FACTS: &str = include_str!("introspect/facts.sql");
/// After the facts, which tell the login's own search_path and TimeZone.
const SETTINGS: &str = include_str!("introspect/settings.sql");
const SCHEMAS: &str = include_str!("introspect/schemas.sql");
const EXTENSIONS: &str = include_str!("introspect/extensions.sql");
const RELATIONS: &str = include_str!("introspect/relations.sql");
const UNREADABLE: &str = include_str!("introspect/unreadable.sql");
const TREES: &str = include_str!("introspect/trees.sql");
const ROUTINES: &str = include_str!("introspect/routines.sql");
const TYPES: &str = include_str!("introspect/types.sql");
const OPERATORS: &str = include_str!("introspect/operators.sql");
const BUILTIN_CASTS: &str = include_str!("introspect/builtin_casts.sql");
const DRIVER_RELATIONS: &str = include_str!("introspect/driver_relations.sql");
const RIGHTS: &str = include_str!("introspect/rights.sql");
const VERSION: &str = include_str!("introspect/version.sql");
const MOMENT: &str = include_str!("introspect/moment.sql");

/// What the server says of itself and of the session.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Facts {
    pub database: String,
    pub database_comment: Option<String>,
    /// The current user.
    pub login: String,
    pub session_user: String,
    pub server_version: String,
    pub server_version_num: u32,
    pub time_zone: String,
    pub server_encoding: String,
    pub in_recovery: bool,
    pub search_path: Vec<String>,
    pub tls: Option<String>,
}

/// See `moment.sql`.
pub(super) struct Moment {
    pub state: String,
    pub tells: bool,
}

/// A snapshot and what tells it from a later one.
pub(super) struct Introspected {
    pub catalog: Catalog,
    pub facts: Facts,
    pub version: String,
}

/// Reads everything, as `identity` sees it. `search_path` replaces the login's own. The caller ends the transaction.
pub(super) async fn introspect(
    client: &Client,
    identity: &Identity,
    search_path: Option<&[String]>,
) -> Result<Introspected, Diagnostic> {
    let texts = [
        FACTS,
        SETTINGS,
        SCHEMAS,
        EXTENSIONS,
        RELATIONS,
        TREES,
        UNREADABLE,
        ROUTINES,
        TYPES,
        OPERATORS,
        BUILTIN_CASTS,
        DRIVER_RELATIONS,
        VERSION,
    ];
    let reads = try_join_all(texts.map(|text| rows(client, text)));
    let (begun, assumed, answers) = join3(client.batch_execute(BEGIN), identity.assume(client), reads).await;
    begun.and(assumed).map_err(|e| error::diagnostic(&e))?;
    let answers = answers.map_err(|e| error::diagnostic(&e))?;
    let [
        facts,
        _,
        schemas,
        extensions,
        relations,
        trees,
        unreadable,
        routines,
        types,
        operators,
        casts,
        driver,
        version,
    ] = answers.as_slice()
    else {
        return Err(unreadable("answers"));
    };
    let facts: Facts = one(facts)?;
    let schemas: Vec<Schema> = parse(schemas)?;
    let path = search_path.unwrap_or(&facts.search_path);
    let contents = CatalogContents {
        database: facts.database.clone(),
        server_version: facts.server_version_num,
        login: facts.login.clone(),
        search_path: path.iter().filter(|name| schemas.iter().any(|s| s.name == **name)).cloned().collect(),
        comment: facts.database_comment.clone(),
        schemas,
        relations: parse(relations)?,
        routines: parse(routines)?,
        types: parse(types)?,
        operators: parse(operators)?,
        extensions: parse(extensions)?,
        builtin_casts: one::<Vec<Oid>>(casts)?,
        driver_relations: one::<Vec<Oid>>(driver)?,
    };
    let mentions = trees::mentions(&parse::<Tree>(trees)?, &parse::<OperatorFunction>(operators)?);
    let contents = closure::close(contents, &mentions, &parse::<Unreadable>(unreadable)?);
    let contents = if identity.is_beside_callers() { as_anybody(contents) } else { contents };
    let version = version.first().cloned().unwrap_or_default();
    Ok(Introspected { catalog: Catalog::new(contents), facts, version })
}

/// With everything that some role may read.
fn as_anybody(mut contents: CatalogContents) -> CatalogContents {
    contents.schemas.iter_mut().for_each(|schema| schema.usable = true);
    contents.relations.iter_mut().flat_map(|relation| &mut relation.columns).for_each(|column| {
        column.selectable = true;
    });
    contents
}

/// The facts alone; our search_path is set after. The caller ends the transaction.
pub(super) async fn facts(client: &Client, identity: &Identity) -> Result<Facts, Diagnostic> {
    let (begun, assumed, facts, settings) = join4(
        client.batch_execute(BEGIN),
        identity.assume(client),
        rows(client, FACTS),
        rows(client, SETTINGS),
    )
    .await;
    begun.and(assumed).and(settings.map(drop)).map_err(|e| error::diagnostic(&e))?;
    one(&facts.map_err(|e| error::diagnostic(&e))?)
}

/// What a role may do, or the login; `None` where there is no such role. Runs in the transaction of
/// [`introspect`]. `builtins` are the functions of `pg_catalog` to look at.
pub(super) async fn rights(
    client: &Client,
    role: Option<&str>,
    builtins: &[&str],
) -> Result<Option<Rights>, Diagnostic> {
    let found = client.query_typed(RIGHTS, &[(&role, Type::TEXT), (&builtins, Type::TEXT_ARRAY)]).await;
    match found.map_err(|e| error::diagnostic(&e))?.first() {
        Some(row) => one(&[row.try_get(0).map_err(|e| error::diagnostic(&e))?]).map(Some),
        None => Ok(None),
    }
}

/// What changes when the catalog does. The caller ends the transaction.
pub(super) async fn version(client: &Client, identity: &Identity) -> Result<String, Diagnostic> {
    let (begun, assumed, settings, version) = join4(
        client.batch_execute(BEGIN),
        identity.assume(client),
        rows(client, SETTINGS),
        rows(client, VERSION),
    )
    .await;
    begun.and(assumed).and(settings.map(drop)).map_err(|e| error::diagnostic(&e))?;
    Ok(version.map_err(|e| error::diagnostic(&e))?.first().cloned().unwrap_or_default())
}

/// One statement, which leaves nothing behind in its session.
pub(super) async fn moment(client: &Client) -> Result<Moment, Diagnostic> {
    let row = client.query_typed_one(MOMENT, &[]).await.map_err(|e| error::diagnostic(&e))?;
    let read = || Ok(Moment { state: row.try_get(0)?, tells: row.try_get(1)? });
    read().map_err(|e: Error| error::diagnostic(&e))
}

/// The only column of each row, which is text.
async fn rows(client: &Client, text: &'static str) -> Result<Vec<String>, Error> {
    client.query_typed(text, &[]).await?.iter().map(|row| row.try_get(0)).collect()
}

fn parse<T: DeserializeOwned>(rows: &[String]) -> Result<Vec<T>, Diagnostic> {
    let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
    rows.iter().map(|row| serde_json::from_str(row).map_err(|_| unreadable(name))).collect()
}

fn one<T: DeserializeOwned>(rows: &[String]) -> Result<T, Diagnostic> {
    rows.first().and_then(|row| serde_json::from_str(row).ok()).ok_or_else(|| unreadable("facts"))
}

fn unreadable(what: &str) -> Diagnostic {
    Diagnostic::new(
        Source::Connection,
        SqlState::INTERNAL_ERROR,
        format!("PostgreSQL's catalog cannot be read: {} came in an unknown form", what.to_ascii_lowercase()),
    )
    .hint("PostgreSQL 14 to 18 are supported")
}
