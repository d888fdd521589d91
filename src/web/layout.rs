//! What all pages have in common: the frame around a page's own words, and its Content-Security-Policy.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Extensions, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::assets::{icon_path, operations_script_path, operations_style_path, style_path};
use super::shown::line_of;

/// One page, until it is written.
pub(super) struct Page {
    title: String,
    body: Markup,
    status: StatusCode,
    narrow: bool,
    who: Option<String>,
    /// Where its forms may lead besides here.
    leads_to: Option<String>,
    /// Of a page for operators: the way out.
    operations: Option<Markup>,
}

/// What operators have.
const OPERATIONS: [(&str, &str); 3] = [("Now", "/"), ("Policies", "/policies"), ("Try a statement", "/try")];

/// In a response that is a page: its policy has to stay as it is.
#[derive(Clone, Copy)]
pub(super) struct HasPolicy;

impl Page {
    /// `title` is the page's heading too.
    pub(super) fn new(title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            body,
            status: StatusCode::OK,
            narrow: true,
            who: None,
            leads_to: None,
            operations: None,
        }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// For what needs room: statements, tables.
    pub(super) fn wide(self) -> Self {
        Self { narrow: false, ..self }
    }

    /// Says whose session it is, with the way to their own pages.
    pub(super) fn of(self, who: impl Into<String>) -> Self {
        Self { who: Some(who.into()), ..self }
    }

    /// For the operator `who`: with a script of its own, their pages, and `out`, the way out.
    pub(super) fn of_operations(self, who: impl Into<String>, out: Markup) -> Self {
        Self { who: Some(who.into()), operations: Some(out), narrow: false, ..self }
    }

    /// A source for `form-action`: Chromium asks for it where the answer to a form redirects to another site.
    pub(super) fn leading_to(self, source: Option<String>) -> Self {
        Self { leads_to: source, ..self }
    }

    fn markup(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · pgwarden" }
                    link rel="icon" type="image/svg+xml" href=(icon_path());
                    link rel="stylesheet" href=(style_path());
                    @if self.operations.is_some() {
                        link rel="stylesheet" href=(operations_style_path());
                        script src=(operations_script_path()) defer {}
                    }
                }
                body class=[self.class()] {
                    a.skip href="#main" { "Skip to the page" }
                    header {
                        span.name { img src=(icon_path()) alt="" width="24" height="24"; "pgwarden" }
                        @if self.operations.is_some() {
                            nav aria-label="Operations" {
                                ul {
                                    @for (name, path) in OPERATIONS {
                                        li { a href=(path) aria-current=[(name == self.title).then_some("page")] { (name) } }
                                    }
                                }
                            }
                        } @else if self.who.is_some() {
                            nav aria-label="Yours" {
                                ul {
                                    li { a href="/approvals" { "Approvals" } }
                                    li { a href="/account" { "Account" } }
                                }
                            }
                        }
                    }
                    main #main { h1 { (self.title) } (self.body) }
                    @if let Some(who) = &self.who {
                        footer {
                            span { "Logged in as " strong { (line_of(who)) } "." }
                            @if let Some(out) = &self.operations { (out) }
                        }
                    }
                }
            }
        }
    }

    fn class(&self) -> Option<&'static str> {
        match &self.operations {
            Some(_) => Some("operations"),
            None => self.narrow.then_some("narrow"),
        }
    }

    fn policy(&self) -> String {
        let more = self.leads_to.iter().map(|source| format!(" {source}")).collect::<String>();
        let scripts = match &self.operations {
            Some(_) => " script-src 'self'; connect-src 'self';",
            None => "",
        };
        format!(
            "default-src 'none';{scripts} style-src 'self'; img-src 'self'; form-action 'self'{more}; \
             frame-ancestors 'none'; base-uri 'none'"
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut extensions = Extensions::new();
        extensions.insert(HasPolicy);
        let mut response = self.markup().into_string().into_response();
        *response.status_mut() = self.status;
        response.extensions_mut().extend(extensions);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&self.policy()) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}
