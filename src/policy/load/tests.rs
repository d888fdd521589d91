use super::*;

fn error(text: &str) -> String {
    Policy::parse(text, "p.toml").unwrap_err().to_string()
}

#[test]
fn a_misspelt_key_is_an_error_with_place_and_suggestion() {
    let text = "version = 1\ninclude = []\n[[deny]]\nselekt = [\"a.b\"]\n";
    assert_eq!(error(text), "p.toml:4:1: unknown key `selekt`: did you mean `select`?");
}

#[test]
fn a_name_without_schema_is_an_error_at_the_name() {
    let error = error("version = 1\ninclude = []\n[[allow]]\nselect = [\"x.*\", \"orders\"]\n");
    assert!(error.starts_with("p.toml:4:18: `orders` has no schema"), "{error}");
}

#[test]
fn a_duplicate_key_an_unknown_version_and_a_missing_include_are_errors() {
    assert!(error("version = 1\nversion = 1\ninclude = []\n").contains("duplicate key"));
    assert!(error("version = 2\ninclude = []\n").contains("write version = 1"));
    assert!(error("version = 1\n").contains("write include = []"));
    assert!(error("").contains("missing key `version`"));
}

#[test]
fn a_rule_that_says_nothing_or_two_things_is_an_error() {
    for rule in [
        "[[allow]]\noptional = true",
        "[[allow]]\nselect = []",
        "[[allow]]\nselect = [\"a.b\"]\nupdate = [\"a.b\"]",
        "[[allow]]\nselect = [\"a.b\"]\nsecurity_definer = true",
        "[[allow]]\nexecute = [\"a.f\"]\ntrust = true",
        "[[deny]]\nreason = \"no\"",
        "[[deny]]\nselect = []",
        "[[deny]]\nselect = [\"a.b\"]\nexecute = [\"a.f\"]",
        "[[mask]]\ncolumns = []\nwith = \"null\"",
        "[[mask]]\ncolumns = [\"a.b\"]\nwith = \"null\"",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = \"nil\"",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { keep_last = 0 }",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { keep_last = 2, keep_first = 1 }",
        "[[filter]]\nrelations = []\nwhere = \"true\"",
        "[[filter]]\nrelations = [\"a.b.c\"]\nwhere = \"true\"",
        "[[filter]]\nrelations = [\"a.b\"]",
        "[limits]\nrows = 5",
        "[limits]\nrows = 0\ncharacters = 2000\nseconds = 1\njoins = 0",
        "[limits]\nrows = 1\ncharacters = 100\nseconds = 1\njoins = 0",
        "[limits]\nrows = 1\ncharacters = 2000\nseconds = 1\njoins = 0\ncaller = { concurrent = 0, per_minute = 1 }",
        "[limits]\nrows = 1\ncharacters = 2000\nseconds = 1\njoins = 0\nplanner = { cost = nan, rows = 1.0 }",
        "[[allow]]\nselect = [\"a.*\"]\ntrust = true",
        "[[allow]]\nexecute = [\"pg_catalog.set_config\"]",
        "[[allow]]\nexecute = [\"pg_catalog.pg_*\"]",
    ] {
        let text = format!("version = 1\ninclude = []\n{rule}\n");
        assert!(Policy::parse(&text, "p.toml").is_err(), "{rule}");
    }
}

#[test]
fn an_included_file_is_part_of_the_policy_and_its_rules_carry_its_name() {
    let read = |path: &Path| match path.to_str() {
        Some("conf/base.toml") => Ok("version = 1\ninclude = []\n[[deny]]\nselect = [\"a.b\"]".to_owned()),
        Some("conf/loop.toml") => Ok("version = 1\ninclude = [\"main.toml\"]".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let load = |text: &str| {
        let sources = Sources { read: &read, secret: &|_| None };
        Policy::load(text, Path::new("conf/main.toml"), &sources)
    };
    let policy = load("version = 1\ninclude = [\"base.toml\"]\n[[deny]]\nselect = [\"c.d\"]").unwrap();
    let names: Vec<&str> = policy.deny.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["base/deny[1]", "deny[1]"]);
    for (text, expected) in [
        ("version = 1\ninclude = [\"none.toml\"]", "conf/main.toml:2:12: no such file"),
        ("version = 1\ninclude = [\"loop.toml\"]", "conf/loop.toml:2:12: `main.toml` is included already"),
    ] {
        assert_eq!(load(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_hash_needs_its_key_in_the_environment() {
    let text = "version = 1\ninclude = []\n[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { hash = \"KEY\" }";
    let load = |secret: Option<&str>| {
        let secret = secret.map(str::to_owned);
        let secret = move |_: &str| secret.clone();
        let sources = Sources { read: &|_| Err(String::new()), secret: &secret };
        Policy::load(text, Path::new("p.toml"), &sources)
    };
    assert!(load(None).unwrap_err().to_string().contains("`KEY`"));
    assert!(load(Some("short")).unwrap_err().to_string().contains("shorter than 16"));
    let policy = load(Some("sixteen characters")).unwrap();
    assert!(!format!("{policy:?}").contains("sixteen"));
}
