//! The schema and the policy as resources: templates, and the list in pages.

use rmcp::ErrorData;
use rmcp::model::{
    Annotations, ListResourcesResult, PaginatedRequestParams, Resource, ResourceTemplate, Role,
};

use super::reply;
use crate::gateway::SchemaResource;

const PAGE: usize = 200;

/// URI, name, title and description. Level 1 of RFC 6570, which every client expands: a variable stands for one part of
/// the path or for a value of the query.
const TEMPLATES: [[&str; 4]; 8] = [
    ["postgres://{database}", "database", "Database", "Its schemas, as the policy shows them."],
    ["postgres://{database}/{schema}", "schema", "Schema", "Its tables and views."],
    [
        "postgres://{database}/{schema}/{relation}",
        "relation",
        "Table or view",
        "Its columns with types and comments, keys and references.",
    ],
    [
        "pgwarden://{database}/policy",
        "policy",
        "Policy",
        "What the caller may read and call, and the limits.",
    ],
    ["pgwarden://{database}/routines", "routines", "Functions", "Functions that a statement may call."],
    [
        "pgwarden://{database}/routines/{schema}/{routine}",
        "routine",
        "Function",
        "Its arguments and its result, for each overload.",
    ],
    ["pgwarden://{database}/queries", "queries", "Saved queries", "Queries that the DBA has saved."],
    ["pgwarden://{database}/queries/{query}", "query", "Saved query", "What it answers, and its parameters."],
];
/// Any of them in another form.
const FORM: &str = "?format={format}";

/// All of them as Markdown, and each in the form that `format` names.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let plain = TEMPLATES.iter().map(|[uri, name, title, description]| {
        ResourceTemplate::new(*uri, *name)
            .with_title(*title)
            .with_description(*description)
            .with_mime_type("text/markdown")
    });
    let formed = TEMPLATES.iter().map(|[uri, name, title, description]| {
        ResourceTemplate::new(format!("{uri}{FORM}"), format!("{name}_as"))
            .with_title(format!("{title}, as json or markdown"))
            .with_description(*description)
    });
    plain.chain(formed).collect()
}

/// The variables of one of [`templates`].
pub(super) fn variables(template: &str) -> Option<Vec<String>> {
    let known = templates().into_iter().find(|known| known.uri_template == template)?;
    let parts = known.uri_template.split('{').skip(1);
    Some(parts.filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect())
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
    let priority = f32::from(resource.priority) / 100.0;
    let notes =
        Annotations::default().with_audience(vec![Role::User, Role::Assistant]).with_priority(priority);
    Resource::new(resource.uri, resource.name)
        .with_description(resource.description)
        .with_mime_type(resource.mime_type)
        .with_annotations(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(count: usize) -> Vec<SchemaResource> {
        let one = |number: usize| SchemaResource {
            uri: format!("postgres://db/s/t{number}"),
            name: format!("s.t{number}"),
            description: String::new(),
            mime_type: "text/markdown",
            priority: 50,
            text: String::new(),
        };
        (0..count).map(one).collect()
    }

    fn cursor(text: &str) -> Option<PaginatedRequestParams> {
        Some(PaginatedRequestParams::default().with_cursor(Some(text.to_owned())))
    }

    #[test]
    fn the_pages_together_are_the_list() {
        for count in [0, 1, PAGE, PAGE + 1, 3 * PAGE] {
            let (mut seen, mut request) = (Vec::new(), None);
            loop {
                let page = page(resources(count), start(request).unwrap()).unwrap();
                seen.extend(page.resources.into_iter().map(|resource| resource.uri));
                match page.next_cursor {
                    Some(next) => request = cursor(&next),
                    None => break,
                }
            }
            let all: Vec<String> = resources(count).into_iter().map(|resource| resource.uri).collect();
            assert_eq!(seen, all, "{count}");
        }
    }

    #[test]
    fn a_cursor_that_nobody_gave_out_is_refused() {
        for text in ["", "x", "-1", "1e3", "99999999999999999999999"] {
            assert!(start(cursor(text)).is_err(), "{text}");
        }
        assert!(page(resources(5), 5).is_err());
    }

    #[test]
    fn the_variables_of_a_template_are_told_and_of_nothing_else() {
        let of = |template| variables(template).unwrap();
        assert_eq!(of("postgres://{database}/{schema}/{relation}"), ["database", "schema", "relation"]);
        assert_eq!(of("pgwarden://{database}/policy?format={format}"), ["database", "format"]);
        assert_eq!(variables("postgres://{database}/{x}"), None);
        // RFC 6570, level 1: no operator, no list, no modifier.
        for template in templates() {
            assert!(!template.uri_template.contains(['+', '#', ',', '*', '&', ';']), "{template:?}");
            assert!(!template.uri_template.contains("{?") && !template.uri_template.contains("{/"));
        }
    }
}
