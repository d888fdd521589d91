//! The fields of a form or a query: each once, few, short, read in time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequest;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::fault::Fault;
use crate::sql;

/// Bytes of a form: an authorization request with everything it may hold, and a reason.
const MOST_BYTES: usize = 16 * 1024;
/// And of one that has a statement: a byte of it is three at the most.
const MOST_BYTES_OF_STATEMENT: usize = MOST_BYTES + 3 * sql::MAX_BYTES;
const MOST_FIELDS: usize = 32;
/// For the whole body.
const PATIENCE: Duration = Duration::from_secs(15);
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// What was filled in. Debug shows none of it.
#[derive(Default)]
pub(super) struct Form(BTreeMap<String, Zeroizing<String>>);

impl Form {
    /// `Err` says what is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.len() == MOST_FIELDS {
                return Err("It has too many fields.");
            }
            if fields.insert(name.into_owned(), Zeroizing::new(value.into_owned())).is_some() {
                return Err("It has a field twice.");
            }
        }
        Ok(Self(fields))
    }

    /// Empty where it was not filled in.
    pub(super) fn field(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// None where it is not there.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(..)")
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Fault;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Fault> {
        Self::within(request, MOST_BYTES).await
    }
}

/// A form with a statement, which is as long as one may be.
pub(super) struct Long(pub(super) Form);

impl<S: Send + Sync> FromRequest<S> for Long {
    type Rejection = Fault;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Fault> {
        Form::within(request, MOST_BYTES_OF_STATEMENT).await.map(Self)
    }
}

impl Form {
    async fn within(request: Request<Body>, most: usize) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        if !is_urlencoded(&parts.headers) {
            let message = "A form has to be application/x-www-form-urlencoded.";
            return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "That cannot be read", message));
        }
        let body = read(body, most)
            .await
            .map_err(|unread| Fault::new(unread.status(), "That cannot be read", unread.message()))?;
        Self::parse(&body).map_err(Fault::bad_request)
    }
}

pub(super) fn is_urlencoded(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(URLENCODED))
}

/// Why a body is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    Broken,
}

impl Unread {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::TooLarge => "the body is too long",
            Self::TooSlow => "the body did not come in time",
            Self::Broken => "the body broke off",
        }
    }
}

pub(super) async fn read(body: Body, most: usize) -> Result<Bytes, Unread> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_counts_once() {
        let form = Form::parse(b"role=a+b&password=%26%3D%E2%82%AC&empty=").unwrap();
        assert_eq!((form.field("role"), form.field("password")), ("a b", "&=\u{20ac}"));
        assert_eq!((form.field("empty"), form.field("missing")), ("", ""));
        assert_eq!(Form::parse(b"role=a&role=a").unwrap_err(), "It has a field twice.");
        let many: String = (0..40).map(|n| format!("f{n}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()).unwrap_err(), "It has too many fields.");
        assert_eq!(format!("{form:?}"), "Form(..)");
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(read(Body::from("123456"), 5).await.unwrap_err(), Unread::TooLarge);
    }
}
