//! libpq's password file: lines of `host:port:database:user:password`, the first that fits wins.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Host, HostName, Password};

/// The file's text, or why it is passed over. A missing file is neither.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let shown = path.display();
    let Ok(attributes) = std::fs::metadata(path) else { return Ok(None) };
    if !attributes.is_file() {
        return Err(format!("password file `{shown}` is not a plain file"));
    }
    if attributes.permissions().mode() & 0o077 != 0 {
        return Err(format!("password file `{shown}` can be read by others: `chmod 0600` it"));
    }
    std::fs::read_to_string(path)
        .map(Some)
        .map_err(|error| format!("password file `{shown}` cannot be read: {}", error.kind()))
}

pub(super) fn find(text: &str, host: &Host, dbname: &str, user: &str) -> Option<Password> {
    let port = host.port.to_string();
    let name = match &host.name {
        HostName::Tcp(name) => name.clone(),
        HostName::Unix(directory) => match directory.to_str()? {
            "/tmp" | "/var/run/postgresql" | "/run/postgresql" => "localhost".to_owned(),
            other => other.to_owned(),
        },
    };
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [line_host, line_port, line_dbname, line_user, password] = fields.as_slice() else { return None };
        let fits = |field: &String, wanted: &str| field == "*" || field == wanted;
        let all = fits(line_host, &name)
            && fits(line_port, &port)
            && fits(line_dbname, dbname)
            && fits(line_user, user);
        (all && !password.is_empty()).then(|| Password::new(password))
    })
}

/// Fields between colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => out.push(String::new()),
            '\\' => {
                if let Some(last) = out.last_mut() {
                    last.extend(chars.next());
                }
            }
            _ => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out
}
