//! What the authorization server does, for the audit: who, which client, what; never a secret.

use std::net::IpAddr;

use super::AuthorizationServer;
use crate::telemetry::{Authorization, Event};

pub(super) enum Step<'a> {
    LoggedIn {
        address: IpAddr,
    },
    LoginFailed {
        address: IpAddr,
        cause: &'static str,
    },
    Throttled {
        address: IpAddr,
    },
    Fetch {
        client_id: &'a str,
        cause: &'static str,
    },
    Consented {
        client_id: &'a str,
    },
    Denied {
        client_id: &'a str,
    },
    Code {
        client_id: &'a str,
    },
    Token {
        client_id: &'a str,
    },
    Refreshed {
        client_id: &'a str,
    },
    /// Somebody used a code or a refresh token again: the grant ends.
    Reused {
        client_id: &'a str,
        cause: &'static str,
    },
    Revoked {
        client_id: &'a str,
        cause: &'static str,
    },
    /// Of a browser, since the role may no longer log in.
    SessionEnded,
    Registered {
        client_id: &'a str,
        address: IpAddr,
    },
}

impl AuthorizationServer {
    pub(super) fn event(&self, subject: &str, step: Step<'_>) {
        let event = match step {
            Step::LoggedIn { address } => done("login").from(address),
            Step::LoginFailed { address, cause } => refused("login", cause).from(address),
            Step::Throttled { address } => refused("login", "throttled").from(address),
            Step::Fetch { client_id, cause } => refused("client_fetch", cause).of(client_id),
            Step::Consented { client_id } => done("consent").of(client_id),
            Step::Denied { client_id } => refused("consent", "denied by the person").of(client_id),
            Step::Code { client_id } => done("code").of(client_id),
            Step::Token { client_id } => done("token").of(client_id),
            Step::Refreshed { client_id } => done("refresh").of(client_id),
            Step::Reused { client_id, cause } => refused("reuse", cause).of(client_id),
            Step::Revoked { client_id, cause } => {
                Authorization { cause: Some(cause), ..done("revoke") }.of(client_id)
            }
            Step::SessionEnded => refused("session", "the role may no longer log in"),
            Step::Registered { client_id, address } => done("register").of(client_id).from(address),
        };
        self.telemetry.emit(&Event::Authorization(Authorization { subject, ..event }));
    }
}

const fn done(step: &'static str) -> Authorization<'static> {
    Authorization { step, subject: "", client_id: None, address: None, refused: false, cause: None }
}

const fn refused(step: &'static str, cause: &'static str) -> Authorization<'static> {
    Authorization { refused: true, cause: Some(cause), ..done(step) }
}

impl<'a> Authorization<'a> {
    fn from(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    fn of<'b>(self, client_id: &'b str) -> Authorization<'b>
    where
        'a: 'b,
    {
        Authorization { client_id: Some(client_id), ..self }
    }
}
