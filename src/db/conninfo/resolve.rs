//! From accepted parameters to settings: values read, gaps filled as libpq fills them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::parameters::{self, Given};
use super::{
    ConnectionSettings, ConninfoError, Host, HostName, Keepalive, Password, PasswordFrom, Pooler,
    RootCertificates, SslMode, TargetSession, TlsSettings, passfile,
};

/// The process environment, or a test's.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where distributions put the socket, in the order tried.
const SOCKET_DIRECTORIES: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];
const DEFAULT_PORT: u16 = 5432;
/// Around the whole of connecting to a host: name look-up, TCP, TLS, authentication.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What was sent and is not acknowledged for so long: the network is gone.
const DEFAULT_TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) fn resolve(mut given: Given, env: Environment<'_>) -> Result<ConnectionSettings, ConninfoError> {
    let by_string = given.get("password").is_some_and(|password| !password.is_empty());
    parameters::fill(&mut given, env)?;
    let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let user = match given.remove("user").filter(|user| !user.is_empty()) {
        Some(user) => user,
        None => os_user(env)?,
    };
    let dbname = given.remove("dbname").filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    let hosts = hosts(&given)?;
    let Found { passwords, from, note } = passwords(&mut given, home.as_deref(), &hosts, &dbname, &user);
    check_encoding(&given)?;
    Ok(ConnectionSettings {
        passwords,
        password_from: if by_string { PasswordFrom::Given } else { from },
        passfile_note: note,
        pooler: Pooler::Auto,
        options: given.remove("options"),
        application_name: given
            .remove("application_name")
            .or_else(|| given.remove("fallback_application_name"))
            .unwrap_or_else(|| "pgwarden".to_owned()),
        connect_timeout: connect_timeout(&given)?,
        keepalive: keepalive(&given)?,
        tcp_user_timeout: tcp_user_timeout(&given)?,
        target: target(&given)?,
        tls: tls(&given, home.as_deref())?,
        hosts,
        user,
        dbname,
    })
}

/// As the shell names the user; libpq asks the operating system, which says the same but in odd set-ups.
fn os_user(env: Environment<'_>) -> Result<String, ConninfoError> {
    ["USER", "LOGNAME"].into_iter().find_map(|name| env(name).filter(|user| !user.is_empty())).ok_or_else(
        || {
            ConninfoError::new("no user name is given")
                .hint("name one: `postgres://user@host/dbname`, or set PGUSER")
        },
    )
}

fn hosts(given: &Given) -> Result<Vec<Host>, ConninfoError> {
    let list =
        |key: &str| -> Vec<&str> { given.get(key).map(|v| v.split(',').collect()).unwrap_or_default() };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(ConninfoError::new("`host` and `hostaddr` list different numbers of hosts"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(ConninfoError::new("`port` lists a different number than there are hosts"));
    }
    (0..count)
        .map(|at| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or_default();
            let port = port_number(port)?;
            let name = names.get(at).copied().unwrap_or_default();
            host(name, addresses.get(at).copied().unwrap_or_default(), port)
        })
        .collect()
}

fn port_number(port: &str) -> Result<u16, ConninfoError> {
    match port.trim() {
        "" => Ok(DEFAULT_PORT),
        port => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
            ConninfoError::new("`port` is not a number from 1 to 65535")
                .hint("in a URL, write `:`, `@` and `/` of a password as `%3A`, `%40` and `%2F`")
        }),
    }
}

fn host(name: &str, address: &str, port: u16) -> Result<Host, ConninfoError> {
    let address = match address {
        "" => None,
        text => Some(
            text.parse().map_err(|_| ConninfoError::new(format!("`hostaddr` `{text}` is no IP address")))?,
        ),
    };
    let name = match (name, address) {
        ("", Some(address)) => HostName::Tcp(std::net::IpAddr::to_string(&address)),
        ("", None) => default_host(port),
        (path, _) if path.starts_with('/') => HostName::Unix(PathBuf::from(path)),
        (name, _) => HostName::Tcp(name.to_owned()),
    };
    Ok(Host { name, address, port })
}

/// The first directory with a server's socket in it, else TCP to this machine.
fn default_host(port: u16) -> HostName {
    let socket = format!(".s.PGSQL.{port}");
    SOCKET_DIRECTORIES
        .iter()
        .map(Path::new)
        .find(|directory| directory.join(&socket).exists())
        .map_or_else(|| HostName::Tcp("localhost".to_owned()), |path| HostName::Unix(path.to_owned()))
}

struct Found {
    passwords: Vec<Option<Password>>,
    from: PasswordFrom,
    /// Why the password file was passed over.
    note: Option<String>,
}

fn passwords(given: &mut Given, home: Option<&Path>, hosts: &[Host], dbname: &str, user: &str) -> Found {
    if let Some(password) = given.remove("password").filter(|password| !password.is_empty()) {
        let passwords = vec![Some(Password::new(&password)); hosts.len()];
        return Found { passwords, from: PasswordFrom::Environment, note: None };
    }
    let none = |note| Found { passwords: vec![None; hosts.len()], from: PasswordFrom::Nowhere, note };
    let path = given.remove("passfile").map(PathBuf::from).or_else(|| Some(home?.join(".pgpass")));
    let Some(path) = path else { return none(None) };
    let text = match passfile::read(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return none(None),
        Err(note) => return none(Some(note)),
    };
    let passwords: Vec<_> = hosts.iter().map(|host| passfile::find(&text, host, dbname, user)).collect();
    match passwords.iter().any(Option::is_some) {
        true => Found { passwords, from: PasswordFrom::Passfile(path), note: None },
        false => none(None),
    }
}

fn check_encoding(given: &Given) -> Result<(), ConninfoError> {
    let utf8 = |name: &String| {
        matches!(name.to_ascii_lowercase().replace('-', "").as_str(), "utf8" | "unicode" | "auto")
    };
    match given.get("client_encoding") {
        Some(name) if !utf8(name) => {
            Err(ConninfoError::new(format!("`client_encoding` `{name}` is not supported"))
                .hint("leave it out: pgwarden talks UTF8, PostgreSQL converts"))
        }
        _ => Ok(()),
    }
}

fn number(given: &Given, key: &str) -> Result<Option<u64>, ConninfoError> {
    let Some(text) = given.get(key) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| ConninfoError::new(format!("`{key}` is not a whole number")))
}

/// libpq's rule: zero and less wait for ever, which we do not, and one second is too short to be meant.
fn connect_timeout(given: &Given) -> Result<Duration, ConninfoError> {
    let Some(text) = given.get("connect_timeout") else { return Ok(DEFAULT_CONNECT_TIMEOUT) };
    let seconds: i64 = text
        .trim()
        .parse()
        .map_err(|_| ConninfoError::new("`connect_timeout` is not a whole number of seconds"))?;
    Ok(match u64::try_from(seconds) {
        Ok(0) | Err(_) => DEFAULT_CONNECT_TIMEOUT,
        Ok(seconds) => Duration::from_secs(seconds.max(2)),
    })
}

/// 0 is the system's, which is a quarter of an hour.
fn tcp_user_timeout(given: &Given) -> Result<Option<Duration>, ConninfoError> {
    let given = number(given, "tcp_user_timeout")?.map(Duration::from_millis);
    Ok(Some(given.unwrap_or(DEFAULT_TCP_USER_TIMEOUT)).filter(|timeout| !timeout.is_zero()))
}

fn keepalive(given: &Given) -> Result<Option<Keepalive>, ConninfoError> {
    if number(given, "keepalives")? == Some(0) {
        return Ok(None);
    }
    let seconds = |key| Ok(number(given, key)?.filter(|s| *s > 0).map(Duration::from_secs));
    Ok(Some(Keepalive {
        idle: seconds("keepalives_idle")?.unwrap_or(Duration::from_secs(30)),
        interval: seconds("keepalives_interval")?.or(Some(Duration::from_secs(5))),
        count: number(given, "keepalives_count")?
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
            .or(Some(3)),
    }))
}

fn target(given: &Given) -> Result<TargetSession, ConninfoError> {
    Ok(match given.get("target_session_attrs").map_or("any", String::as_str) {
        "any" => TargetSession::Any,
        "read-write" => TargetSession::ReadWrite,
        "read-only" => TargetSession::ReadOnly,
        "primary" => TargetSession::Primary,
        "standby" => TargetSession::Standby,
        "prefer-standby" => TargetSession::PreferStandby,
        other => {
            return Err(word(
                "target_session_attrs",
                other,
                &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
            ));
        }
    })
}

fn tls(given: &Given, home: Option<&Path>) -> Result<TlsSettings, ConninfoError> {
    let standard =
        |name: &str| home.map(|home| home.join(".postgresql").join(name)).filter(|path| path.exists());
    let named = |key: &str| given.get(key).filter(|path| !path.is_empty()).map(PathBuf::from);
    let roots = match given.get("sslrootcert").map(String::as_str) {
        Some("system") => Some(RootCertificates::System),
        _ => named("sslrootcert").or_else(|| standard("root.crt")).map(RootCertificates::File),
    };
    let asked = given.get("sslmode").map(|word| ssl_mode(word)).transpose()?;
    let mode = match (asked, &roots) {
        (None, Some(RootCertificates::System)) => SslMode::VerifyFull,
        (Some(mode), Some(RootCertificates::System)) if mode != SslMode::VerifyFull => {
            return Err(ConninfoError::new(format!(
                "`sslmode={}` is too weak for `sslrootcert=system`",
                mode.word()
            ))
            .hint("use `sslmode=verify-full`"));
        }
        (Some(SslMode::VerifyCa), None) => {
            return Err(ConninfoError::new("`sslmode=verify-ca` needs a root certificate").hint(
                "name its file with `sslrootcert`, or use `sslmode=verify-full` with the system's roots",
            ));
        }
        (mode, _) => mode.unwrap_or(SslMode::Prefer),
    };
    let certificate = named("sslcert").or_else(|| standard("postgresql.crt"));
    let key = named("sslkey").or_else(|| standard("postgresql.key"));
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(_), None) => {
            return Err(
                ConninfoError::new("`sslcert` is given without a key").hint("name the key with `sslkey`")
            );
        }
        (None, _) => None,
    };
    Ok(TlsSettings { mode, roots, client, channel_binding: channel_binding(given)? })
}

fn ssl_mode(word: &str) -> Result<SslMode, ConninfoError> {
    const MODES: [SslMode; 5] =
        [SslMode::Disable, SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull];
    MODES
        .into_iter()
        .find(|mode| mode.word() == word)
        .ok_or_else(|| self::word("sslmode", word, &MODES.map(SslMode::word)))
}

fn channel_binding(given: &Given) -> Result<ChannelBinding, ConninfoError> {
    Ok(match given.get("channel_binding").map_or("prefer", String::as_str) {
        "disable" => ChannelBinding::Disable,
        "prefer" => ChannelBinding::Prefer,
        "require" => ChannelBinding::Require,
        other => return Err(word("channel_binding", other, &["disable", "prefer", "require"])),
    })
}

fn word(parameter: &str, given: &str, words: &[&str]) -> ConninfoError {
    let error = ConninfoError::new(format!("`{parameter}` cannot be `{given}`"));
    match crate::catalog::closest(given, words.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("it is one of: {}", words.join(", "))),
    }
}
