use std::fs;
use std::path::PathBuf;

use super::{Setup, Target};

const CONFIG: &str = "[databases.one]\nurl = \"postgres://u@h/file\"\n";

struct Case {
    folder: tempfile::TempDir,
    target: Target,
    env: Vec<(&'static str, &'static str)>,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), target: Target::default(), env: Vec::new() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self) -> Result<Setup, String> {
        let env = |name: &str| {
            let found = self.env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Setup::read(&self.target, &env).map_err(|error| format!("{error:#}"))
    }

    fn shown(&self) -> Vec<String> {
        self.read().unwrap().config.databases.iter().map(|entry| entry.connection.shown()).collect()
    }
}

#[tokio::test]
async fn the_flag_wins_over_our_variable_over_the_file_over_the_variables_of_others() {
    let mut case = Case::new();
    case.env.extend([("PGHOST", "libpq"), ("PGUSER", "u"), ("PGDATABASE", "libpq")]);
    assert_eq!(case.shown(), ["u@libpq:5432/libpq"]);
    case.env.push(("DATABASE_URL", "postgres://u@h/url"));
    assert_eq!(case.shown(), ["u@h:5432/url"]);
    case.target.config = Some(case.file("pgwarden.toml", CONFIG));
    assert_eq!(case.shown(), ["u@h:5432/file"]);
    case.env.push(("PGWARDEN_DATABASE", "postgres://u@h/ours"));
    assert_eq!(case.shown(), ["u@h:5432/ours"]);
    case.target.database = Some("postgres://u@h/flag".to_owned());
    assert_eq!(case.shown(), ["u@h:5432/flag"]);
    let setup = case.read().unwrap();
    assert_eq!(setup.gateway().await.unwrap().databases(), ["flag"], "named as PostgreSQL names it");
}

#[test]
fn a_bad_url_is_refused_without_its_password() {
    let mut case = Case::new();
    case.target.database = Some("postgres://u:hunter2@h:port/d".to_owned());
    let message = case.read().unwrap_err();
    assert!(message.starts_with("--database: the database cannot be used: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn flags_for_one_database_do_not_spread_over_several() {
    let mut case = Case::new();
    let two = format!("{CONFIG}[databases.two]\nurl = \"postgres://u@h/two\"\n");
    case.target.config = Some(case.file("pgwarden.toml", &two));
    assert_eq!(case.read().unwrap().gateway().await.unwrap().databases(), ["one", "two"]);
    let both = case.read().unwrap();
    assert_eq!(both.one(Some("two")).unwrap().database.name(), "two");
    assert!(both.one(None).unwrap_err().to_string().contains("--entry (one, two)"));
    assert!(both.one(Some("three")).unwrap_err().to_string().contains("there is no entry `three`"));
    case.target.accept = vec!["superuser".to_owned()];
    assert!(case.read().unwrap_err().contains("--accept is for one database"));
    case.target.policy = Some(PathBuf::from("p.toml"));
    assert!(case.read().unwrap_err().contains("--policy is for one database"));
}

#[test]
fn accepted_findings_come_from_the_flag_or_the_variable_and_add_to_the_entry() {
    let mut case = Case::new();
    let config = format!("{CONFIG}accept = [\"createrole\"]\n");
    case.target.config = Some(case.file("pgwarden.toml", &config));
    case.env.push(("PGWARDEN_ACCEPT", "superuser, bypassrls"));
    let accepted = |case: &Case| {
        let setup = case.read().unwrap();
        let names = setup.served()[0].database.settings().accepted.clone();
        names.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(accepted(&case), "bypassrls createrole superuser");
    case.target.accept = vec!["replication".to_owned()];
    assert_eq!(accepted(&case), "createrole replication");
    case.target.accept = vec!["super_user".to_owned()];
    assert_eq!(
        case.read().unwrap_err(),
        "--accept: unknown finding `super_user`\nhint: did you mean `superuser`?"
    );
}

#[test]
fn a_policy_that_cannot_be_used_is_fatal_with_its_place() {
    let mut case = Case::new();
    case.target.database = Some("postgres://u@h/d".to_owned());
    case.target.policy = Some(PathBuf::from("/no/such/policy.toml"));
    assert!(case.read().unwrap_err().starts_with("/no/such/policy.toml:1:1: the policy cannot be read"));
    let policy = case.file("policy.toml", "versoin = 1\n");
    case.target.policy = Some(policy.clone());
    let message = case.read().unwrap_err();
    assert!(message.starts_with(&format!("{}:1:1: ", policy.display())), "{message}");
}
