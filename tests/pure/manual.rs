//! Completions and manual pages, as the program prints them. zsh, fish and mandoc read them in `tests/packages/run`.

use std::fs;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgwarden");

fn run(program: &str, words: &[&str]) -> Output {
    Command::new(program).args(words).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
}

fn out(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers behind `before`, where `typed` has been begun.
fn offered(before: &[&str], typed: &str) -> Vec<String> {
    let script = format!(
        "eval \"$({PROGRAM} completions bash)\"; COMP_WORDS=(pgwarden {} '{typed}'); COMP_CWORD={}; \
         _pgwarden pgwarden '{typed}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        before.join(" "),
        before.len() + 1,
        before.last().unwrap_or(&"pgwarden"),
    );
    out(run("bash", &["-c", &script])).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(offered(&[], "se"), ["serve"]);
    let below = offered(&["token"], "");
    assert!(["create", "list", "revoke"].iter().all(|name| below.contains(&(*name).to_owned())), "{below:?}");
    assert_eq!(offered(&["serve"], "--st"), ["--stdio"]);
    assert_eq!(offered(&["serve", "--log-format"], ""), ["text", "json"]);
    assert_eq!(offered(&["completions"], "f"), ["fish"]);
}

#[test]
fn a_shell_that_is_not_known_is_a_usage_error_with_those_that_are() {
    let output = run(PROGRAM, &["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("bash, zsh, fish"), "{said}");
}

#[test]
fn the_pages_are_written_into_a_folder_that_need_not_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man/man1");
    assert_eq!(out(run(PROGRAM, &["man", "--to", pages.to_str().unwrap()])), "");
    assert!(pages.join("pgwarden-token-create.1").is_file());
    assert_eq!(fs::read_to_string(pages.join("pgwarden.1")).unwrap(), out(run(PROGRAM, &["man"])));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("man1");
    let output = run(PROGRAM, &["man", "--to", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with(&format!("pgwarden: `{}` cannot be written: ", folder.display())), "{said}");
}
