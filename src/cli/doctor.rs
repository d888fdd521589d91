//! `pgwarden doctor`: connects as `serve` would, and says what it finds.

mod beyond;
mod identities;
mod monitor;
mod passwords;
mod providers;
mod replicas;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use self::beyond::Beyond;
use self::identities::Identities;
use self::monitor::MonitorReport;
use self::replicas::Replicas;
use super::FAILED;
use super::arguments::DoctorArguments;
use super::setup::{Setup, environment};
use crate::config::DatabaseEntry;
use crate::db::{Examination, Finding, SslMode};
use crate::gateway::{DocumentFault, NotesError, SavedFault, Served};
use crate::pg::Diagnostic;
use crate::policy::PolicyError;

/// What was found about one database.
struct Report<'s> {
    entry: &'s DatabaseEntry,
    accepted: &'s BTreeSet<String>,
    examination: Result<Examination, Diagnostic>,
    beyond: Beyond,
    monitor: MonitorReport,
    replicas: Replicas,
    identities: Identities,
    /// What the policies name and the database does not have.
    missing: Vec<PolicyError>,
    /// The same of the notes.
    missing_notes: Vec<NotesError>,
    /// Saved queries that cannot be run.
    saved: Vec<SavedFault>,
    /// Documents that are not there, or that no index helps to search.
    documents: Vec<DocumentFault>,
}

pub(super) async fn run(arguments: DoctorArguments) -> anyhow::Result<ExitCode> {
    let setup = Setup::read(&arguments.target, &environment)?;
    let mut healthy = true;
    for (entry, served) in setup.config.databases.iter().zip(setup.served()) {
        let report = examine(entry, served).await;
        healthy &= report.is_healthy();
        println!("{}", if arguments.json { report.json() } else { report.text() });
    }
    setup.close().await;
    healthy &= providers::examine(&setup.config.auth, arguments.json).await?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn examine<'s>(entry: &'s DatabaseEntry, served: &'s Served) -> Report<'s> {
    let accepted = &served.database.settings().accepted;
    let examination = served.database.examine().await;
    let beyond = if examination.is_ok() { Beyond::find(served).await } else { Beyond::default() };
    let monitor = MonitorReport::find(served).await;
    let replicas = Replicas::find(served).await;
    let identities = Identities::find(served).await;
    // Without the checks of the login, which are told above.
    let (missing, missing_notes, saved, documents) = match served.database.ready().await {
        Ok(catalog) => {
            let saved = served.saved_faults().await;
            let documents = served.document_faults(&catalog);
            (served.policies.missing(&catalog), served.missing_notes(&catalog), saved, documents)
        }
        Err(_) => Default::default(),
    };
    Report {
        entry,
        accepted,
        examination,
        beyond,
        monitor,
        replicas,
        identities,
        missing,
        missing_notes,
        saved,
        documents,
    }
}

impl Report<'_> {
    /// `serve` would serve it, and the monitor login is of use.
    fn is_healthy(&self) -> bool {
        self.missing.is_empty()
            && self.saved.is_empty()
            && !self.documents.iter().any(DocumentFault::is_fatal)
            && self.monitor.is_healthy()
            && self.replicas.are_healthy()
            && self.identities.are_healthy(self.accepted)
            && self
                .examination
                .as_ref()
                .is_ok_and(|found| !found.findings.iter().any(|finding| self.is_open(finding)))
    }

    fn is_open(&self, finding: &Finding) -> bool {
        finding.is_open(&self.entry.run_as.of_entry(), self.accepted)
    }

    fn json(&self) -> String {
        let shown = self.entry.connection.shown();
        let found = match &self.examination {
            Ok(examination) => {
                json!({ "examination": examination, "accepted": self.accepted, "beyond_policy": self.beyond.json() })
            }
            Err(error) => json!({ "error": error }),
        };
        let missing: Vec<String> = self.missing.iter().map(ToString::to_string).collect();
        let notes: Vec<String> = self.missing_notes.iter().map(ToString::to_string).collect();
        let saved: Vec<String> = self.saved.iter().map(ToString::to_string).collect();
        let documents: Vec<String> = self.documents.iter().map(ToString::to_string).collect();
        json!({
            "name": self.entry.name, "connection": shown, "healthy": self.is_healthy(), "found": found,
            "policy": missing, "notes": notes, "saved_queries": saved, "monitor_login": self.monitor.json(),
            "identities": self.identities.json(), "documents": documents,
            "passwords": passwords::json(self.entry), "replicas": self.replicas.json(),
        })
        .to_string()
    }

    fn text(&self) -> String {
        let mut out = format!("{} ({})\n", self.entry.name, self.entry.connection.shown());
        match &self.examination {
            Ok(examination) => self.describe(examination, &mut out),
            Err(error) => line(&mut out, "FAIL", &error.message, error.hint.as_deref()),
        }
        passwords::describe(self.entry, &mut out);
        self.monitor.describe(&mut out);
        self.replicas.describe(&mut out);
        self.identities.describe(self.accepted, &mut out);
        for missing in &self.missing {
            line(&mut out, "FAIL", &missing.to_string(), None);
        }
        for missing in &self.missing_notes {
            line(&mut out, "note", &format!("notes: {missing}"), None);
        }
        for fault in &self.saved {
            line(&mut out, "FAIL", &fault.to_string(), None);
        }
        for fault in &self.documents {
            let (verdict, remedy) = match fault {
                DocumentFault::Missing { .. } => ("FAIL", None),
                DocumentFault::NoIndex { statement, .. } => ("note", Some(statement.as_str())),
            };
            line(&mut out, verdict, &fault.to_string(), remedy);
        }
        out
    }

    fn describe(&self, found: &Examination, out: &mut String) {
        let standby = if found.in_recovery { ", a standby" } else { "" };
        let connected = format!(
            "connected to `{}` as `{}`: PostgreSQL {}{standby}, time zone {}",
            found.database, found.login, found.server_version, found.time_zone
        );
        line(out, "ok", &connected, None);
        match (&found.tls, self.entry.connection.ssl_mode()) {
            (Some(tls), SslMode::VerifyFull) => line(out, "ok", &format!("encrypted by {tls}"), None),
            (Some(tls), mode) => {
                let text =
                    format!("encrypted by {tls}, but `sslmode={}` does not verify the host", mode.word());
                line(
                    out,
                    "note",
                    &text,
                    Some("set `sslmode=verify-full` unless the way to the server is yours"),
                );
            }
            (None, _) if self.entry.connection.is_local() => {
                line(out, "ok", "not encrypted, and on this machine", None);
            }
            (None, _) => {
                let remedy = "set `sslmode=verify-full` unless the way to the server is yours";
                line(out, "note", "not encrypted", Some(remedy));
            }
        }
        if let Some(pooler) = &found.pooler {
            line(out, "note", pooler, Some("`pooler` in the entry says what it is, where this is wrong"));
        }
        for finding in &found.findings {
            self.finding(finding, out);
        }
        if found.findings.is_empty() {
            line(out, "ok", "the login has no power beyond reading", None);
        }
        if let Some(text) = self.beyond.text() {
            line(
                out,
                "note",
                &text,
                Some("`pgwarden policy script --diff` names all, `pgwarden policy script` takes it away"),
            );
        }
    }

    fn finding(&self, finding: &Finding, out: &mut String) {
        let text = format!("{}: {}", finding.name, finding.detail);
        if !self.is_open(finding) {
            line(out, "accepted", &text, Some(&finding.remedy));
            return;
        }
        line(out, "FAIL", &text, Some(&finding.remedy));
        if !finding.is_final(&self.entry.run_as.of_entry()) {
            let _ = writeln!(out, "            or serve nevertheless with `--accept {}`", finding.name);
        }
    }
}

fn line(out: &mut String, verdict: &str, text: &str, remedy: Option<&str>) {
    let _ = writeln!(out, "  {verdict:<8}  {text}");
    if let Some(remedy) = remedy {
        let _ = writeln!(out, "            remedy: {remedy}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::ConnectionSettings;
    use crate::pg::SqlState;

    fn text(findings: &[&str], accepted: &[&str], tls: Option<&str>) -> (String, bool) {
        let connection = ConnectionSettings::parse("postgres://reader:s3cret@db/shop", &|_| None).unwrap();
        let findings = findings.iter().map(|&name| Finding {
            name: name.to_owned(),
            detail: "the login can do everything".to_owned(),
            remedy: "ALTER ROLE reader NOSUPERUSER".to_owned(),
        });
        let examination = Examination {
            database: "shop".to_owned(),
            login: "reader".to_owned(),
            server_version: "15.18".to_owned(),
            server_version_num: 150_018,
            tls: tls.map(str::to_owned),
            time_zone: "UTC".to_owned(),
            server_encoding: "UTF8".to_owned(),
            in_recovery: false,
            pooler: None,
            findings: findings.collect(),
        };
        let accepted = accepted.iter().map(|&name| name.to_owned()).collect();
        let entry = DatabaseEntry::new("shop", connection);
        let report = Report {
            entry: &entry,
            accepted: &accepted,
            examination: Ok(examination),
            beyond: Beyond::default(),
            monitor: MonitorReport::default(),
            replicas: Replicas::default(),
            identities: Identities::default(),
            missing: Vec::new(),
            missing_notes: Vec::new(),
            saved: Vec::new(),
            documents: Vec::new(),
        };
        (report.text(), report.is_healthy())
    }

    #[test]
    fn a_sound_login_is_told_in_few_lines() {
        assert_eq!(
            text(&[], &[], None),
            (
                "shop (reader@db:5432/shop)\n\
                 \x20 ok        connected to `shop` as `reader`: PostgreSQL 15.18, time zone UTC\n\
                 \x20 note      not encrypted\n\
                 \x20           remedy: set `sslmode=verify-full` unless the way to the server is yours\n\
                 \x20 ok        the login has no power beyond reading\n\
                 \x20 ok        the password of `reader` comes from the connection string\n"
                    .to_owned(),
                true
            )
        );
    }

    #[test]
    fn a_way_that_stays_on_the_machine_needs_no_encryption() {
        for (url, local) in [
            ("postgres://u@localhost/d", true),
            ("postgres://u@127.0.0.1/d", true),
            ("postgres://u@/d?host=/run/pg", true),
            ("postgres://u@localhost,db/d", false),
            ("postgres://u@10.0.0.1/d", false),
        ] {
            assert_eq!(ConnectionSettings::parse(url, &|_| None).unwrap().is_local(), local, "{url}");
        }
    }

    #[test]
    fn a_finding_fails_with_its_remedy_until_it_is_accepted_by_name() {
        let (report, healthy) = text(&["superuser"], &["createrole"], Some("TLSv1.3"));
        assert!(!healthy);
        assert!(report.contains("FAIL      superuser: the login can do everything\n"), "{report}");
        assert!(report.contains("remedy: ALTER ROLE reader NOSUPERUSER\n"), "{report}");
        assert!(report.contains("or serve nevertheless with `--accept superuser`"), "{report}");
        assert!(report.contains("`sslmode=prefer` does not verify the host"), "{report}");
        let (report, healthy) = text(&["superuser"], &["superuser"], None);
        assert!(healthy && report.contains("accepted  superuser"), "{report}");
    }

    #[test]
    fn a_database_that_does_not_answer_is_a_failure_with_a_remedy() {
        let connection = ConnectionSettings::parse("postgres://reader:s3cret@db/shop", &|_| None).unwrap();
        let entry = DatabaseEntry::new("shop", connection);
        let error =
            Diagnostic::connection(SqlState::CONNECTION_FAILURE, "no server at `db`").hint("start it");
        let accepted = BTreeSet::new();
        let report = Report {
            entry: &entry,
            accepted: &accepted,
            examination: Err(error),
            beyond: Beyond::default(),
            monitor: MonitorReport::default(),
            replicas: Replicas::default(),
            identities: Identities::default(),
            missing: Vec::new(),
            missing_notes: Vec::new(),
            saved: Vec::new(),
            documents: Vec::new(),
        };
        assert_eq!(
            report.text(),
            "shop (reader@db:5432/shop)\n  FAIL      no server at `db`\n            remedy: start it\n\
             \x20 ok        the password of `reader` comes from the connection string\n"
        );
        assert!(!report.is_healthy() && !report.json().contains("s3cret"));
    }
}
