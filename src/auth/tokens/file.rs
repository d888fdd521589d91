//! The file of tokens: read whole, changed whole, readable by its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};

use super::{NewToken, Scope, Secret, TokenError, TokenRecord, digest, generate, hex};

#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    records: Vec<TokenRecord>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "token")]
    tokens: Vec<TokenRecord>,
}

impl TokenFile {
    /// A file that is not there yet is one without tokens.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TokenError> {
        let path = path.into();
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { path, records: Vec::new() }),
            Err(source) => Err(TokenError::Io { path, doing: "read", source }),
            Ok(text) => Self::parse(path, &text),
        }
    }

    /// Writes the new token's hash; its clear text is in the [`Secret`] and nowhere else.
    pub fn create(&mut self, token: NewToken) -> Result<Secret, TokenError> {
        for (value, needed) in [(&token.name, "a name"), (&token.subject, "a subject")] {
            if value.trim().is_empty() {
                return Err(TokenError::Incomplete(needed));
            }
        }
        if self.records.iter().any(|record| record.name == token.name) {
            return Err(TokenError::Exists(token.name));
        }
        let (id, secret) = generate()?;
        let NewToken { name, subject, claims, expires, scopes } = token;
        let scopes = scopes.iter().map(|scope| scope.word().to_owned()).collect();
        let sha256 = hex(&digest(secret.reveal()));
        let created = Utc::now().trunc_subsecs(0);
        let mut records = self.records.clone();
        records.push(TokenRecord { id, name, subject, sha256, created, expires, claims, scopes });
        self.replace(records)?;
        Ok(secret)
    }

    /// Takes the token of this name or id out of the file.
    pub fn revoke(&mut self, name_or_id: &str) -> Result<TokenRecord, TokenError> {
        let mut records = self.records.clone();
        let at = records.iter().position(|record| record.name == name_or_id || record.id == name_or_id);
        let revoked =
            at.map(|at| records.remove(at)).ok_or_else(|| TokenError::Unknown(name_or_id.to_owned()))?;
        self.replace(records)?;
        Ok(revoked)
    }

    pub fn list(&self) -> &[TokenRecord] {
        &self.records
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    #[doc(hidden)] // Public for the fuzz targets.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self, TokenError> {
        let document: Document = toml::from_str(text).map_err(|error| TokenError::Syntax {
            path: path.clone(),
            message: error.message().to_owned(),
        })?;
        for (at, record) in document.tokens.iter().enumerate() {
            let fault = |what| Err(TokenError::Entry { path: path.clone(), name: record.name.clone(), what });
            let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if record.sha256.len() != 64 || !record.sha256.chars().all(hexadecimal) {
                return fault("`sha256` is not 64 hexadecimal digits in lower case");
            }
            if record.subject.trim().is_empty() {
                return fault("`subject` is empty");
            }
            if record.scopes.iter().any(|word| Scope::parse(word).is_none()) {
                return fault("`scopes` has a word that is none of read, write, admin, approve");
            }
            if document.tokens.iter().take(at).any(|other| other.name == record.name || other.id == record.id)
            {
                return fault("its `name` or `id` is there twice");
            }
        }
        Ok(Self { path, records: document.tokens })
    }

    /// All or nothing: a reader sees the old file or the new one.
    fn replace(&mut self, records: Vec<TokenRecord>) -> Result<(), TokenError> {
        let document = Document { tokens: records };
        let text = toml::to_string(&document)
            .map_err(|error| TokenError::Syntax { path: self.path.clone(), message: error.to_string() })?;
        let text = format!(
            "# Bearer tokens of pgwarden: hashes only. Made and revoked by `pgwarden token`.\n\n{text}"
        );
        let io = |source| TokenError::Io { path: self.path.clone(), doing: "written", source };
        write_private(&self.path, &text).map_err(io)?;
        self.records = document.tokens;
        Ok(())
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}
