//! Every key, and every message.

use std::path::Path;
use std::time::Duration;

use super::read;
use crate::config::{AuthMethod, Config, Limits, NoticeChanges, Sessions};
use crate::db::ConnectionSettings;
use crate::db::Pooler;

fn parse(text: &str) -> Result<Config, String> {
    read(text, Path::new("conf/pgwarden.toml"), &|_| None).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn an_empty_file_is_all_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.limits, Limits::default());
    assert!(config.auth.methods.iter().eq([&AuthMethod::None]));
    assert!(config.databases.is_empty() && config.server.listen.is_none());
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [server]
        listen = "127.0.0.1:8432"
        allowed_hosts = ["db.example.com"]
        allowed_origins = ["https://example.com"]
        sessions = "stateless"
        [auth]
        methods = ["tokens"]
        subject = "ada"
        tokens_file = "tokens"
        [limits]
        rows = 500
        characters = 100_000
        field_characters = 0x100
        seconds = 30
        [databases.shop]
        url = "postgres://reader:s3cret@localhost:5433/shop"
        monitor_login = "postgres://watcher:s3cret@localhost:5433/shop"
        policy = "shop.toml"
        queries = "shop.queries.toml"
        search_path = ["shop", "public"]
        timezone = "Europe/Berlin"
        accept = ["superuser", "owner:shop.orders"]
        pool_size = 4
        notice_changes = "off"
        pooler = "transaction"
        [databases.archive]
        url = "postgres://reader@localhost/archive"
        "#,
    )
    .unwrap();
    assert_eq!(config.server.listen.as_deref(), Some("127.0.0.1:8432"));
    assert_eq!(config.server.allowed_hosts, ["db.example.com"]);
    assert_eq!(config.server.allowed_origins, ["https://example.com"]);
    assert_eq!(config.server.sessions, Sessions::Stateless);
    assert!(config.auth.methods.iter().eq([&AuthMethod::Tokens]));
    assert_eq!(config.auth.subject.as_deref(), Some("ada"));
    assert_eq!(config.auth.tokens_file.as_deref(), Some(Path::new("conf/tokens")));
    assert_eq!(config.limits, Limits { rows: 500, characters: 100_000, field_characters: 256, seconds: 30 });
    let names: Vec<&str> = config.databases.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["shop", "archive"], "in the order of the file");
    let shop = &config.databases[0];
    assert_eq!(shop.policy.as_deref(), Some(Path::new("conf/shop.toml")));
    assert_eq!(shop.queries.as_deref(), Some(Path::new("conf/shop.queries.toml")));
    assert_eq!(shop.search_path.as_deref(), Some(&["shop".to_owned(), "public".to_owned()][..]));
    assert_eq!(shop.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(shop.pool_size, Some(4));
    assert_eq!(shop.notice_changes, NoticeChanges::Off);
    assert_eq!(shop.connection.pooler(), Pooler::Transaction);
    let accepted: Vec<&str> = shop.accept.iter().map(super::AcceptedFinding::as_str).collect();
    assert_eq!(accepted, ["owner:shop.orders", "superuser"]);
    assert_eq!(shop.connection.shown(), "reader@localhost:5433/shop");
    assert_eq!(shop.monitor_login.as_ref().unwrap().shown(), "watcher@localhost:5433/shop");
    assert!(config.databases[1].monitor_login.is_none());
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn the_monitor_login_is_another_login_to_the_same_database() {
    let refusal = |monitor: &str| {
        refusal(&format!("[databases.shop]\nurl = \"postgres://u@h/d\"\nmonitor_login = \"{monitor}\"\n"))
    };
    assert_eq!(
        refusal("postgres://u:s3cret@h/d"),
        "conf/pgwarden.toml:3:17: `monitor_login` logs in as `u`, as `url` does\n\
         hint: make a login of its own: CREATE ROLE u_monitor LOGIN IN ROLE pg_monitor"
    );
    assert_eq!(
        refusal("postgres://m:s3cret@h/other"),
        "conf/pgwarden.toml:3:17: `monitor_login` is for database `other`, and `url` for `d`"
    );
}

#[test]
fn an_unknown_key_is_fatal_with_its_place_and_a_suggestion() {
    assert_eq!(
        refusal("[limits]\nrows = 1\n  charakters = 5000\n"),
        "conf/pgwarden.toml:3:3: unknown key `charakters` in `[limits]`\nhint: did you mean `characters`?"
    );
    assert_eq!(
        refusal("[databases.shop]\nurl = \"postgres://u@h/d\"\npolcy = \"x\"\n"),
        "conf/pgwarden.toml:3:1: unknown key `polcy` in `[databases.shop]`\nhint: did you mean `policy`?"
    );
    assert_eq!(
        refusal("[sever]\nlisten = \"x\"\n"),
        "conf/pgwarden.toml:1:2: unknown key `sever`\nhint: did you mean `server`?"
    );
    assert_eq!(
        refusal("[auth]\npassword = 1\n"),
        "conf/pgwarden.toml:2:1: unknown key `password` in `[auth]`\nhint: known here: tokens_file, external, embedded, methods, subject, claims"
    );
}

#[test]
fn a_duplicate_key_is_fatal() {
    assert_eq!(refusal("[limits]\nrows = 1\nrows = 2\n"), "conf/pgwarden.toml:3:1: duplicate key");
    assert_eq!(refusal("[limits]\nrows = 1\n[server]\n[limits]\n"), "conf/pgwarden.toml:4:2: duplicate key");
}

#[test]
fn a_file_that_is_no_toml_is_fatal_with_its_place() {
    let message = refusal("[limits]\nrows = \n");
    assert!(message.starts_with("conf/pgwarden.toml:2:"), "{message}");
    let message = refusal("[limits\nrows = 1\n");
    assert!(message.starts_with("conf/pgwarden.toml:1:8: "), "{message}");
}

#[test]
fn a_value_of_the_wrong_kind_or_size_is_fatal() {
    let rows = [
        ("[limits]\nrows = \"many\"", "2:8: `rows` is a string, an integer was expected"),
        ("[limits]\nrows = 0", "2:8: `rows` is out of range: 1 to 10000000"),
        ("[limits]\nrows = -1", "2:8: `rows` is out of range: 1 to 10000000"),
        ("[limits]\nseconds = 99999999999999999999", "2:11: `seconds` is out of range: 1 to 86400"),
        ("[limits]\ncharacters = 10", "2:14: `characters` is out of range: 2000 to 10000000"),
        ("[limits]\nrows = 1.5", "2:8: `rows` is a float, an integer was expected"),
        ("[server]\nlisten = 8080", "2:10: `listen` is an integer, a string was expected"),
        (
            "[server]\nallowed_hosts = \"x\"",
            "2:17: `allowed_hosts` is a string, an array of strings was expected",
        ),
        ("[server]\nallowed_hosts = [1]", "2:18: `allowed_hosts` is an integer, a string was expected"),
        ("limits = 3", "1:10: `limits` is an integer, a table was expected"),
        ("databases.shop = true", "1:18: `databases.shop` is a boolean, a table was expected"),
        (
            "[server]\nlisten = \"8080\"",
            "2:10: `listen` is `8080`, host and port were expected\nhint: as in `127.0.0.1:8432`",
        ),
        (
            "[auth]\nmethods = [\"token\"]",
            "2:12: `methods` names an unknown method `token`\nhint: did you mean `tokens`?",
        ),
        (
            "[databases.\"a b\"]",
            "1:12: `a b` is no name for an entry\nhint: letters, digits, `_` and `-`, at most 63",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(refusal(text), format!("conf/pgwarden.toml:{expected}"));
    }
}

#[test]
fn a_tokens_file_is_never_left_unasked() {
    let config = parse("[auth]\ntokens_file = \"t\"\n").unwrap();
    assert!(config.auth.methods.iter().eq([&AuthMethod::Tokens]));
    assert_eq!(
        refusal("[auth]\nmethods = [\"none\"]\ntokens_file = \"t\"\n"),
        "conf/pgwarden.toml:2:11: `methods` lacks `tokens`, and a `tokens_file` is named"
    );
    // The file may come by a flag: `serve` asks for it.
    assert!(parse("[auth]\nmethods = [\"tokens\"]\n").unwrap().auth.methods.contains(&AuthMethod::Tokens));
}

#[test]
fn an_unknown_finding_is_fatal_with_a_suggestion() {
    assert_eq!(
        refusal("[databases.shop]\nurl = \"postgres://u@h/d\"\naccept = [\"bypasrls\"]\n"),
        "conf/pgwarden.toml:3:11: `accept` names an unknown finding `bypasrls`\nhint: did you mean `bypassrls`?"
    );
}

#[test]
fn a_bad_url_is_fatal_at_its_place_and_never_quotes_the_password() {
    let message = refusal("[databases.shop]\nurl = \"postgres://u:hunter2@h/d?sslmode=sometimes\"\n");
    assert!(message.starts_with("conf/pgwarden.toml:2:7: `url` cannot be used: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn columns_are_counted_in_characters() {
    assert_eq!(
        refusal("server = { listen = \"ä:1\", x = 1 }"),
        "conf/pgwarden.toml:1:28: unknown key `x` in `[server]`\nhint: known here: listen, public_url, trusted_proxies, plain_http_from, allowed_hosts, allowed_origins, sessions, control_directory, tls"
    );
}

#[test]
fn policies_are_mapped_to_callers_in_the_order_of_the_file() {
    let text = "[auth]\nclaims = { role = \"analyst\" }\n[databases.shop]\nurl = \"postgres://u@h/d\"\n\
        policy = \"others.toml\"\n[[databases.shop.policies]]\nwhen = { role = \"support\" }\npolicy = \"s.toml\"\n\
        [[databases.shop.policies]]\nwhen = { group = \"a\", client = \"b\" }\npolicy = \"g.toml\"\n";
    let config = read(text, Path::new("conf/pgwarden.toml"), &|_| None).unwrap();
    assert_eq!(config.auth.claims["role"], "analyst");
    let shop = &config.databases[0];
    let files: Vec<&str> = shop.policies.iter().map(|mapped| mapped.policy.to_str().unwrap()).collect();
    assert_eq!(files, ["conf/s.toml", "conf/g.toml"]);
    assert_eq!(shop.policy.as_deref(), Some(Path::new("conf/others.toml")));
}

#[test]
fn a_mapping_that_asks_nothing_or_names_no_policy_is_refused() {
    let refused = |mapping: &str| {
        let text = format!("[databases.shop]\nurl = \"postgres://u@h/d\"\n{mapping}\n");
        read(&text, Path::new("p.toml"), &|_| None).unwrap_err().to_string()
    };
    for (mapping, expected) in [
        ("[[databases.shop.policies]]\nwhen = {}\npolicy = \"s.toml\"", "p.toml:4:8: `when` asks nothing"),
        ("[[databases.shop.policies]]\npolicy = \"s.toml\"", "`databases.shop.policies` has no `when`"),
        ("[[databases.shop.policies]]\nwhen = { role = \"s\" }", "`databases.shop.policies` has no `policy`"),
        (
            "[[databases.shop.policies]]\nwhen = { role = 1 }\npolicy = \"s\"",
            "`when` is an integer, a string",
        ),
        (
            "[[databases.shop.policies]]\nwehn = {}\nwhen = { a = \"s\" }\npolicy = \"s\"",
            "unknown key `wehn`",
        ),
        ("policies = \"s.toml\"", "`policies` is a string, an array of tables was expected"),
    ] {
        assert!(refused(mapping).contains(expected), "{}", refused(mapping));
    }
}

#[test]
fn tasks_are_bounded_by_their_table() {
    let config = parse(
        "[tasks]\nrunning = 3\nrunning_per_caller = 2\nstored_megabytes = 10\nttl_seconds = 60\ntask_after_ms = 250\n\
         handle_after_ms = 900\ndrain_seconds = 0\n\
         [store]\nkey_file = \"key\"\nurl = \"postgresql://pgwarden@127.0.0.1/tasks\"\n",
    )
    .unwrap();
    let settings = &config.tasks.settings;
    assert_eq!((settings.running, settings.running_per_owner, settings.open), (3, 2, 20_000));
    assert_eq!(settings.stored_bytes, 10 * 1024 * 1024);
    assert_eq!(settings.ttl, Duration::from_secs(60));
    assert_eq!(settings.task_after, Duration::from_millis(250));
    assert_eq!(config.store.key_file.as_deref(), Some(Path::new("conf/key")));
    assert!(config.store.connection.is_some());
    assert_eq!(config.tasks.drain, Some(Duration::ZERO));
    assert!(refusal("[tasks]\nrunning = 0").contains("`running` is out of range"));
    assert!(refusal("[tasks]\nhandle_after_ms = 60000").contains("1 to 50000"));
}

#[test]
fn investigations_are_bounded_as_their_page_shows() {
    let page = include_str!("../../../docs/INVESTIGATE.md");
    let table = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(parse(table).unwrap().investigate, crate::mcp::InvestigateBounds::default());
    let bounds = parse("[investigate]\nrounds = 3\nseconds = 5\ntokens = 900\n").unwrap().investigate;
    assert_eq!((bounds.rounds, bounds.time, bounds.tokens), (3, Duration::from_secs(5), 900));
    assert!(refusal("[investigate]\nrounds = 0").contains("`rounds` is out of range"));
    assert!(refusal("[investigate]\nround = 3").contains("round"));
}

#[test]
fn what_the_page_on_tasks_shows_can_be_configured() {
    let page = include_str!("../../../docs/TASKS.md");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        parse(block).unwrap();
    }
}

#[test]
fn passwords_are_in_files_or_printed_by_programs() {
    let text = "
        [store]\nurl = 'postgresql://pgwarden@127.0.0.1/tasks'\npassword_file = '/etc/pgwarden/store'\nkey_file = 'credential:key'
        [databases.shop]\nurl = 'postgresql://reader@db/shop'\npassword_file = 'credential:shop'
        monitor_login = 'postgresql://watch@db/shop'
        monitor_password_command = ['/usr/bin/mint', 'watch']\nmonitor_password_lifetime_seconds = 60
        [[databases.shop.policies]]\nwhen = { team = 'support' }\npolicy = 'support.toml'
        login = 'postgresql://support@db/shop'\npassword_file = 'support.password'\n";
    let credentials =
        |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| "/run/credentials/pgwarden".to_owned());
    let config = read(text, Path::new("conf/pgwarden.toml"), &credentials).unwrap();
    let shop = &config.databases[0];
    let from = |connection: &ConnectionSettings| connection.password_from().to_string();
    assert_eq!(from(&shop.connection), "`/run/credentials/pgwarden/shop`");
    assert_eq!(from(shop.monitor_login.as_ref().unwrap()), "program `/usr/bin/mint`");
    assert_eq!(from(shop.policies[0].login.as_ref().unwrap()), "`conf/support.password`");
    assert_eq!(from(config.store.connection.as_ref().unwrap()), "`/etc/pgwarden/store`");
    assert_eq!(config.store.key_file.as_deref(), Some(Path::new("/run/credentials/pgwarden/key")));
    // A caller's own login never has the password of the entry.
    let of = |name: &str| (name == "PGPASSWORD").then(|| "of-the-environment".to_owned());
    let config = read(
        "[databases.shop]\nurl = 'postgresql://reader@db/shop'\npassword_file = 'p'\n",
        Path::new("c.toml"),
        &of,
    );
    assert_eq!(from(&config.unwrap().databases[0].connection), "`p`");
    for (keys, fault) in [
        (
            "password_file = 'a'\npassword_command = ['/b']",
            "3:20: `password_command` stands beside `password_file`: one of them",
        ),
        ("password_command = []", "2:20: `password_command` names no program"),
        (
            "password_command = ['mint']",
            "2:20: `password_command` does not begin with the absolute path of a program",
        ),
        ("password_lifetime_seconds = 9", "2:29: `password_lifetime_seconds` is for a `password_command`"),
        (
            "password_command = ['/b']\npassword_lifetime_seconds = 0",
            "3:29: `password_lifetime_seconds` is out of range: 1 to 86400",
        ),
        (
            "password_file = 'credential:shop'",
            "2:17: `password_file` names the credential `shop`, and CREDENTIALS_DIRECTORY is not set",
        ),
        ("password_file = 'credential:../shop'", "2:17: `password_file` names no credential"),
        (
            "url = 'postgresql://u:kanari@db/d'\npassword_file = 'p'",
            "1:1: `databases.shop` has a password in its `url`, and a `password_file` or `password_command`",
        ),
        (
            "monitor_password_file = 'p'",
            "1:1: `databases.shop` has a `monitor_password_file` or `monitor_password_command`, and no `monitor_login`",
        ),
    ] {
        let url = if keys.starts_with("url") { "" } else { "\nurl = 'postgresql://u@db/d'" };
        let refused = refusal(&format!("[databases.shop]\n{keys}{url}\n"));
        assert!(refused.starts_with(&format!("conf/pgwarden.toml:{fault}")), "{keys}: {refused}");
        assert!(!refused.contains("kanari"), "{refused}");
    }
}
