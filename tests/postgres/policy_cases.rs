//! The ready policies and every example of docs/POLICY.md and docs/POLICY-GUIDE.md answer what their cases say, on the sample
//! database; and what the commands on policies print.

use std::process::Command;

use serde_json::Value;

use crate::support::{Database, READER, Template};

struct Ended {
    status: i32,
    out: String,
    err: String,
}

fn run(words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    let foreign = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for name in
        foreign.filter(|name| name.starts_with("PG") && name != "PGWARDEN_PG_BIN" || name == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    let output = command.env("MASK_KEY", "a key of sixteen").args(words).output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn the_ready_policies_answer_what_their_cases_say() {
    let database = Database::create(Template::Shop).await;
    let ended = run(&["policy", "test", "--database", &database.url(READER)]);
    assert_eq!(ended.status, 0, "{}{}", ended.out, ended.err);
    for policy in ["analyst", "support", "read-only"] {
        assert!(ended.out.contains(&format!("policies/{policy}.toml: ")), "{}", ended.out);
    }
}

#[tokio::test]
async fn every_example_of_the_documentation_answers_what_its_cases_say() {
    examples_of("docs/POLICY.md", 8).await;
}

#[tokio::test]
async fn every_step_of_the_guide_answers_what_its_cases_say() {
    examples_of("docs/POLICY-GUIDE.md", 5).await;
}

/// Runs the cases behind each policy of the page, which has `least` of them or more.
async fn examples_of(page: &str, least: usize) {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let mut files = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let cases = block.contains("[[case]]");
        let before = at.checked_sub(1).is_some_and(|before| !blocks[before].contains("[[case]]"));
        if cases {
            assert!(before, "cases without a policy before them:\n{block}");
            continue;
        }
        let next = blocks.get(at + 1).filter(|next| next.contains("[[case]]"));
        let next = next.unwrap_or_else(|| panic!("an example without cases:\n{block}"));
        let file = folder.path().join(format!("example{at}.toml"));
        std::fs::write(folder.path().join(format!("example{at}.cases.toml")), next).unwrap();
        std::fs::write(&file, block).unwrap();
        files.push(file.display().to_string());
    }
    std::fs::write(
        folder.path().join("never.toml"),
        "version = 1\ninclude = []\n[[deny]]\nselect = [\"*.sessions\"]\n",
    )
    .unwrap();
    assert!(files.len() >= least, "{}", files.len());
    let url = database.url(READER);
    let mut words = vec!["policy", "test", "--database", &url];
    words.extend(files.iter().map(String::as_str));
    let ended = run(&words);
    assert_eq!(ended.status, 0, "{}{}", ended.out, ended.err);
}

#[tokio::test]
async fn a_case_that_is_not_met_fails_with_its_place_and_what_came() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    std::fs::write(
        &policy,
        "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n\
         [[mask]]\ncolumns = [\"shop.customers.email\"]\nwith = \"email\"\n",
    )
    .unwrap();
    let case = |keys: &str| {
        format!("[[case]]\nname = \"it\"\nsql = \"SELECT email FROM customers WHERE id = 5\"\n{keys}\n")
    };
    let test = |cases: &str, format: &str| {
        std::fs::write(folder.path().join("p.cases.toml"), cases).unwrap();
        let (url, file) = (database.url(READER), policy.display().to_string());
        run(&["policy", "test", "--format", format, "--database", &url, &file])
    };
    for (keys, got) in [
        ("expect = \"deny\"", "got       allow"),
        ("expect = \"allow\"\nrule = \"mask[2]\"", "got       rules allow[1], mask[1]"),
        ("expect = \"allow\"\nnotice = \"x\"", "got       notices []"),
        ("expect = \"allow\"\ncolumns = [\"mail\"]", "got       columns [\"email\"]"),
        (
            "expect = \"allow\"\nrows = [[\"customer5@example.com\"]]",
            "got       rows [[\"c***@example.com\"]]",
        ),
        ("expect = \"allow\"\nrows = []", "got       rows [[\"c***@example.com\"]]"),
        ("expect = \"allow\"\nrow = []", "unknown key `row`: did you mean `rows`?"),
    ] {
        let ended = test(&case(keys), "text");
        assert_eq!(ended.status, 3, "{keys}: {}{}", ended.out, ended.err);
        assert!(ended.out.contains(got) && ended.out.contains("p.cases.toml:"), "{keys}: {}", ended.out);
    }
    let good = case("expect = \"allow\"\nrule = \"mask[1]\"\nrows = [[\"c***@example.com\"]]");
    assert_eq!(test(&good, "text").status, 0);
    let json: Value = serde_json::from_str(&test(&case("expect = \"deny\""), "json").out).unwrap();
    assert_eq!((&json[0]["cases"][1]["passed"], &json[0]["cases"][1]["line"]), (&false.into(), &1.into()));
    assert!(test(&case("expect = \"deny\""), "junit").out.contains("tests=\"2\" failures=\"1\""));

    std::fs::write(&policy, "version = 1\ninclude = []\n[[deny]]\nselect = [\"shop.ordres\"]\n").unwrap();
    let ended = test(&case("expect = \"deny\""), "text");
    assert!(
        ended.status == 3 && ended.out.contains("p.toml:4: the policy fits the database"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("did you mean `shop.orders`?"), "{}", ended.out);
}

#[tokio::test]
async fn explain_tells_rules_enforcement_and_parameters_and_never_a_key() {
    let database = Database::create(Template::Shop).await;
    let url = database.url(READER);
    let explain = |words: &[&str]| {
        let base = ["policy", "explain", "--database", &url, "--policy", "policies/analyst.toml"];
        run(&[&base, words].concat())
    };
    let sql = "SELECT customer_no FROM customers WHERE length(company) > 2";
    let told = explain(&["--as", "role=analyst,country=NL", sql]);
    assert_eq!(told.status, 0, "{}{}", told.out, told.err);
    for part in [
        "rules: allow[1], default.functions, mask[1]",
        "filter[2] on shop.customers: fence: ",
        "$1: hash.MASK_KEY, a key (not shown)",
        "$2: caller.country, now \"NL\"",
        "\n  FROM \"shop\".\"customers\" AS \"pgwarden_row\"\n  WHERE ",
        "\n  OFFSET 0\n) AS \"customers\"\n",
    ] {
        assert!(told.out.contains(part), "{part} is not in\n{}", told.out);
    }
    let json = explain(&["--json", "--as", "country=NL", sql]);
    for out in [&told.out, &json.out] {
        assert!(!out.contains("a key of sixteen"), "{out}");
    }
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["bound"], serde_json::json!(["hash.MASK_KEY", "caller.country"]));
    assert_eq!(json["filters"][0]["by"], "fence");
    let denied = explain(&["SELECT 1,\n  customer_no FROM support_tickets"]);
    assert_eq!(denied.status, 3);
    assert!(
        denied.out.contains("LINE 2:   customer_no FROM support_tickets\n")
            && denied.out.contains("RULE:  deny[3]")
    );
    assert!(denied.out.lines().any(|line| line.trim() == "^"), "{}", denied.out);
}

#[tokio::test]
async fn the_matrix_shows_each_kind_of_decision_with_its_rule() {
    let database = Database::create(Template::Shop).await;
    let url = database.url(READER);
    let base = ["policy", "explain", "--matrix", "--database", &url, "--policy", "policies/support.toml"];
    let rows = |out: &str| -> Vec<String> {
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let matrix = rows(&run(&[&base[..], &["--as", "team=billing"]].concat()).out);
    for row in [
        "shop.payments * select deny default.deny",
        "shop.customers birth_date select mask mask[1] rounded down to the decade",
        "shop.customers password_hash select hidden login.privileges",
        "shop.products cost select deny deny[2] what a product costs us is for purchasing only",
        "shop.support_tickets * select filter filter[1] team = caller.team",
        "shop.support_tickets priority update allow allow[2] team = caller.team AND priority BETWEEN 1 AND 4",
    ] {
        assert!(matrix.iter().any(|line| line == row), "{row} is not in\n{}", matrix.join("\n"));
    }
    assert!(!matrix.iter().any(|line| line.starts_with("shop.support_tickets body update")));
    let nobody = rows(&run(&base).out);
    assert!(nobody.iter().any(|line| line.starts_with("shop.support_tickets * select deny policy.claims")));
    let json: Value = serde_json::from_str(&run(&[&base[..], &["--json"]].concat()).out).unwrap();
    assert!(json.as_array().unwrap().len() > 20);
}
