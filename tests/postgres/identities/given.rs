//! Own logins that people give at a page: callers of an external provider, over the real server, against a PostgreSQL that
//! asks for passwords.

#[path = "../../pure/web/browser.rs"]
#[allow(dead_code, reason = "the other test binary uses more of it")]
mod browser;
mod ends;
#[path = "../../pure/external/keys.rs"]
#[allow(dead_code, reason = "the other test binary uses more of it")]
mod keys;
mod loopback;
mod page;
#[path = "../../pure/external/provider.rs"]
#[allow(dead_code, reason = "the other test binary uses more of it")]
mod provider;
mod stage;
mod wire;

/// What tokens have to be for.
const RESOURCE: &str = "https://db.example/mcp";
