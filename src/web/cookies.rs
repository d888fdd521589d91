//! The cookies: whose session it is, and one that stands in for it until there is one.

use cookie::{Cookie, SameSite};
use http::header::{COOKIE, HeaderMap, HeaderValue};

/// What a cookie is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The secret of a session.
    Session,
    /// Binds the forms of somebody who has not logged in to their browser.
    Before,
    /// A login at another provider that is under way.
    Login,
    /// The secret of an operator's session.
    Operations,
    /// The same as `Before`, for operators.
    BeforeOperations,
}

impl Purpose {
    /// `__Host-` makes browsers refuse it from any other host and without `Secure`. On plain HTTP, which is for loopback
    /// only, they would refuse ours as well: there it has another name.
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-pgwarden",
            (Self::Session, false) => "pgwarden-loopback",
            (Self::Before, true) => "__Host-pgwarden-before",
            (Self::Before, false) => "pgwarden-loopback-before",
            (Self::Login, true) => "__Host-pgwarden-login",
            (Self::Login, false) => "pgwarden-loopback-login",
            (Self::Operations, true) => "__Host-pgwarden-operations",
            (Self::Operations, false) => "pgwarden-loopback-operations",
            (Self::BeforeOperations, true) => "__Host-pgwarden-operations-before",
            (Self::BeforeOperations, false) => "pgwarden-loopback-operations-before",
        }
    }
}

/// The cookie's value. None where there are two of the name: one of them would be somebody else's.
pub(super) fn read(headers: &HeaderMap, purpose: Purpose, secure: bool) -> Option<String> {
    let name = purpose.name(secure);
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(|line| Cookie::split_parse(line.to_owned()))
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// A `Set-Cookie` that lasts as long as the browser runs: the server says when a session ends.
pub(super) fn set(purpose: Purpose, value: &str, secure: bool) -> Option<HeaderValue> {
    header(Cookie::build((purpose.name(secure), value)), purpose, secure)
}

pub(super) fn clear(purpose: Purpose, secure: bool) -> Option<HeaderValue> {
    header(Cookie::build((purpose.name(secure), "")).max_age(cookie::time::Duration::ZERO), purpose, secure)
}

fn header(cookie: cookie::CookieBuilder<'_>, purpose: Purpose, secure: bool) -> Option<HeaderValue> {
    // Clients and providers lead to the other pages; nobody leads to those of operators.
    let same_site = match purpose {
        Purpose::Session | Purpose::Before | Purpose::Login => SameSite::Lax,
        Purpose::Operations | Purpose::BeforeOperations => SameSite::Strict,
    };
    let cookie = cookie.path("/").http_only(true).same_site(same_site).secure(secure).build();
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn on_https_a_cookie_is_bound_to_its_host() {
        let set = set(Purpose::Session, "secret", true).unwrap();
        assert_eq!(set, "__Host-pgwarden=secret; HttpOnly; SameSite=Lax; Secure; Path=/");
        assert!(format!("{set:?}").contains("Sensitive"));
        let gone = clear(Purpose::Session, true).unwrap();
        assert_eq!(gone, "__Host-pgwarden=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
    }

    #[test]
    fn on_loopback_it_has_a_name_that_browsers_take() {
        let set = set(Purpose::Before, "x", false).unwrap();
        assert_eq!(set, "pgwarden-loopback-before=x; HttpOnly; SameSite=Lax; Path=/");
        let headers = cookies(&["pgwarden-loopback=plain; __Host-pgwarden=one"]);
        assert_eq!(read(&headers, Purpose::Session, true).as_deref(), Some("one"));
        assert_eq!(read(&headers, Purpose::Session, false).as_deref(), Some("plain"));
    }

    #[test]
    fn of_two_cookies_with_one_name_neither_counts() {
        for lines in [
            &["__Host-pgwarden=one; __Host-pgwarden=two"][..],
            &["__Host-pgwarden=one", "__Host-pgwarden=one"],
        ] {
            assert_eq!(read(&cookies(lines), Purpose::Session, true), None);
        }
        assert_eq!(read(&HeaderMap::new(), Purpose::Session, true), None);
    }
}
