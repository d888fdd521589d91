//! libpq's URLs: `postgres://user:password@host:port,host:port/dbname?parameter=value`.

use super::ConninfoError;

/// What follows `postgres://` or `postgresql://`.
pub(super) fn scheme(conninfo: &str) -> Option<&str> {
    conninfo.strip_prefix("postgresql://").or_else(|| conninfo.strip_prefix("postgres://"))
}

/// Keywords with their values, as a keyword string would give them.
pub(super) fn parse(rest: &str) -> Result<Vec<(String, String)>, ConninfoError> {
    let mut out = Vec::new();
    let (front, query) = rest.split_once('?').map_or((rest, None), |(front, query)| (front, Some(query)));
    let (authority, dbname) =
        front.split_once('/').map_or((front, None), |(authority, dbname)| (authority, Some(dbname)));
    let hosts = match authority.rsplit_once('@') {
        Some((login, hosts)) => {
            credentials(login, &mut out)?;
            hosts
        }
        None => authority,
    };
    endpoints(hosts, &mut out)?;
    if let Some(dbname) = dbname.filter(|dbname| !dbname.is_empty()) {
        out.push(("dbname".to_owned(), decode(dbname, "the database name")?));
    }
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) = pair
            .split_once('=')
            .ok_or_else(|| ConninfoError::new("a parameter after `?` in the URL has no `=`"))?;
        let keyword = decode(keyword, "a parameter's name")?;
        let value = decode(value, &format!("`{keyword}`"))?;
        out.push(jdbc(keyword, value));
    }
    Ok(out)
}

fn credentials(login: &str, out: &mut Vec<(String, String)>) -> Result<(), ConninfoError> {
    let (user, password) =
        login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    if user.contains('@') || password.is_some_and(|password| password.contains('@')) {
        return Err(ConninfoError::new("the URL has more than one `@` before the host")
            .hint("write an `@` in a user name or password as `%40`"));
    }
    if !user.is_empty() {
        out.push(("user".to_owned(), decode(user, "the user name")?));
    }
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        out.push(("password".to_owned(), decode(password, "the password")?));
    }
    Ok(())
}

/// `host:port,host:port` becomes one list of hosts and one of ports.
fn endpoints(hosts: &str, out: &mut Vec<(String, String)>) -> Result<(), ConninfoError> {
    if hosts.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for endpoint in hosts.split(',') {
        let (name, port) = match endpoint.strip_prefix('[') {
            Some(v6) => {
                let (name, rest) = v6
                    .split_once(']')
                    .ok_or_else(|| ConninfoError::new("an IPv6 address in the URL has no closing `]`"))?;
                (name, rest.strip_prefix(':').unwrap_or_default())
            }
            None => endpoint.split_once(':').unwrap_or((endpoint, "")),
        };
        names.push(decode(name, "a host name")?);
        ports.push(decode(port, "a port")?);
    }
    if names.iter().any(|name| !name.is_empty()) {
        out.push(("host".to_owned(), names.join(",")));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        out.push(("port".to_owned(), ports.join(",")));
    }
    Ok(())
}

/// JDBC's `ssl=true`, which libpq takes in URLs.
fn jdbc(keyword: String, value: String) -> (String, String) {
    if keyword == "ssl" && value == "true" {
        return ("sslmode".to_owned(), "require".to_owned());
    }
    (keyword, value)
}

fn decode(text: &str, what: &str) -> Result<String, ConninfoError> {
    let broken = || {
        ConninfoError::new(format!("{what} in the URL has a broken percent-encoding"))
            .hint("write a literal `%` as `%25`")
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or_else(broken)?, rest.next().ok_or_else(broken)?];
        let digits = std::str::from_utf8(&digits).map_err(|_| broken())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(broken());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| broken())?);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| broken())?;
    if decoded.contains('\0') {
        return Err(broken());
    }
    Ok(decoded)
}
