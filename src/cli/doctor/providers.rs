//! The providers of `[auth.external]`: do they answer, as the issuers that they are called, and with keys?

use serde_json::json;

use super::line;
use crate::auth::external::{ProviderSettings, Providers};
use crate::config::{Auth, ExternalProvider};

/// Prints what is true of each; false where one is of no use at the moment.
pub(super) async fn examine(auth: &Auth, as_json: bool) -> anyhow::Result<bool> {
    if auth.external.is_empty() {
        return Ok(true);
    }
    let settings = auth.external.iter().map(ExternalProvider::with_secrets);
    let settings: Vec<ProviderSettings> = settings.collect::<Result<_, _>>()?;
    let providers = Providers::new(settings)?;
    let mut healthy = true;
    for (name, found) in providers.examine().await {
        healthy &= found.is_ok();
        println!("{}", if as_json { in_json(name, &found) } else { in_text(name, &found) });
    }
    Ok(healthy)
}

fn in_json(name: &str, found: &Result<usize, String>) -> String {
    match found {
        Ok(keys) => json!({"provider": name, "healthy": true, "keys": keys}),
        Err(error) => json!({"provider": name, "healthy": false, "error": error}),
    }
    .to_string()
}

fn in_text(name: &str, found: &Result<usize, String>) -> String {
    let mut out = format!("provider {name}\n");
    match found {
        Ok(0) => line(&mut out, "ok", "it has no keys, and is asked about its tokens", None),
        Ok(1) => line(&mut out, "ok", "it has one key", None),
        Ok(keys) => line(&mut out, "ok", &format!("it has {keys} keys"), None),
        Err(error) => line(
            &mut out,
            "FAIL",
            &format!("its keys cannot be had: {error}"),
            Some(
                "compare `issuer` with `issuer` in the provider's metadata, byte for byte, or name `jwks_uri`",
            ),
        ),
    }
    out
}
