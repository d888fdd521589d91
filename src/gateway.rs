//! One use case per file. Knows neither JSON-RPC nor a SQL library.

mod request;

pub use request::{
    ColumnHeader, Described, Format, QueryOutput, QueryRequest, SchemaResource, SearchOutput, SearchRequest,
};

// STAND-IN: keeps this branch compiling until the real gateway is merged; that file replaces this one whole.
use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};

#[derive(Clone, Debug, Default)]
pub struct Gateway {
    databases: Vec<String>,
}

impl Gateway {
    pub fn stand_in(databases: &[&str]) -> Self {
        Self { databases: databases.iter().map(|&name| name.to_owned()).collect() }
    }

    pub fn databases(&self) -> Vec<String> {
        self.databases.clone()
    }

    pub async fn query(
        &self,
        _caller: &Caller,
        _request: QueryRequest,
        cancel: &CancellationToken,
    ) -> Result<QueryOutput, Diagnostic> {
        cancel.cancelled().await;
        Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "canceled by the caller"))
    }

    pub async fn search_objects(
        &self,
        _caller: &Caller,
        _request: SearchRequest,
        _cancel: &CancellationToken,
    ) -> Result<SearchOutput, Diagnostic> {
        Err(absent())
    }

    pub async fn describe(
        &self,
        _caller: &Caller,
        _database: Option<String>,
        _relations: Vec<String>,
        _cancel: &CancellationToken,
    ) -> Result<Described, Diagnostic> {
        Err(absent())
    }

    pub async fn list_resources(&self, _caller: &Caller) -> Result<Vec<SchemaResource>, Diagnostic> {
        Ok(Vec::new())
    }

    pub async fn read_resource(
        &self,
        _caller: &Caller,
        _uri: &str,
    ) -> Result<Option<SchemaResource>, Diagnostic> {
        Ok(None)
    }

    pub async fn ready(&self) -> Result<(), Diagnostic> {
        Err(absent())
    }
}

fn absent() -> Diagnostic {
    Diagnostic::connection(SqlState::CANNOT_CONNECT_NOW, "no gateway in this build")
}
