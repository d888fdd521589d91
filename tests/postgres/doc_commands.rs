//! Every command of README.md and docs/ runs as it stands there, in a shell, against the sample database. What belongs to
//! somebody else's service or program is listed with the reason, and its flags are those of that program where it is here.

mod pages;
mod scratch;

use pages::{Command, commands};
use scratch::Scratch;

use crate::support::{Database, READER, Template};

/// A command that is not run here.
struct Elsewhere {
    starts: &'static str,
    why: &'static str,
    /// What prints its flags.
    help: &'static [&'static str],
}

const CLIENT: &str = "tests/docs/run runs it with the real client";
const RELEASE: &str = "needs what only a published release has";
const CONTAINERS: &str = "needs Docker or a cluster; the files that it reads are held by tests/packages/run";

/// Of this build.
const PGWARDEN: &str = env!("CARGO_BIN_EXE_pgwarden");
const PACKAGED: &str = "tests/packages/page.sh runs it";
const SERVED: &str = "needs a running server: probe.rs and suspend.rs run it";

const ELSEWHERE: [Elsewhere; 30] = [
    elsewhere("./scripts/demo", "builds pgwarden anew; what it starts is in cli.rs", &[]),
    elsewhere("./scripts/test", "runs this test", &[]),
    elsewhere("./scripts/faults", "runs the tests of faults.rs", &[]),
    elsewhere("cargo test --test load", "wants the machine for itself", &[]),
    elsewhere("scripts/soak ", "takes the machine for an hour", &[]),
    elsewhere("scripts/bench", "builds and measures for minutes, and wants the machine for itself", &[]),
    elsewhere("pgwarden demo ", "cli.rs runs it, at a free port", &[PGWARDEN, "demo", "--help"]),
    elsewhere("cargo install ", RELEASE, &["cargo", "install", "-h"]),
    elsewhere("sudo tar ", PACKAGED, &[]),
    elsewhere("eval \"$(pgwarden completions ", PACKAGED, &[]),
    elsewhere("pgwarden completions ", PACKAGED, &[]),
    elsewhere("pgwarden man ", PACKAGED, &[PGWARDEN, "man", "--help"]),
    elsewhere("pgwarden probe ", SERVED, &[PGWARDEN, "probe", "--help"]),
    elsewhere(
        "pgwarden health ",
        "needs a running server: observability/runbooks.rs runs it",
        &[PGWARDEN, "health", "--help"],
    ),
    elsewhere("pgwarden suspend ", SERVED, &[]),
    elsewhere("pgwarden resume ", SERVED, &[]),
    elsewhere("pgwarden suspended", SERVED, &[PGWARDEN, "suspended", "--help"]),
    elsewhere("kill -HUP ", "reload/ sends it to servers of its own", &[]),
    elsewhere("mv /var/lib/node_exporter/", "puts a file where node_exporter is", &[]),
    elsewhere("claude plugin ", "tests/packages/run installs the plugin from this folder", &[]),
    elsewhere("gemini extensions ", "tests/packages/run installs the extension that it packs", &[]),
    elsewhere("claude mcp ", CLIENT, &[]),
    elsewhere("gemini mcp ", CLIENT, &[]),
    elsewhere("codex mcp ", CLIENT, &[]),
    elsewhere(
        "code --add-mcp ",
        "VS Code has a window; quick_start.rs reads what it is given",
        &["code", "--help"],
    ),
    elsewhere("docker run ", CONTAINERS, &["docker", "run", "--help"]),
    elsewhere("docker compose ", "needs Docker; tests/compose/check.py holds the file to its schema", &[]),
    elsewhere(
        "kubectl create secret generic ",
        CONTAINERS,
        &["kubectl", "create", "secret", "generic", "--help"],
    ),
    elsewhere("kubectl apply ", CONTAINERS, &["kubectl", "apply", "--help"]),
    elsewhere("gh attestation ", RELEASE, &["gh", "attestation", "verify", "--help"]),
];

/// What runs here. Any other command could do anything to this machine: it is listed above, with its reason.
const HERE: [&str; 2] = ["pgwarden ", "openssl rand "];

const fn elsewhere(starts: &'static str, why: &'static str, help: &'static [&'static str]) -> Elsewhere {
    Elsewhere { starts, why, help }
}

/// Those that end with another status than 0, because the page means them to, or has an id that nothing has.
const OTHER_STATUS: [(&str, i32); 2] = [
    ("pgwarden check --database postgres://reader@db.example/shop 'SELECT name FROM shop.custmers'", 3),
    ("pgwarden before show ", 1),
];

fn runs_elsewhere(command: &Command) -> Option<&'static Elsewhere> {
    ELSEWHERE.iter().find(|elsewhere| command.text.starts_with(elsewhere.starts))
}

#[tokio::test]
async fn every_command_of_the_documentation_runs() {
    let database = Database::create(Template::Shop).await;
    let (reader, admin) = (database.url(READER), database.admin_url());
    // What is told of a store is told of one that is ready.
    assert_eq!(super::cli::run(&["migrate", "--store", &admin]).status, 0);
    let mut ran = 0;
    let mut scratch: Option<Scratch> = None;
    for command in commands() {
        if runs_elsewhere(&command).is_some() {
            continue;
        }
        let known = HERE.iter().any(|starts| command.text.starts_with(starts));
        assert!(known, "{}: `{}` is not listed in {}", command.page, command.text, file!());
        scratch.take_if(|scratch| scratch.page != command.page);
        let folder = scratch.get_or_insert_with(|| Scratch::of(&command.page, &reader, &admin));
        let ended = folder.run(&command.text);
        let expected = OTHER_STATUS.iter().find(|(starts, _)| command.text.starts_with(starts));
        assert_eq!(
            ended.status,
            expected.map_or(0, |(_, status)| *status),
            "{}: {}\n{}{}",
            command.page,
            command.text,
            ended.out,
            ended.err
        );
        if let Some(output) = &command.output {
            assert_eq!(ended.out.trim_end(), output.trim_end(), "{}: {}", command.page, command.text);
        }
        ran += 1;
    }
    assert!(ran >= 15, "{ran}");
}

#[test]
fn what_does_not_run_here_has_a_reason_and_flags_that_its_program_knows() {
    let commands = commands();
    for elsewhere in &ELSEWHERE {
        assert!(!elsewhere.why.is_empty());
        let mut lines = commands.iter().filter(|line| line.text.starts_with(elsewhere.starts)).peekable();
        assert!(lines.peek().is_some(), "no page has `{}`", elsewhere.starts);
        let Some(help) = scratch::help(elsewhere.help) else { continue };
        for line in lines {
            // What stands behind the image's name is for the program in it.
            let own = line.text.split(" ghcr.io/").next().unwrap();
            for flag in own.split_whitespace().filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                assert!(help.contains(flag), "{}: `{}` has no {flag}", line.page, elsewhere.starts);
            }
        }
    }
}

#[tokio::test]
async fn the_login_that_the_quick_start_makes_can_read_and_no_more() {
    let database = Database::create(Template::Shop).await;
    let page = std::fs::read_to_string("docs/QUICK-START.md").unwrap();
    let sql = page.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    let role = database.create_role("quick", "").await;
    let grants = sql.replace("CREATE ROLE reader LOGIN", &format!("ALTER ROLE {role} LOGIN"));
    let admin = database.admin().await;
    admin.batch_execute(&grants.replace("TO reader", &format!("TO {role}"))).await.unwrap();
    admin.batch_execute(&format!("GRANT CONNECT ON DATABASE {} TO {role}", database.name())).await.unwrap();
    let url = database.url(&role);
    let doctor = super::cli::run(&["doctor", "--database", &url]);
    assert_eq!(doctor.status, 0, "{}{}", doctor.out, doctor.err);
    let read = super::cli::run(&["check", "--database", &url, "SELECT count(*) FROM shop.orders"]);
    assert_eq!(read.status, 0, "{}{}", read.out, read.err);
}
