//! Files with secrets in them, and who else may read these.

use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::Password;
use crate::pg::{Diagnostic, SqlState};

/// A password and much more: Microsoft's tokens have some 2,000 characters.
pub(super) const LONGEST: u64 = 64 * 1024;

/// The password that the file holds now. A file that others may read is refused.
pub(super) fn read(path: &Path) -> Result<Password, Diagnostic> {
    let shown = path.display();
    let unreadable = |error: io::Error| failed(format!("password file `{shown}` cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let attributes = file.metadata().map_err(unreadable)?;
    if !attributes.is_file() {
        return Err(failed(format!("password file `{shown}` is not a plain file")));
    }
    if is_open(&attributes) {
        return Err(failed(format!("password file `{shown}` can be read by others")).hint(remedy(path)));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(failed(format!("password file `{shown}` is longer than {LONGEST} bytes")));
    }
    Password::of_line(&bytes).map_err(|fault| {
        failed(format!("password file `{shown}` {fault}"))
            .hint("it holds the password on one line, and nothing else")
    })
}

/// The text of a file that holds a key or a secret. Where others may read it, the log says so.
pub fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new)?;
    if is_open_to_others(path) {
        tracing::warn!("`{}` holds a secret and can be read by others: {}", path.display(), remedy(path));
    }
    Ok(text)
}

/// libpq's rule: nobody else may read it, but for root's own that a group reads.
pub fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|attributes| is_open(&attributes))
}

fn is_open(attributes: &Metadata) -> bool {
    let open = if attributes.uid() == 0 { 0o027 } else { 0o077 };
    attributes.mode() & open != 0
}

fn remedy(path: &Path) -> String {
    format!("`chmod 0600 {}`; of a Kubernetes secret, set `defaultMode: 0440` and `fsGroup`", path.display())
}

/// The way to PostgreSQL ends before it.
pub(super) fn failed(message: impl Into<String>) -> Diagnostic {
    Diagnostic { retryable: false, ..Diagnostic::connection(SqlState::INVALID_AUTHORIZATION, message) }
}
