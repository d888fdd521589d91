//! The program with passwords from files and commands: what it shows of them, at its loudest.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use super::*;
use crate::postgres::cli::program;

const CANARY: &str = "kanari-5d21-password";
const KEY: &str = "0b5e55ed0b5e55ed0b5e55ed0b5e55ed0b5e55ed0b5e55ed0b5e55ed0b5e55ed";

/// Its status and all that it says on both streams.
fn loud(ground: &Ground, words: &[&str]) -> (i32, String) {
    let config = ground.path("pgwarden.toml").display().to_string();
    let mut command = program(&[words, &["--config", &config]].concat());
    command
        .env("PGWARDEN_LOG", "trace")
        .env("PGWARDEN_STORE_KEY", KEY)
        .env("PGPASSWORD", "kanari-of-another");
    command.env("CREDENTIALS_DIRECTORY", ground.folder.path()).env("AWS_PROFILE", "reporting");
    let ended = command.output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn the_password_is_in_nothing_that_the_program_says() {
    let ground = ground(CANARY).await;
    let admin = ground.database.admin().await;
    let monitor = ground
        .database
        .create_role("monitor", &format!("LOGIN PASSWORD '{CANARY}' IN ROLE asked, pg_monitor"))
        .await;
    ground.write("shop", &format!("{CANARY}\n"));
    let seen = ground.path("environment").display().to_string();
    let mint = ground.script("mint", &format!("env > {seen}\necho token {CANARY} of $1 >&2\necho {CANARY}"));
    let failing = ground.script("failing", &format!("echo {CANARY}\necho 'no {CANARY} today' >&2\nexit 9"));
    let config = |command: &Path, more: &str| {
        let text = format!(
            "[metrics]\nlisten = \"127.0.0.1:0\"\n[databases.shop]\nurl = \"{}\"\npassword_file = \"credential:shop\"\n\
             monitor_login = \"{}\"\nmonitor_password_command = [\"{}\", \"shop\"]\n{more}",
            ground.url(),
            ground.database.url(&monitor),
            command.display(),
        );
        fs::write(ground.path("pgwarden.toml"), text).unwrap();
    };
    config(&mint, "");
    let (status, said) = loud(&ground, &["doctor"]);
    assert_eq!(status, 0, "{said}");
    let from = format!("the password of `{}` comes from `{}`", ground.login, ground.path("shop").display());
    assert!(said.contains(&from), "{said}");
    assert!(
        said.contains(&format!("the password of `{monitor}` comes from program `{}`", mint.display())),
        "{said}"
    );
    let (_, json) = loud(&ground, &["doctor", "--json"]);
    let json: Value = json.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap();
    assert_eq!(json["passwords"][1]["login"], monitor.as_str(), "{json}");
    let environment = fs::read_to_string(&seen).unwrap();
    assert!(environment.contains("AWS_PROFILE=reporting"));
    for hidden in ["PGWARDEN_", "PGPASSWORD", KEY] {
        assert!(!environment.contains(hidden), "the program sees {hidden}");
    }
    let (status, checked) = loud(&ground, &["check", "SELECT id FROM shop.orders"]);
    assert_eq!(status, 0, "{checked}");
    let serving = serving(&ground).await;
    config(&failing, "");
    let (status, failed) = loud(&ground, &["doctor"]);
    assert_eq!(status, 1, "{failed}");
    assert!(failed.contains("gave no password: no .. today"), "{failed}");
    assert!(failed.contains("failed: exit status: 9"), "{failed}");
    admin.batch_execute(&format!("ALTER ROLE {} PASSWORD 'another'", ground.login)).await.unwrap();
    let (status, refused) = loud(&ground, &["doctor"]);
    assert!(status == 1 && refused.contains("password authentication failed"), "{refused}");
    for said in [said, json.to_string(), checked, serving, failed, refused] {
        for secret in [CANARY, KEY, "kanari-of-another"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

/// What a server writes, and its metrics.
async fn serving(ground: &Ground) -> String {
    let config = ground.path("pgwarden.toml").display().to_string();
    let mut command = program(&["serve", "--listen", "127.0.0.1:0", "--config", &config]);
    command
        .env("PGWARDEN_LOG", "trace")
        .env("NO_COLOR", "1")
        .env("CREDENTIALS_DIRECTORY", ground.folder.path());
    let log = fs::File::create(ground.path("log")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let told = || fs::read_to_string(ground.path("log")).unwrap();
    let metrics = crate::support::until("the database is ready", async || {
        let log = told();
        let ready = log.contains("database `shop` is ready");
        let metrics = log.split_once("metrics on ")?.1.split_whitespace().next()?.to_owned();
        ready.then_some(metrics)
    })
    .await;
    let page = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
    assert!(page.contains("pgwarden_build_info"), "{page}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    page + &out + &told()
}
