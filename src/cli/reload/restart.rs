//! What cannot become another while the server runs: the sockets that it holds, who is let in, and where things are kept.

use crate::config::{AuditLog, Config, DatabaseEntry, Server, Store, Tasks};
use crate::gateway::RunAs;

/// Something that is not what the process began with.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub(super) section: String,
    /// Where not the whole section is meant.
    pub(super) key: Option<&'static str>,
}

impl Held {
    /// `[server] listen`.
    pub(super) fn shown(&self) -> String {
        let key = self.key.map(|key| format!(" {key}")).unwrap_or_default();
        format!("`[{}]{key}`", self.section)
    }
}

/// Everything of `now` that holds from a start only.
pub(super) fn needed(started: &Config, now: &Config) -> Vec<Held> {
    // What is named here and not compared, is taken while the server runs.
    let Config {
        server,
        auth,
        limits: _,
        store,
        tasks,
        investigate,
        tools: _,
        audit,
        metrics,
        tracing,
        operations,
        databases,
    } = now;
    let mut held = of_server(&started.server, server);
    let sections = [
        ("auth", *auth == started.auth),
        ("store", is_same_store(&started.store, store)),
        ("tasks", is_same_tasks(&started.tasks, tasks)),
        ("investigate", *investigate == started.investigate),
        ("audit", is_same_audit(started.audit.as_ref(), audit.as_ref())),
        ("metrics", *metrics == started.metrics),
        ("tracing", *tracing == started.tracing),
        ("operations", *operations == started.operations),
    ];
    let others = sections.into_iter().filter(|(_, is_same)| !is_same);
    held.extend(others.map(|(section, _)| Held { section: section.to_owned(), key: None }));
    held.extend(of_logins(started, databases));
    held
}

fn of_server(started: &Server, now: &Server) -> Vec<Held> {
    let Server {
        listen,
        public_url,
        tls,
        trusted_proxies,
        plain_http_from,
        allowed_hosts: _,
        allowed_origins: _,
        sessions,
        control_directory,
    } = now;
    let keys = [
        ("listen", *listen == started.listen),
        ("public_url", *public_url == started.public_url),
        ("tls", *tls == started.tls),
        ("trusted_proxies", *trusted_proxies == started.trusted_proxies),
        ("plain_http_from", *plain_http_from == started.plain_http_from),
        ("sessions", *sessions == started.sessions),
        ("control_directory", *control_directory == started.control_directory),
    ];
    let others = keys.into_iter().filter(|(_, is_same)| !is_same);
    others.map(|(key, _)| Held { section: "server".to_owned(), key: Some(key) }).collect()
}

fn is_same_store(started: &Store, now: &Store) -> bool {
    // `connection` has `passwords` already.
    let Store { connection, passwords: _, key_file } = now;
    *connection == started.connection && *key_file == started.key_file
}

fn is_same_audit(started: Option<&AuditLog>, now: Option<&AuditLog>) -> bool {
    let held = |audit: &AuditLog| {
        let AuditLog { to, statements: _, required, key_file } = audit;
        (to.clone(), *required, key_file.clone())
    };
    started.map(held) == now.map(held)
}

fn is_same_tasks(started: &Tasks, now: &Tasks) -> bool {
    let Tasks { settings, heartbeat, drain } = now;
    *settings == started.settings && *heartbeat == started.heartbeat && *drain == started.drain
}

/// Where people prove PostgreSQL logins to pgwarden, it is settled at the start where they do, and which are its own: those
/// nobody else may be.
fn of_logins(started: &Config, now: &[DatabaseEntry]) -> Vec<Held> {
    let is_proved = |entry: &DatabaseEntry| matches!(entry.run_as, RunAs::OwnLogin(_));
    if started.auth.embedded.is_none() && !started.databases.iter().chain(now).any(is_proved) {
        return Vec::new();
    }
    let logins = |entry: &DatabaseEntry| {
        let of_policies: Vec<_> = entry.policies.iter().map(|mapped| mapped.login.clone()).collect();
        (entry.connection.clone(), entry.monitor_login.clone(), of_policies, is_proved(entry))
    };
    let find = |all: &[DatabaseEntry], name: &str| all.iter().find(|entry| entry.name == name).map(logins);
    let mut names: Vec<&str> =
        now.iter().chain(&started.databases).map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let others = names.into_iter().filter(|name| find(now, name) != find(&started.databases, name));
    others.map(|name| Held { section: format!("databases.{name}"), key: None }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::read;

    const START: &str = "[databases.shop]\nurl = \"postgres://r@h/shop\"\n";

    fn config(text: &str) -> Config {
        read(text, Path::new("pgwarden.toml"), &|_| None).unwrap()
    }

    fn held(text: &str) -> Vec<String> {
        needed(&config(START), &config(text)).iter().map(Held::shown).collect()
    }

    #[test]
    fn what_holds_from_a_start_only_is_named_and_nothing_else_is() {
        for (more, expected) in [
            (
                "[server]\nlisten = \"127.0.0.1:1\"\nsessions = \"stateless\"\n",
                &["`[server] listen`", "`[server] sessions`"][..],
            ),
            ("[server.tls]\ncert_file = \"c\"\nkey_file = \"k\"\n", &["`[server] tls`"]),
            ("[server]\ntrusted_proxies = [\"10.0.0.1\"]\n", &["`[server] trusted_proxies`"]),
            ("[auth]\nsubject = \"ann\"\n", &["`[auth]`"]),
            ("[store]\nkey_file = \"k\"\n", &["`[store]`"]),
            ("[tasks]\nrunning = 3\n", &["`[tasks]`"]),
            ("[metrics]\nlisten = \"127.0.0.1:1\"\n", &["`[metrics]`"]),
            ("[audit]\nfile = \"a\"\n", &["`[audit]`"]),
            (
                "[server]\nallowed_hosts = [\"a\"]\n[limits]\nrows = 3\n[tools]\nsearch_and_fetch = true\n",
                &[],
            ),
            ("[databases.more]\nurl = \"postgres://r@h/more\"\n", &[]),
        ] {
            assert_eq!(held(&format!("{START}{more}")), expected, "{more}");
        }
        assert_eq!(held("[databases.shop]\nurl = \"postgres://other@h/shop\"\npool_size = 3\n"), [""; 0]);
    }

    #[test]
    fn how_much_of_statements_is_recorded_is_no_reason() {
        let audit =
            |statements: &str| format!("{START}[audit]\nfile = \"a\"\nstatements = \"{statements}\"\n");
        let (before, now) = (config(&audit("redacted")), config(&audit("none")));
        assert!(needed(&before, &now).is_empty());
    }

    #[test]
    fn where_people_prove_logins_those_of_pgwarden_stay() {
        let own = START.to_owned() + "run_as = \"own_login\"\n";
        let needed =
            |now: &str| needed(&config(&own), &config(now)).iter().map(Held::shown).collect::<Vec<_>>();
        assert_eq!(needed(&own.replace("//r@", "//boss@")), ["`[databases.shop]`"]);
        assert_eq!(needed(START), ["`[databases.shop]`"]);
        assert_eq!(
            needed(&format!("{own}[databases.more]\nurl = \"postgres://r@h/more\"\n")),
            ["`[databases.more]`"]
        );
        assert_eq!(needed(&format!("{own}pool_size = 3\n")), [""; 0]);
    }
}
