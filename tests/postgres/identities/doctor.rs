//! `pgwarden doctor` looks at every identity that the configuration names.

use std::fs;
use std::process::{Command, Output};

use super::Office;

fn doctor(config: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgwarden.toml");
    fs::write(&file, config).unwrap();
    fs::write(
        folder.path().join("open.toml"),
        "version = 1\ninclude = []\n[[allow]]\nselect = [\"app.*\"]\n",
    )
    .unwrap();
    Command::new(env!("CARGO_BIN_EXE_pgwarden"))
        .args(["doctor", "--config", file.to_str().unwrap()])
        .env_clear()
        .output()
        .unwrap()
}

#[tokio::test]
async fn each_role_and_each_login_of_a_policy_is_examined() {
    let office = Office::open().await;
    let helper = office.database.create_role("helper", &format!("LOGIN IN ROLE {}", office.support)).await;
    let config = |accept: &str, more: &str| {
        format!(
            "[databases.office]\nurl = \"{}\"\npolicy = \"open.toml\"\naccept = [{accept}]\n\
             run_as = {{ role_claim = \"role\", roles = [\"{}\", \"{}\"] }}\n\
             [[databases.office.policies]]\nwhen = {{ team = \"help\" }}\npolicy = \"open.toml\"\nlogin = \"{}\"\n{more}",
            office.database.url(&office.login),
            office.analyst,
            office.support,
            office.database.url(&helper),
        )
    };
    let both = format!("\"member:{}\", \"member:{}\"", office.analyst, office.support);
    let sound = doctor(&config(&both, ""));
    let text = String::from_utf8(sound.stdout).unwrap();
    assert!(sound.status.success(), "{text}");
    for line in [
        format!("accepted  member:{}", office.analyst),
        format!("role `{}` has no power beyond", office.analyst),
        format!("role `{}` has no power beyond", office.support),
        format!("login `{helper}` has no power beyond"),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    let one = doctor(&config(&format!("\"member:{}\"", office.analyst), ""));
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(
        !one.status.success() && text.contains(&format!("FAIL      member:{}", office.support)),
        "{text}"
    );

    office
        .admin(&format!(
            "ALTER ROLE {} BYPASSRLS; GRANT SELECT ON app.hidden TO {}",
            office.support, office.login
        ))
        .await;
    let mighty = doctor(&config(&both, ""));
    let text = String::from_utf8(mighty.stdout).unwrap();
    assert!(!mighty.status.success());
    assert!(text.contains(&format!("FAIL      role `{}`: bypassrls", office.support)), "{text}");
    assert!(text.contains("FAIL      granted:app.hidden"), "{text}");
    assert!(!text.contains("--accept granted"), "it cannot be accepted: {text}");
}
