//! `[audit]`: where the audit log is, and what is in it.

use std::path::PathBuf;

use toml::de::DeValue;

use super::ConfigError;
use super::embedded_auth::boolean;
use super::files::Files;
use super::section::{Fault, Section, integer, string};
use crate::audit::{Required, Statements};
use crate::catalog::closest;

const MEGABYTE: u64 = 1024 * 1024;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditLog {
    pub to: AuditTo,
    pub statements: Statements,
    pub required: Required,
    /// The key of the hashes.
    pub key_file: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuditTo {
    File {
        path: PathBuf,
        rotate_bytes: u64,
        keep_files: u32,
    },
    Stdout,
    /// The database of `[store]`.
    Store,
}

pub(super) fn audit(mut section: Section<'_>, files: Files<'_>) -> Result<AuditLog, ConfigError> {
    let file = section.value("file", string)?.map(|file| files.folder.join(file));
    let rotate = section.value("rotate_megabytes", integer(1..=1_000_000))?;
    let keep = section.value("keep_files", integer(1..=10_000))?;
    let stdout = section.value("stdout", boolean)?.unwrap_or_default();
    let store = section.value("store", boolean)?.unwrap_or_default();
    let statements = section.value("statements", statements)?.unwrap_or_default();
    let required = section.value("required", required)?.unwrap_or_default();
    let key_file = section.value("key_file", |value| files.path(value))?;
    let to = match (file, stdout, store) {
        (Some(path), false, false) => AuditTo::File {
            path,
            rotate_bytes: rotate.unwrap_or(100).saturating_mul(MEGABYTE),
            keep_files: keep.map_or(10, |keep| u32::try_from(keep).unwrap_or(u32::MAX)),
        },
        (None, true, false) => AuditTo::Stdout,
        (None, false, true) => AuditTo::Store,
        _ => {
            let hint = "set one of `file = \"..\"`, `stdout = true` and `store = true`".to_owned();
            return Err(section.fault("has to say where the log is, once").hint(Some(hint)));
        }
    };
    if !matches!(to, AuditTo::File { .. }) && (rotate.is_some() || keep.is_some()) {
        return Err(section.fault("has `rotate_megabytes` or `keep_files`, which are for a `file`"));
    }
    section.finish()?;
    Ok(AuditLog { to, statements, required, key_file })
}

fn statements(value: &DeValue<'_>) -> Result<Statements, Fault> {
    let all = [Statements::Redacted, Statements::Whole, Statements::Fingerprint, Statements::None];
    word(value, &all.map(|statements| (statements.word(), statements)))
}

fn required(value: &DeValue<'_>) -> Result<Required, Fault> {
    word(value, &[("writes", Required::Writes), ("all", Required::All)])
}

fn word<T: Copy>(value: &DeValue<'_>, words: &[(&'static str, T)]) -> Result<T, Fault> {
    let given = string(value)?;
    let known = words.iter().map(|(word, _)| *word);
    let hint = closest(&given, known.clone()).map(|near| format!("did you mean `{near}`?"));
    let listed: Vec<String> = known.map(|word| format!("`{word}`")).collect();
    let fault = Fault::new(format!("is `{given}`, one of {} was expected", listed.join(", ")), hint);
    words.iter().find(|(word, _)| *word == given).map(|(_, meant)| *meant).ok_or(fault)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Option<AuditLog>, String> {
        let config = crate::config::read(text, Path::new("conf/pgwarden.toml"), &|_| None);
        config.map(|config| config.audit).map_err(|error| error.to_string())
    }

    #[test]
    fn without_the_table_there_is_no_audit_log_and_every_key_is_read() {
        assert_eq!(read(""), Ok(None));
        let whole = read(
            "[audit]\nfile = \"audit.jsonl\"\nrotate_megabytes = 2\nkeep_files = 3\nstatements = \"fingerprint\"\n\
             required = \"all\"\nkey_file = \"audit.key\"",
        );
        let to = AuditTo::File { path: "conf/audit.jsonl".into(), rotate_bytes: 2 * MEGABYTE, keep_files: 3 };
        let (statements, required) = (Statements::Fingerprint, Required::All);
        let key_file = Some("conf/audit.key".into());
        assert_eq!(whole, Ok(Some(AuditLog { to, statements, required, key_file })));
        let AuditLog { to, statements, required, key_file } = read("[audit]\nstore = true").unwrap().unwrap();
        let silent = (AuditTo::Store, Statements::Redacted, Required::Writes, None);
        assert_eq!((to, statements, required, key_file), silent);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_way_out() {
        for (text, message) in [
            ("[audit]", "has to say where the log is, once"),
            ("[audit]\nfile = \"a\"\nstdout = true", "has to say where the log is, once"),
            ("[audit]\nstdout = true\nkeep_files = 3", "which are for a `file`"),
            ("[audit]\nstdout = true\nstatements = \"hole\"", "did you mean `whole`?"),
            ("[audit]\nstdout = true\nrequired = \"none\"", "one of `writes`, `all` was expected"),
            ("[audit]\nstdout = true\nrequire = \"all\"", "did you mean `required`?"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
