//! The probe's HTTP: bounded in time and size, never redirected, past every proxy.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use super::{Miss, failed};
use crate::auth::external::is_safe_url;
use crate::cli::health::client_config;

/// Bytes of one answer.
const MOST: usize = 4 * 1024 * 1024;

pub(super) struct Web(Client);

/// An answer, read to its end.
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    text: String,
}

/// Nobody on the way reads it: https, or this machine.
pub(super) fn keeps_secrets(url: &Url) -> bool {
    is_safe_url(url.as_str())
}

impl Web {
    pub(super) fn new(ca: Option<&Path>, limit: Duration) -> anyhow::Result<Self> {
        let client = Client::builder()
            .use_preconfigured_tls(client_config(None, ca)?)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(limit)
            .user_agent(concat!("pgwarden-probe/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(client.context("TLS cannot be set up")?))
    }

    /// The JSON document at `url`.
    pub(super) async fn document(&self, url: Url) -> Result<Value, Miss> {
        let heard = heard(self.0.get(url.clone()).header(ACCEPT, "application/json")).await?;
        match heard.status {
            200 => heard.json().ok_or_else(|| failed(format!("`{url}` is no JSON"))),
            status => Err(failed(format!("`{url}` answers {status}"))),
        }
    }

    /// A message of MCP. `token` goes into its header.
    pub(super) async fn post(
        &self,
        url: &Url,
        token: Option<&str>,
        headers: HeaderMap,
        message: &Value,
    ) -> Result<Heard, Miss> {
        let request = self.0.post(url.clone()).headers(headers).header(CONTENT_TYPE, "application/json");
        let request = request.header(ACCEPT, "application/json, text/event-stream");
        heard(with(request, token).body(message.to_string())).await
    }

    pub(super) async fn delete(
        &self,
        url: &Url,
        token: Option<&str>,
        headers: HeaderMap,
    ) -> Result<Heard, Miss> {
        heard(with(self.0.delete(url.clone()).headers(headers), token)).await
    }

    /// A form, as the client of that id and secret.
    pub(super) async fn form(
        &self,
        url: Url,
        form: &[(&str, &str)],
        client: Option<(&str, &str)>,
    ) -> Result<Heard, Miss> {
        // RFC 6749, 2.3.1: both are form-encoded first.
        let encoded =
            |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let request = self.0.post(url).header(ACCEPT, "application/json").form(form);
        heard(match client {
            Some((id, secret)) => request.basic_auth(encoded(id), Some(encoded(secret))),
            None => request,
        })
        .await
    }
}

impl Heard {
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The message with this id, alone or among events.
    pub(super) fn message(&self, id: u64) -> Option<Value> {
        let is_it = |message: &Value| message.get("id").and_then(Value::as_u64) == Some(id);
        let events = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
        let among = events.filter_map(|event| serde_json::from_str(event).ok()).find(is_it);
        among.or_else(|| self.json().filter(is_it))
    }
}

fn with(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn heard(request: RequestBuilder) -> Result<Heard, Miss> {
    let mut response = request.send().await.map_err(|error| network(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(&error))? {
        if whole.len().saturating_add(chunk.len()) > MOST {
            return Err(failed("the answer is too long"));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Heard { status, headers, text: String::from_utf8_lossy(&whole).into_owned() })
}

/// Its own words could quote what was sent. What TLS says of a certificate is worth telling.
fn network(error: &reqwest::Error) -> Miss {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return failed(format!("no connection: {tls}"));
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return failed(format!("no connection: {tls}"));
        }
        cause = inner.source();
    }
    failed(match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "the connection was broken off",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_found_by_its_id_alone_or_among_events() {
        let heard = |text: &str| Heard { status: 200, headers: HeaderMap::new(), text: text.to_owned() };
        let answer = json!({"jsonrpc": "2.0", "id": 2, "result": {}});
        let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
        assert_eq!(heard(&answer.to_string()).message(2), Some(answer.clone()));
        let events = format!("event: message\ndata: {progress}\n\ndata: {answer}\n\n");
        assert_eq!(heard(&events).message(2), Some(answer));
        assert_eq!(heard(&events).message(3), None);
        assert_eq!(heard("busy").message(2), None);
    }

    #[test]
    fn a_secret_goes_by_https_or_to_this_machine() {
        let keeps = |url: &str| keeps_secrets(&Url::parse(url).unwrap());
        assert!(keeps("https://db.example/mcp") && keeps("http://127.0.0.1:1/mcp") && keeps("http://[::1]/"));
        assert!(!keeps("http://db.example/mcp") && !keeps("http://192.0.2.1/mcp"));
    }
}
