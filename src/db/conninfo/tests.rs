use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn parse(conninfo: &str, variables: &[(&str, &str)]) -> Result<ConnectionSettings, ConninfoError> {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ConnectionSettings::parse(conninfo, &|name| variables.get(name).cloned())
}

fn parsed(conninfo: &str) -> ConnectionSettings {
    parse(conninfo, &[]).unwrap()
}

fn refused(conninfo: &str) -> ConninfoError {
    parse(conninfo, &[("USER", "ada")]).unwrap_err()
}

#[test]
fn a_url_and_a_keyword_string_say_the_same() {
    let url = parsed("postgres://ada:s%40cret@db.example:6432/shop?sslmode=disable&connect_timeout=7");
    let words = parsed(
        "host=db.example port=6432 user=ada password='s@cret' dbname=shop sslmode=disable connect_timeout=7",
    );
    assert_eq!(url, words);
    assert_eq!(url.shown(), "ada@db.example:6432/shop");
    assert_eq!(url.connect_timeout, Duration::from_secs(7));
    assert_eq!(url.passwords[0].as_ref().unwrap().reveal(), "s@cret");
}

#[test]
fn the_environment_fills_what_the_string_leaves_out() {
    let env = [
        ("PGHOST", "db.example"),
        ("PGPORT", "6432"),
        ("PGUSER", "ada"),
        ("PGPASSWORD", "secret"),
        ("PGDATABASE", "shop"),
        ("PGSSLMODE", "require"),
        ("PGAPPNAME", "reports"),
        ("PGCONNECT_TIMEOUT", "3"),
    ];
    let settings = parse("", &env).unwrap();
    assert_eq!(settings.shown(), "ada@db.example:6432/shop");
    assert_eq!(settings.ssl_mode(), SslMode::Require);
    assert_eq!(settings.application_name, "reports");
    assert_eq!(settings.connect_timeout, Duration::from_secs(3));
    let overridden = parse("postgres://bob@other/x?sslmode=disable", &env).unwrap();
    assert_eq!(overridden.shown(), "bob@other:6432/x");
    assert_eq!(overridden.ssl_mode(), SslMode::Disable);
}

#[test]
fn what_is_given_nowhere_is_as_in_libpq() {
    let settings = parse("host=db.example", &[("USER", "ada")]).unwrap();
    assert_eq!(settings.shown(), "ada@db.example:5432/ada");
    assert_eq!(settings.ssl_mode(), SslMode::Prefer);
    assert_eq!(settings.application_name, "pgwarden");
    assert_eq!(refused("host=x port=0").message, "`port` is not a number from 1 to 65535");
    assert_eq!(parse("host=x", &[]).unwrap_err().message, "no user name is given");
}

#[test]
fn several_hosts_are_tried_in_order() {
    let settings = parsed("postgres://ada@one:1,two,[::1]:3/shop?target_session_attrs=read-only");
    let shown: Vec<String> = settings.hosts.iter().map(Host::shown).collect();
    assert_eq!(shown, ["one:1", "two:5432", "[::1]:3"]);
    assert_eq!(settings.target, TargetSession::ReadOnly);
    assert_eq!(
        refused("host=a,b hostaddr=::1").message,
        "`host` and `hostaddr` list different numbers of hosts"
    );
}

#[test]
fn a_socket_directory_is_a_host() {
    let settings = parsed("postgres://ada@%2Fvar%2Frun%2Fpg/shop");
    assert_eq!(settings.hosts[0].name, HostName::Unix(PathBuf::from("/var/run/pg")));
    assert_eq!(parsed("host=/var/run/pg user=ada dbname=shop"), settings);
}

#[test]
fn an_unknown_parameter_is_named_with_the_one_that_was_meant() {
    let error = refused("host=x sslmod=require");
    assert_eq!(error.message, "unknown connection parameter `sslmod`");
    assert_eq!(error.hint.as_deref(), Some("did you mean `sslmode`?"));
    assert_eq!(refused("postgres://x/y?sslmod=require"), error);
    assert_eq!(refused("host=x sslmode=verifyfull").hint.as_deref(), Some("did you mean `verify-full`?"));
    assert_eq!(refused("host=x host=y").message, "connection parameter `host` is given twice");
}

#[test]
fn what_libpq_knows_and_we_do_not_is_said_so() {
    assert_eq!(refused("service=shop").message, "connection parameter `service` is not supported");
    let error = parse("host=x user=y", &[("PGSERVICE", "shop")]).unwrap_err();
    assert_eq!(error.message, "environment variable `PGSERVICE` is not supported");
    assert_eq!(parsed("host=x user=y gssencmode=disable"), parsed("host=x user=y"));
    assert_eq!(
        refused("host=x client_encoding=latin1").message,
        "`client_encoding` `latin1` is not supported"
    );
}

#[test]
fn no_message_and_no_debug_shows_a_password() {
    let broken = [
        "postgres://ada:hun%ter2@x/y",
        "postgres://ada:hunter2@x@y/z",
        "postgres://ada:hun/ter2@x/y",
        "host=x password=hun ter2",
        "host=x password='hunter2",
        "host=x Passwort_ist_hunter2=1",
        "postgres://ada:hunter2@x:port/y",
        "postgres://ada:hunter2@x/y?sslmod=1",
    ];
    for conninfo in broken {
        let error = refused(conninfo);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("ter2"), "{conninfo}: {shown}");
    }
    let settings = parsed("postgres://ada:hunter2@x/y");
    assert!(!format!("{settings} {settings:?}").contains("hunter2"));
}

#[test]
fn tls_files_and_modes_hang_together() {
    let files = parsed("host=x user=y sslmode=verify-ca sslrootcert=/r.crt sslcert=/c.crt sslkey=/c.key");
    assert_eq!(files.tls.roots, Some(RootCertificates::File("/r.crt".into())));
    assert_eq!(files.tls.client, Some(("/c.crt".into(), "/c.key".into())));
    assert_eq!(refused("host=x sslmode=verify-ca").message, "`sslmode=verify-ca` needs a root certificate");
    assert_eq!(parsed("host=x user=y sslrootcert=system").ssl_mode(), SslMode::VerifyFull);
    assert_eq!(
        refused("host=x sslrootcert=system sslmode=require").hint.as_deref(),
        Some("use `sslmode=verify-full`")
    );
    assert_eq!(refused("host=x sslcert=/c.crt").message, "`sslcert` is given without a key");
    assert_eq!(parsed("postgres://y@x/?ssl=true").ssl_mode(), SslMode::Require);
}

#[test]
fn the_password_file_gives_the_first_line_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".pgpass");
    std::fs::write(
        &file,
        "# mine\ndb.example:5432:shop:bob:not mine\ndb.example:*:shop:ada:a\\:b\\\\c\n*:*:*:*:any\n",
    )
    .unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let home = [("HOME", folder.path().to_str().unwrap())];
    let password = |conninfo: &str| {
        let settings = parse(conninfo, &home).unwrap();
        settings.passwords[0].as_ref().map(|password| password.reveal().to_owned())
    };
    assert_eq!(password("postgres://ada@db.example/shop").as_deref(), Some("a:b\\c"));
    assert_eq!(password("postgres://eve@elsewhere/shop").as_deref(), Some("any"));
    assert_eq!(password("postgres://ada:given@db.example/shop").as_deref(), Some("given"));
    let named = parse("postgres://ada@db.example/shop", &[("PGPASSFILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(named.passwords[0].as_ref().unwrap().reveal(), "a:b\\c");
}

#[test]
fn a_password_file_that_others_can_read_is_passed_over_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".pgpass");
    std::fs::write(&file, "*:*:*:*:any\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let settings = parse("postgres://ada@x/y", &[("HOME", folder.path().to_str().unwrap())]).unwrap();
    assert_eq!(settings.passwords, [None]);
    assert!(settings.passfile_note.unwrap().ends_with("can be read by others: `chmod 0600` it"));
    assert!(passfile::read(Path::new("/nowhere/.pgpass")).unwrap().is_none());
}

/// The entry's password is not a caller's: who has none of their own logs in with none.
#[test]
fn another_login_never_has_the_passwords_that_are_asked_for() {
    let passwords = Passwords::of_file("/nowhere".into());
    let settings = parse("postgres://reader@db/shop", &[]).unwrap().with_passwords(passwords);
    assert_eq!(settings.password_from().to_string(), "`/nowhere`");
    for password in [None, Some("own")] {
        let own = settings.for_login("ada", password);
        assert_eq!(*own.password_from(), PasswordFrom::Nowhere);
        assert_eq!(own.passwords, [password.map(Password::new)]);
    }
    for (conninfo, variable, from) in [
        ("postgres://u:p@x/y", "PGPASSWORD", "the connection string"),
        ("postgres://u@x/y", "PGPASSWORD", "PGPASSWORD"),
        ("postgres://u@x/y", "PGHOST", "nowhere"),
    ] {
        assert_eq!(parse(conninfo, &[(variable, "canary")]).unwrap().password_from().to_string(), from);
    }
}
