//! The page where people see which applications may act for them, and take it back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use url::Url;

use super::fault::Fault;
use super::fields::{TOKEN, form, hidden};
use super::form::Form;
use super::layout::Page;
use super::login::logout_token;
use super::moment::moment;
use super::segment::Segment;
use super::shown::line_of;
use super::site::Site;
use super::visitor::Member;
use crate::auth::server::GrantView;

/// The form's name in its token.
const FORM: &str = "grant";

pub(super) async fn show(State(site): State<Arc<Site>>, member: Member) -> Result<Response, Fault> {
    let grants = match &site.server {
        Some(server) => Some(server.grants(&member.session).await?),
        None => None,
    };
    let logout = logout_token(&member);
    let body = html! {
        @if let Some(grants) = &grants {
            h2 { "Applications with access" }
            (self::grants(grants, &member))
        }
        h2 { "This browser" }
        p { "You are logged in until " (moment(member.session.ends)) " at the latest." }
        div.choice {
            (form("/logout", &logout, html! { button.plain.wide type="submit" { "Log out" } }))
            (form("/logout", &logout, html! {
                (hidden("everywhere", "yes"))
                button.plain.wide type="submit" { "Log out in all browsers" }
            }))
        }
        p.quiet.small.after { "Logging out takes no access from applications." }
    };
    Ok(Page::new("Your account", body).wide().of(&member.session.identity.subject).into_response())
}

pub(super) async fn revoke(
    State(site): State<Arc<Site>>,
    Segment(id): Segment,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    let server = site.server.as_ref().ok_or_else(Fault::not_found)?;
    if !member.session.is_csrf_token(FORM, &id, form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    match server.revoke_grant(&member.session, &id).await? {
        true => Ok(Redirect::to("/account").into_response()),
        false => Err(Fault::not_found()),
    }
}

fn grants(grants: &[GrantView], member: &Member) -> Markup {
    html! {
        @if grants.is_empty() { p { "No application may act for you." } }
        @else {
            ul.list {
                @for grant in grants {
                    @let name = name(grant);
                    li {
                        strong { (line_of(&name)) }
                        dl {
                            dt { "Calls itself" } dd { (line_of(&grant.client_name)) }
                            dt { "May" } dd { (grant.scopes) }
                            dt { "Sent to" } dd { (line_of(&grant.redirect_host)) }
                            dt { "Since" } dd { (moment(grant.granted)) }
                            dt { "Last used" } dd { (moment(grant.used)) }
                            dt { "Ends" } dd { (moment(grant.ends)) }
                        }
                        (revocation(grant, &name, &member.session.csrf_token(FORM, &grant.id)))
                    }
                }
            }
        }
    }
}

fn revocation(grant: &GrantView, name: &str, token: &str) -> Markup {
    let inside = html! {
        button.plain type="submit" aria-label=(format!("Revoke the access of {name}")) { "Revoke" }
    };
    form(&format!("/account/grants/{}/revoke", grant.id), token, inside)
}

/// The host of a client that is known by its document, else its id.
fn name(grant: &GrantView) -> String {
    let host = Url::parse(&grant.client_id).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| grant.client_id.clone())
}
