//! The schema as resources: templates, and the list in pages.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams, Resource, ResourceTemplate,
};

use super::reply;
use crate::gateway::SchemaResource;

const PAGE: usize = 200;
const MARKDOWN: &str = "text/markdown";

pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |uri: &str, name: &str, title: &str, description: &str| {
        ResourceTemplate::new(uri, name)
            .with_title(title)
            .with_description(description)
            .with_mime_type(MARKDOWN)
    };
    ListResourceTemplatesResult::with_all_items(vec![
        template("postgres://{database}", "database", "Database", "Its schemas, as the policy shows them."),
        template("postgres://{database}/{schema}", "schema", "Schema", "Its tables and views."),
        template(
            "postgres://{database}/{schema}/{relation}",
            "relation",
            "Table or view",
            "Its columns with types and comments, keys and references.",
        ),
    ])
}

/// Where the page begins that the cursor names. The cursor is the count of resources before it.
pub(super) fn start(request: Option<PaginatedRequestParams>) -> Result<usize, ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(0),
        Some(cursor) => cursor.parse().map_err(|_| stale("resources/list")),
    }
}

pub(super) fn page(all: Vec<SchemaResource>, start: usize) -> Result<ListResourcesResult, ErrorData> {
    if start > 0 && start >= all.len() {
        return Err(stale("resources/list"));
    }
    let end = start.saturating_add(PAGE);
    let more = end < all.len();
    let resources = all.into_iter().skip(start).take(PAGE).map(listed).collect();
    let mut page = ListResourcesResult::with_all_items(resources);
    page.next_cursor = more.then(|| end.to_string());
    Ok(page)
}

/// For lists that are never cut: any cursor is one that nobody gave out.
pub(super) fn only_page(method: &str, request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(stale(method)),
    }
}

fn stale(method: &str) -> ErrorData {
    reply::malformed(method, "unknown cursor; list again without it")
}

fn listed(resource: SchemaResource) -> Resource {
    Resource::new(resource.uri, resource.name).with_description(resource.description).with_mime_type(MARKDOWN)
}
