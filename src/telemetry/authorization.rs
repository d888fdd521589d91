//! A step of the authorization server.

use std::net::IpAddr;

use tracing::{info, warn};

/// No password, code, token or cookie: who, which client, what, from where.
#[derive(Clone, Debug)]
pub struct Authorization<'a> {
    /// `login`, `consent`, `code`, `token`, `refresh`, `reuse`, `revoke`, `client_fetch`, `register`, `own_login`,
    /// `operations_login`.
    pub step: &'static str,
    /// Empty where nobody is known.
    pub subject: &'a str,
    pub client_id: Option<&'a str>,
    pub address: Option<IpAddr>,
    pub refused: bool,
    pub cause: Option<&'static str>,
}

impl Authorization<'_> {
    pub(super) fn log(&self) {
        let Self { step, subject, client_id, address, refused, cause } = self;
        let address = address.map(|address| address.to_string());
        if *refused {
            warn!(
                target: "pgwarden::authorization",
                step, subject = *subject, client_id = *client_id, address, cause = *cause, "{step} refused"
            );
        } else {
            info!(
                target: "pgwarden::authorization",
                step, subject = *subject, client_id = *client_id, address, cause = *cause, "{step}"
            );
        }
    }
}
