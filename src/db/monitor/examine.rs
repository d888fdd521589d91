//! What is true of the `monitor_login`, for `doctor`.

use serde::{Deserialize, Serialize};

use super::Monitor;
use crate::pg::{Diagnostic, Source, SqlState, quote_ident};

const EXAMINE: &str = include_str!("examine.sql");
/// Names shown of each kind.
const SHOWN: usize = 3;

/// What `examine.sql` reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MonitorExamination {
    pub database: String,
    pub login: String,
    /// It has the rights of `pg_monitor`.
    pub pg_monitor: bool,
    pub superuser: bool,
    /// `BYPASSRLS` and the like.
    pub attributes: Vec<String>,
    /// Roles that it is a member of, besides those of `pg_monitor`.
    pub roles: Vec<String>,
    /// Relations of users that it may read, ready to stand in SQL. None of a superuser's, who reads all.
    pub readable: Vec<String>,
    /// The version of pg_stat_statements; `None` where the extension is not in this database.
    pub statements: Option<String>,
    /// The schema that it is in, where the login may not use it; ready to stand in SQL.
    pub statements_schema: Option<String>,
    /// pg_stat_statements is in shared_preload_libraries.
    pub preloaded: bool,
}

/// How bad something is that `doctor` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The login is of no use.
    Fails,
    /// It may more than it has to.
    Warns,
    /// Something that it could see is not there.
    Notes,
}

impl Monitor {
    pub async fn examine(&self) -> Result<MonitorExamination, Diagnostic> {
        let records = self.look(EXAMINE, &[]).await?;
        let text = records.first().map(|record| record.text(0)).transpose()?.unwrap_or_default();
        serde_json::from_str(&text).map_err(|_| {
            let message = "the examination of the monitor login came in an unknown form";
            Diagnostic::new(Source::Connection, SqlState::INTERNAL_ERROR, message)
        })
    }
}

impl MonitorExamination {
    /// Each with what is wrong and what to do about it.
    pub fn findings(&self) -> Vec<(Verdict, String, String)> {
        let (login, role) = (&self.login, quote_ident(&self.login));
        let mut found = Vec::new();
        if !self.pg_monitor {
            let text = format!("monitor login `{login}` is no member of pg_monitor");
            found.push((Verdict::Fails, text, format!("GRANT pg_monitor TO {role}")));
        }
        if self.superuser {
            let text = format!("monitor login `{login}` is a superuser, and needs no more than pg_monitor");
            found.push((Verdict::Warns, text, format!("ALTER ROLE {role} NOSUPERUSER")));
        } else if !self.attributes.is_empty() {
            let text = format!("monitor login `{login}` has {}", self.attributes.join(", "));
            let without: Vec<String> = self.attributes.iter().map(|word| format!("NO{word}")).collect();
            found.push((Verdict::Warns, text, format!("ALTER ROLE {role} {}", without.join(" "))));
        }
        if !self.roles.is_empty() {
            let text = format!("monitor login `{login}` is a member of {}", shown(&self.roles));
            let roles: Vec<String> = self.roles.iter().map(|name| quote_ident(name)).collect();
            found.push((Verdict::Warns, text, format!("REVOKE {} FROM {role}", roles.join(", "))));
        }
        if !self.readable.is_empty() {
            let text = format!(
                "monitor login `{login}` can read {} relations ({})",
                self.readable.len(),
                shown(&self.readable)
            );
            let remedy = format!("REVOKE SELECT ON {} FROM {role}, PUBLIC", shown(&self.readable));
            found.push((Verdict::Warns, text, remedy));
        }
        if let Err(missing) = self.has_statements() {
            let grant = |schema| format!("GRANT USAGE ON SCHEMA {schema} TO {role}");
            let remedy = self.statements_schema.as_ref().map(grant).or(missing.hint);
            found.push((Verdict::Notes, missing.message, remedy.unwrap_or_default()));
        }
        found
    }

    /// pg_stat_statements can be read here, or what to do about it.
    pub fn has_statements(&self) -> Result<(), Diagnostic> {
        let refused = |message: &str, hint: &str| {
            Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message).hint(hint))
        };
        match &self.statements {
            _ if !self.preloaded => refused(
                "pg_stat_statements is not loaded by the server",
                "let the DBA add it to shared_preload_libraries, restart the server, and run CREATE EXTENSION pg_stat_statements",
            ),
            None => refused(
                "pg_stat_statements is not installed in this database",
                "let the DBA run CREATE EXTENSION pg_stat_statements in it",
            ),
            Some(version) if !is_new_enough(version) => refused(
                &format!("pg_stat_statements {version} is older than 1.8"),
                "let the DBA run ALTER EXTENSION pg_stat_statements UPDATE",
            ),
            Some(_) if self.statements_schema.is_some() => refused(
                "the monitor login may not use the schema that pg_stat_statements is in",
                "`pgwarden doctor` has the GRANT that it needs",
            ),
            Some(_) => Ok(()),
        }
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, 8)
}

fn shown(names: &[String]) -> String {
    let more = if names.len() > SHOWN { ", .." } else { "" };
    let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{MonitorExamination, Verdict};

    fn sound() -> MonitorExamination {
        MonitorExamination {
            database: "shop".to_owned(),
            login: "watcher".to_owned(),
            pg_monitor: true,
            superuser: false,
            attributes: Vec::new(),
            roles: Vec::new(),
            readable: Vec::new(),
            statements: Some("1.10".to_owned()),
            statements_schema: None,
            preloaded: true,
        }
    }

    #[test]
    fn a_sound_login_has_no_findings() {
        assert_eq!(sound().findings(), []);
    }

    #[test]
    fn what_is_too_much_and_too_little_is_found_with_its_remedy() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        let bad = MonitorExamination {
            pg_monitor: false,
            attributes: names(&["CREATEROLE"]),
            roles: names(&["pg_read_all_data"]),
            readable: names(&["a.b", "a.c", "a.d", "a.e"]),
            ..sound()
        };
        let found = bad.findings();
        let verdicts: Vec<Verdict> = found.iter().map(|(verdict, ..)| *verdict).collect();
        assert_eq!(verdicts, [Verdict::Fails, Verdict::Warns, Verdict::Warns, Verdict::Warns]);
        assert_eq!(found[0].2, "GRANT pg_monitor TO \"watcher\"");
        assert_eq!(found[2].2, "REVOKE \"pg_read_all_data\" FROM \"watcher\"");
        assert_eq!(found[3].1, "monitor login `watcher` can read 4 relations (a.b, a.c, a.d, ..)");
        let superuser = MonitorExamination { superuser: true, ..sound() };
        assert_eq!(superuser.findings()[0].2, "ALTER ROLE \"watcher\" NOSUPERUSER");
    }

    #[test]
    fn what_lacks_of_the_extension_is_told_with_what_to_do() {
        let message = |change: &dyn Fn(&mut MonitorExamination)| {
            let mut examination = sound();
            change(&mut examination);
            examination.has_statements().unwrap_err().message
        };
        assert_eq!(message(&|e| e.preloaded = false), "pg_stat_statements is not loaded by the server");
        assert_eq!(message(&|e| e.statements = None), "pg_stat_statements is not installed in this database");
        let unusable = |e: &mut MonitorExamination| e.statements_schema = Some("\"Odd\"".to_owned());
        assert!(!message(&unusable).contains("Odd"), "callers hear it, and the schema may be hidden");
        assert_eq!(
            message(&|e| e.statements = Some("1.7".to_owned())),
            "pg_stat_statements 1.7 is older than 1.8"
        );
        for version in ["1.8", "1.10", "1.12", "2.0"] {
            let mut examination = sound();
            examination.statements = Some(version.to_owned());
            assert!(examination.has_statements().is_ok(), "{version}");
        }
    }
}
