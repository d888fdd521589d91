//! What a client without a token finds out: the challenge, the metadata that it names, the authorization server's own.

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::web::Web;
use super::{Found, Miss, failed, web};

pub(super) enum Discovered {
    /// Nobody asks for a token.
    Open,
    /// Tokens are handed out by hand.
    Tokens,
    /// The authorization server's metadata, with the resource that tokens are for.
    Server { metadata: Value, resource: String },
}

pub(super) async fn discover(web: &Web, url: &Url) -> Found<Discovered> {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let heard = web.post(url, None, HeaderMap::new(), &message).await?;
    if heard.status != 401 {
        return match heard.status {
            200..=499 if heard.json().is_some() => Ok((Discovered::Open, "no token is asked for".to_owned())),
            status => Err(failed(format!("without a token the server answers {status}"))),
        };
    }
    let Some(challenge) = heard.header("www-authenticate") else {
        return Err(failed("the answer 401 has no WWW-Authenticate"));
    };
    let Some(at) = parameter(challenge, "resource_metadata") else {
        let note = "tokens are asked for, and nobody is named who gives them out";
        return Ok((Discovered::Tokens, note.to_owned()));
    };
    let resource = web.document(address(at)?).await?;
    let named = resource.get("resource").and_then(Value::as_str).unwrap_or_default();
    if named != url.as_str() {
        return Err(failed(format!("the metadata is of the resource `{named}`, and not of `{url}`")));
    }
    let servers = resource.get("authorization_servers").and_then(Value::as_array);
    let Some(issuer) = servers.and_then(|all| all.first()).and_then(Value::as_str) else {
        return Ok((Discovered::Tokens, "no authorization server is named".to_owned()));
    };
    let metadata = server_metadata(web, issuer).await?;
    let note = format!("authorization server {issuer}");
    Ok((Discovered::Server { metadata, resource: named.to_owned() }, note))
}

/// RFC 8414, else OpenID Connect.
async fn server_metadata(web: &Web, issuer: &str) -> Result<Value, Miss> {
    let url = address(issuer)?;
    let path = url.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut at = url.clone();
        at.set_path(&path);
        at
    };
    let first = web.document(at(format!("/.well-known/oauth-authorization-server{path}"))).await;
    let metadata = match first {
        Ok(metadata) => metadata,
        Err(_) => web.document(at(format!("{path}/.well-known/openid-configuration"))).await?,
    };
    let says = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
    match says == issuer {
        true => Ok(metadata),
        false => Err(failed(format!("the metadata of `{issuer}` is of the issuer `{says}`"))),
    }
}

fn address(text: &str) -> Result<Url, Miss> {
    let url = Url::parse(text).ok().filter(web::keeps_secrets);
    url.ok_or_else(|| failed(format!("`{text}` is not https (http is for this machine only)")))
}

/// Of a challenge.
fn parameter<'c>(challenge: &'c str, name: &str) -> Option<&'c str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn the_challenge_names_the_metadata() {
        let challenge = r#"Bearer realm="pgwarden", resource_metadata="https://a.example/b", scope="x""#;
        assert_eq!(parameter(challenge, "resource_metadata"), Some("https://a.example/b"));
        assert_eq!(parameter(challenge, "error"), None);
        assert_eq!(parameter("Bearer resource_metadata=\"cut", "resource_metadata"), None);
    }
}
