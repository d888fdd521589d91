//! Opening a connection: each host and address in order, TLS as asked for, a deadline around each host.

mod asked;
mod own;

use std::io;
use std::sync::Arc;

use tokio::time::timeout;
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, Connection, NoTls};
use tokio_util::sync::CancellationToken;

use super::breaker::Breaker;
use super::cancel::Canceler;
use super::conninfo::{ConnectionSettings, Host, SslMode, TargetSession};
use super::error;
use super::link::Link;
use super::remote::{self, Remote, Stream};
use super::tls::KeptTls;
use super::{backend_key, pooler};
use crate::pg::{Diagnostic, Source, SqlState};

/// Opens connections by one set of settings; certificate files are read again when they have changed.
#[derive(Debug)]
pub(super) struct Connector {
    settings: ConnectionSettings,
    tls: Arc<KeptTls>,
    /// Of each host.
    breakers: Arc<[Breaker]>,
    /// Of a caller's own login: fires when PostgreSQL refuses it.
    own: Option<CancellationToken>,
}

impl Connector {
    pub fn new(settings: ConnectionSettings) -> Self {
        let breakers = settings.hosts.iter().map(|_| Breaker::default()).collect();
        Self { settings, tls: Arc::default(), breakers, own: None }
    }

    /// The same for a caller's own login. `ended` fires when PostgreSQL refuses it.
    pub fn for_login(&self, role: &str, password: &str, ended: CancellationToken) -> Self {
        Self { own: Some(ended), ..self.with(self.settings.for_login(role, Some(password))) }
    }

    /// Refused where PostgreSQL lets the login in without its password: then having one proves nothing.
    pub async fn needs_password(&self) -> Result<(), Diagnostic> {
        let without = self.with(self.settings.for_login(&self.settings.user, None));
        match without.open().await {
            Ok(link) => {
                link.close().await;
                Err(own::unproved())
            }
            Err(missing) if missing.source == Source::Connection && missing.sqlstate.class() == "28" => {
                Ok(())
            }
            Err(failed) if failed.sqlstate.class() == "28" => Err(own::refused()),
            Err(failed) => Err(failed),
        }
    }

    /// To the same hosts.
    fn with(&self, settings: ConnectionSettings) -> Self {
        let (tls, breakers) = (Arc::clone(&self.tls), Arc::clone(&self.breakers));
        Self { settings, tls, breakers, own: None }
    }

    /// No host answers, as far as is known.
    pub fn is_silent(&self) -> bool {
        self.breakers.iter().all(Breaker::is_silent)
    }

    /// The first host that answers and is what `target_session_attrs` asks for.
    async fn open_once(&self) -> Result<Link, Diagnostic> {
        let mut passes = vec![self.settings.target];
        if self.settings.target == TargetSession::PreferStandby {
            passes = vec![TargetSession::Standby, TargetSession::Any];
        }
        let mut failure = None;
        for target in passes {
            for at in 0..self.settings.hosts.len() {
                match self.answer_of(at, target).await {
                    Ok(link) => return Ok(link),
                    // A wrong password is not tried on the next host: libpq does not either.
                    Err(error) if error.sqlstate.class() == "28" => return Err(error),
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.unwrap_or_else(|| self.unreachable("no host is named")))
    }

    /// As libpq, `connect_timeout` is for each host: a silent one must not use up the time of the next.
    async fn answer_of(&self, at: usize, target: TargetSession) -> Result<Link, Diagnostic> {
        let Some(breaker) = self.breakers.get(at) else {
            return Err(self.unreachable("no host is named"));
        };
        let attempt = breaker.pass()?;
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.met(at, target)).await {
            Ok(answer) => {
                attempt.answered();
                answer
            }
            Err(_) => {
                let silent = self.unreachable(&format!("no answer within {} s", limit.as_secs()));
                attempt.heard_nothing(&silent);
                Err(silent)
            }
        }
    }

    /// A connection of which it is known who is behind it.
    async fn met(&self, at: usize, target: TargetSession) -> Result<Link, Diagnostic> {
        let mut link = self.try_host(at, target).await?;
        let announced = backend_key::process_id(link.canceler().token());
        pooler::meet(&mut link, self.settings.pooler, announced).await?;
        // A pooler may log in as whom it likes; whoever came by their own login works as nobody else.
        match self.own.is_some() && link.user() != self.settings.user {
            true => Err(own::refused()),
            false => Ok(link),
        }
    }

    async fn try_host(&self, at: usize, target: TargetSession) -> Result<Link, Diagnostic> {
        let Some(host) = self.settings.hosts.get(at) else {
            return Err(self.unreachable("no host is named"));
        };
        let remotes = Remote::resolve(host, &self.settings).await.map_err(|e| self.io(host, &e))?;
        let mut failure = None;
        for remote in remotes {
            match self.try_remote(at, host, remote, target).await {
                Ok(link) => return Ok(link),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| self.unreachable("the host name has no address")))
    }

    async fn try_remote(
        &self,
        at: usize,
        host: &Host,
        remote: Remote,
        target: TargetSession,
    ) -> Result<Link, Diagnostic> {
        let Some(host_name) = remote.host_name.clone().filter(|_| self.settings.tls.mode != SslMode::Disable)
        else {
            return self.start_plain(at, host, &remote, target).await;
        };
        let mut make = self.tls.current(&self.settings.tls).await?;
        let prefer = self.settings.tls.mode == SslMode::Prefer;
        let mode = if prefer { DriverMode::Prefer } else { DriverMode::Require };
        let tls = MakeTlsConnect::<Stream>::make_tls_connect(&mut make, &host_name)
            .map_err(|error| self.unreachable(&error.to_string()))?;
        let stream = remote.connect().await.map_err(|e| self.io(host, &e))?;
        let port = remote::local_port(&stream);
        match self.config(at, mode).connect_raw(stream, tls).await {
            Ok((client, connection)) => {
                fits(&connection, target).map_err(|reason| self.unreachable(reason))?;
                let canceler = Canceler::new(client.cancel_token(), remote, Some(make));
                Ok(Link::new(client, connection, canceler, port))
            }
            // libpq's `prefer`: what fails with TLS, a rule that allows only plain connections included, may do without.
            Err(error) if prefer && error.code().is_none_or(|code| code.code() == "28000") => {
                self.start_plain(at, host, &remote, target).await
            }
            Err(error) => Err(self.start_failed(host, &error)),
        }
    }

    async fn start_plain(
        &self,
        at: usize,
        host: &Host,
        remote: &Remote,
        target: TargetSession,
    ) -> Result<Link, Diagnostic> {
        let stream = remote.connect().await.map_err(|e| self.io(host, &e))?;
        let port = remote::local_port(&stream);
        let (client, connection) = self
            .config(at, DriverMode::Disable)
            .connect_raw(stream, NoTls)
            .await
            .map_err(|error| self.start_failed(host, &error))?;
        fits(&connection, target).map_err(|reason| self.unreachable(reason))?;
        let canceler = Canceler::new(client.cancel_token(), remote.clone(), None);
        Ok(Link::new(client, connection, canceler, port))
    }

    fn config(&self, at: usize, mode: DriverMode) -> Config {
        let settings = &self.settings;
        let mut config = Config::new();
        config
            .user(&settings.user)
            .dbname(&settings.dbname)
            .application_name(&settings.application_name)
            .ssl_mode(mode)
            .channel_binding(settings.tls.channel_binding);
        if let Some(options) = &settings.options {
            config.options(options);
        }
        if let Some(Some(password)) = settings.passwords.get(at) {
            config.password(password.reveal());
        }
        config
    }

    fn start_failed(&self, host: &Host, error: &tokio_postgres::Error) -> Diagnostic {
        if error.as_db_error().is_some() {
            let refused = pooler::as_postgresql_says_it(error::diagnostic(error));
            if let Some(hint) = pooler::parameter_hint(&refused.message) {
                return refused.hint(hint);
            }
            let Some(ended) = self.own.as_ref().filter(|_| refused.sqlstate.class() == "28") else {
                return refused;
            };
            // What other connections do under it ends too.
            ended.cancel();
            return own::refused();
        }
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        if cause == "password missing" {
            let missing = Diagnostic {
                retryable: false,
                ..Diagnostic::connection(
                    SqlState::INVALID_AUTHORIZATION,
                    format!("PostgreSQL asks for a password of `{}` and none is given", self.settings.user),
                )
            };
            let default =
                "set PGPASSWORD, or add a line to the password file (~/.pgpass, mode 0600)".to_owned();
            return missing.hint(self.settings.passfile_note.clone().unwrap_or(default));
        }
        let reason = if cause.is_empty() { error.to_string() } else { cause };
        let failed = self.unreachable(&format!("{}: {reason}", host_words(host)));
        match tls_hint(&reason) {
            Some(hint) => Diagnostic { retryable: false, ..failed }.hint(hint),
            None => failed,
        }
    }

    fn io(&self, host: &Host, error: &io::Error) -> Diagnostic {
        self.unreachable(&format!("{}: {error}", host_words(host)))
            .hint("check that PostgreSQL runs there and that host and port are right")
    }

    fn unreachable(&self, reason: &str) -> Diagnostic {
        Diagnostic::connection(
            SqlState::CONNECTION_FAILURE,
            format!("cannot connect to `{}`: {reason}", self.settings.shown()),
        )
    }
}

fn host_words(host: &Host) -> String {
    match &host.name {
        super::conninfo::HostName::Tcp(name) => format!("`{name}` port {}", host.port),
        super::conninfo::HostName::Unix(path) => format!("socket in `{}` port {}", path.display(), host.port),
    }
}

fn tls_hint(reason: &str) -> Option<&'static str> {
    if reason.contains("does not support TLS") {
        return Some(
            "the server has TLS off: turn it on there, or use `sslmode=prefer` on a network that you trust",
        );
    }
    if reason.contains("NotValidForName") || reason.contains("not valid for name") {
        return Some("the certificate names another host: connect by the name in its subjectAltName");
    }
    if reason.contains("CaUsedAsEndEntity") {
        return Some("the server uses a CA certificate as its own: give it one that the CA has signed");
    }
    if reason.contains("Expired") || reason.contains("expired") {
        return Some("the server's certificate has run out: renew it there");
    }
    if reason.contains("UnknownIssuer") {
        return Some("the server's certificate is not signed by the roots: name its CA with `sslrootcert`");
    }
    None
}

/// Whether the server is what `target_session_attrs` asks for, by what it reported at start (PostgreSQL 14).
fn fits<S, T>(connection: &Connection<S, T>, target: TargetSession) -> Result<(), &'static str>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let on = |name: &str| connection.parameter(name) == Some("on");
    let standby = on("in_hot_standby");
    let read_only = standby || on("default_transaction_read_only");
    match target {
        TargetSession::ReadWrite if read_only => {
            Err("the server does not take writes (`target_session_attrs`)")
        }
        TargetSession::ReadOnly if !read_only => Err("the server takes writes (`target_session_attrs`)"),
        TargetSession::Primary if standby => Err("the server is a standby (`target_session_attrs`)"),
        TargetSession::Standby if !standby => Err("the server is no standby (`target_session_attrs`)"),
        _ => Ok(()),
    }
}
