//! MCP Apps (extension `io.modelcontextprotocol/ui`, revision 2026-01-26): pages that a client shows to a person beside a
//! tool's result. Each is one document without anything from elsewhere; what it shows comes to it from the client, which
//! has it from the tool. Clients that do not declare the extension see nothing of them.

use rmcp::RoleServer;
use rmcp::model::{
    JsonObject, ListResourcesResult, MetaObject, ReadResourceResult, Resource, ResourceContents,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};

use super::tools::Listed;
use crate::policy::ToolGroup;

const EXTENSION: &str = "io.modelcontextprotocol/ui";
const MIME_TYPE: &str = "text/html;profile=mcp-app";
/// Key of `_meta`, of tools and of resources.
const META: &str = "ui";

/// A page, put together from files of [`apps/`](self).
#[derive(PartialEq, Debug)]
pub(super) struct App {
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    html: &'static str,
}

/// One document of the files named: styles, then what is in the body, then scripts, which are one module.
macro_rules! page {
    ([$($style:literal),+], $body:literal, [$($script:literal),+]) => {
        concat!(
            include_str!("apps/shared/head.html"),
            "<style>\n", $(include_str!($style),)+ "</style>\n",
            include_str!($body),
            "<script type=\"module\">\nconst version = '", env!("CARGO_PKG_VERSION"), "';\n",
            $(include_str!($script),)+
            "</script>\n",
        )
    };
}

const GRID: App = App {
    uri: "ui://pgwarden/grid",
    name: "grid",
    title: "Result grid",
    description: "Shows the rows of a query: sorted, filtered, paged, copied, drawn.",
    html: page!(
        ["apps/shared/style.css", "apps/grid/style.css"],
        "apps/grid/page.html",
        [
            "apps/shared/host.js",
            "apps/shared/document.js",
            "apps/shared/clipboard.js",
            "apps/grid/values.js",
            "apps/grid/table.js",
            "apps/grid/chart.js",
            "apps/grid/grid.js"
        ]
    ),
};

const PLAN: App = App {
    uri: "ui://pgwarden/plan",
    name: "plan",
    title: "Query plan",
    description: "Shows the plan of a query as a tree, with what each part costs.",
    html: page!(
        ["apps/shared/style.css", "apps/plan/style.css"],
        "apps/plan/page.html",
        [
            "apps/shared/host.js",
            "apps/shared/document.js",
            "apps/shared/clipboard.js",
            "apps/plan/read.js",
            "apps/plan/plan.js"
        ]
    ),
};

/// The client shows such pages.
pub(in crate::mcp) fn are_shown(cx: &RequestContext<RoleServer>) -> bool {
    let extensions = cx.client_capabilities().and_then(|capabilities| capabilities.extensions);
    let declared = extensions.as_ref().and_then(|extensions| extensions.get(EXTENSION));
    let types = declared.and_then(|settings| settings.get("mimeTypes")).and_then(Value::as_array);
    types.is_some_and(|types| types.iter().any(|known| known == MIME_TYPE))
}

/// The page that shows the tool's results.
fn of(listed: &Listed) -> Option<App> {
    match (listed.group, listed.tool.name.as_ref()) {
        (Some(ToolGroup::Saved), _) | (_, "query") => Some(GRID),
        (_, "explain") => Some(PLAN),
        _ => None,
    }
}

/// The tool with the address of its page, where it has one.
pub(in crate::mcp) fn with_page(mut listed: Listed) -> Listed {
    if let Some(page) = of(&listed) {
        let mut meta = listed.tool.meta.take().unwrap_or_default();
        meta.0.insert(META.to_owned(), json!({"resourceUri": page.uri}));
        listed.tool.meta = Some(meta);
    }
    listed
}

/// The list of resources; behind the last of them the pages of the caller's tools.
pub(super) fn beside(mut list: ListResourcesResult, tools: &[Listed]) -> ListResourcesResult {
    if list.next_cursor.is_none() {
        let pages =
            [GRID, PLAN].into_iter().filter(|page| tools.iter().any(|tool| of(tool).as_ref() == Some(page)));
        list.resources.extend(pages.map(|page| {
            Resource::new(page.uri, page.name)
                .with_title(page.title)
                .with_description(page.description)
                .with_mime_type(MIME_TYPE)
        }));
    }
    list
}

/// The page at that address. It is the same for everybody.
pub(super) fn read(uri: &str) -> Option<ReadResourceResult> {
    let page = [GRID, PLAN].into_iter().find(|page| page.uri == uri)?;
    let contents = ResourceContents::text(page.html, page.uri).with_mime_type(MIME_TYPE).with_meta(rules());
    Some(ReadResourceResult::new(vec![contents]))
}

/// What the client has to let a page do: write to the clipboard. It asks nothing of any host.
fn rules() -> MetaObject {
    let mut meta = JsonObject::new();
    let csp = json!({"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []});
    let ui = json!({"csp": csp, "permissions": {"clipboardWrite": {}}, "prefersBorder": true});
    meta.insert(META.to_owned(), ui);
    MetaObject::from(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts take documents of some hundred kilobytes; every one of these costs a person's time.
    const BYTES: usize = 60_000;

    #[test]
    fn a_page_is_small_and_whole() {
        for App { uri, html, .. } in [GRID, PLAN] {
            assert!(html.len() < BYTES, "{uri} has {} bytes", html.len());
            for (tag, count) in
                [("<script", 1), ("</script", 1), ("<style", 1), ("</style", 1), ("<!doctype", 1)]
            {
                assert_eq!(html.matches(tag).count(), count, "{uri}: {tag}");
            }
            assert!(html.is_ascii() && !html.contains('\r'), "{uri}");
        }
    }

    #[test]
    fn a_page_names_nothing_outside_and_makes_no_html_of_text() {
        for App { uri, html, .. } in [GRID, PLAN] {
            // The namespace of SVG is a name, no address.
            let html = html.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "http:",
                "https:",
                "//cdn",
                "url(",
                "@import",
                "src=",
                "href=",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "DOMParser",
                "eval(",
                "Function(",
                "fetch(",
                "XMLHttpRequest",
                "WebSocket",
                "localStorage",
                "sessionStorage",
                "document.cookie",
                "srcdoc",
                "createContextualFragment",
            ] {
                assert!(!html.contains(forbidden), "{uri} has {forbidden}");
            }
            assert!(html.contains("default-src 'none'"), "{uri} has a policy of its own");
        }
    }
}
