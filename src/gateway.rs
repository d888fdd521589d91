//! One use case per file. Knows neither JSON-RPC nor a SQL library.

mod output;
mod request;

pub use request::{
    ColumnHeader, Described, Format, QueryOutput, QueryRequest, SchemaResource, SearchOutput, SearchRequest,
};
