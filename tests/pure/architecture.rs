//! Keeps docs/ARCHITECTURE.md true: the order of the layers, one room for each foreign crate, small files, no globals.
//!
//! The rules are functions of a path and a text, so that each is also shown to see a violation.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Token, tokens};

/// A module may name only those before it, and itself.
const LAYERS: [&str; 19] = [
    "outbound",
    "pg",
    "catalog",
    "policy",
    "telemetry",
    "sql",
    "secrets",
    "db",
    "store",
    "audit",
    "auth",
    "tasks",
    "approvals",
    "gateway",
    "web",
    "mcp",
    "config",
    "embedded",
    "cli",
];

/// The only modules that may name each crate.
const ROOMS: [(&str, &[&str]); 15] = [
    ("sqlparser", &["sql"]),
    ("tokio_postgres", &["db"]),
    ("deadpool", &["db"]),
    ("socket2", &["db"]),
    ("postgres_protocol", &["db"]),
    ("tokio_postgres_rustls", &["db"]),
    ("lz4_flex", &["tasks"]),
    ("reqwest", &["telemetry", "auth", "cli"]),
    ("rmcp", &["mcp"]),
    ("axum", &["web", "mcp"]),
    ("maud", &["web"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("nix", &["secrets", "audit", "embedded", "cli"]),
];

/// Say nothing about what is in them.
const VAGUE_NAMES: [&str; 9] =
    ["manager", "helper", "helpers", "util", "utils", "common", "misc", "info", "process"];

const MOST_LINES: usize = 450;

#[test]
fn no_source_file_breaks_a_rule_of_the_architecture() {
    let mut violations = Vec::new();
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root().join("src")).unwrap().to_owned();
        violations.extend(violations_of(&path, &text));
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn the_library_lists_its_modules_in_the_order_of_the_layers() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules, LAYERS);
}

#[test]
fn every_test_binary_is_declared() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for path in root().join("tests").read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("support.rs") {
            let declared = format!("path = \"tests/{}\"", path.file_name().unwrap().to_str().unwrap());
            assert!(manifest.contains(&declared), "Cargo.toml lacks `{declared}`: it would never run");
        }
    }
}

#[test]
fn a_seeded_violation_of_each_rule_is_seen() {
    let seen = |path: &str, text: &str| !violations_of(Path::new(path), text).is_empty();

    assert!(seen("sql/check.rs", "use crate::db::Pool;"), "a later layer");
    assert!(seen("sql/check.rs", "use crate::{catalog::Snapshot, db::{Pool, Lease}};"), "in a group");
    assert!(seen("sql/check.rs", "fn f() { super::super::mcp::reply(); }"), "by `super`");
    assert!(
        seen("sql/check.rs", "mod tests { use super::super::super::mcp::reply; }"),
        "from an inner module"
    );
    assert!(seen("gateway/query.rs", "use tokio_postgres::Row;"), "a crate outside its room");
    assert!(seen("db/text.rs", "fn f() { ::sqlparser::parse() }"), "a crate by its full path");
    assert!(seen("db.rs", "static POOL: Once = Once::new();"), "a global");
    assert!(seen("db.rs", "thread_local! { static POOL: u8 = 1; }"), "a global of each thread");
    assert!(seen("db.rs", "unsafe { f() }"), "unsafe code");
    assert!(seen("db/utils.rs", ""), "a vague name");
    assert!(seen("db.rs", "pub(crate) fn get_pool() {}"), "a `get_` prefix");
    assert!(seen("db.rs", "pub async fn get_pool() {}"), "a `get_` prefix");
    assert!(seen("db/mod.rs", ""), "a mod.rs");
    assert!(seen("db.rs", &"\n".repeat(MOST_LINES + 1)), "a long file");
    assert!(seen("brain.rs", ""), "a module outside the layers");
}

#[test]
fn what_the_rules_allow_is_not_reported() {
    let clean = |path: &str, text: &str| assert_eq!(violations_of(Path::new(path), text), [""; 0]);

    clean("db/pool.rs", "use crate::sql::Checked; use deadpool::managed::Pool; fn f(x: &'static str) {}");
    clean("sql/check.rs", "// crate::db, unsafe\nconst TEXT: &str = \"crate::db static\"; use super::walk;");
    clean("sql/check.rs", "mod tests { use super::super::walk; }");
    clean("sql/dialect.rs", "impl Dialect for Ours { fn get_next() {} } fn f() { map.get_mut(1); }");
    clean("main.rs", "use pgwarden::cli; #[global_allocator] static A: Fast = Fast; fn main() {}");
}

/// `path` is relative to `src`.
fn violations_of(path: &Path, text: &str) -> Vec<String> {
    let module = module_path(path);
    let layer = module.first().map(String::as_str);
    let tokens = tokens(text);
    let mut broken = Vec::new();
    if text.lines().count() > MOST_LINES {
        broken.push(format!("has {} lines, more than {MOST_LINES}: split it", text.lines().count()));
    }
    if path.ends_with("mod.rs") {
        broken.push("is a mod.rs: put `foo.rs` beside `foo/`".to_owned());
    }
    for name in module.iter().filter(|name| VAGUE_NAMES.contains(&name.as_str())) {
        broken.push(format!("has the vague name `{name}`"));
    }
    if let Some(layer) = layer {
        broken.extend(later_layers(layer, &module, &tokens));
    }
    broken.extend(get_prefixes(&tokens));
    broken.extend(words(&tokens).filter_map(|word| forbidden_word(layer, word)));
    broken.into_iter().map(|what| format!("src/{}: {what}", path.display())).collect()
}

fn later_layers(layer: &str, module: &[String], tokens: &[Token]) -> Vec<String> {
    let Some(rank) = LAYERS.iter().position(|name| *name == layer) else {
        return vec![format!("module `{layer}` is not one of the layers")];
    };
    let named = names_under_the_crate(module, tokens);
    let later = named.into_iter().filter_map(|name| match LAYERS.iter().position(|layer| *layer == name) {
        Some(other) if other <= rank => None,
        Some(_) => Some(format!("names the later layer `{name}`")),
        None => Some(format!("names `crate::{name}`, which is not one of the layers")),
    });
    later.collect()
}

fn forbidden_word(layer: Option<&str>, word: &str) -> Option<String> {
    if let Some((_, rooms)) = ROOMS.iter().find(|(vendor, _)| *vendor == word) {
        let inside = layer.is_some_and(|layer| rooms.contains(&layer));
        return (!inside).then(|| format!("names `{word}`, whose room is `{}`", rooms.join("`, `")));
    }
    match word {
        // The program's own file names the allocator.
        "static" if layer.is_some() => Some("has a static: pass the value instead".to_owned()),
        "unsafe" => Some("has unsafe code".to_owned()),
        _ => None,
    }
}

/// Public functions of ours: those of foreign traits carry no `pub`, and are called what they are called.
fn get_prefixes(tokens: &[Token]) -> Vec<String> {
    let is_public = |before: &Token| match before {
        Token::Word(word) => word == "pub",
        Token::Mark(mark) => *mark == ')',
    };
    let named = tokens.windows(4).filter_map(|window| match window {
        [before, Token::Word(how), Token::Word(function), Token::Word(name)]
            if function == "fn" && ["async", "const"].contains(&how.as_str()) =>
        {
            is_public(before).then_some(name)
        }
        [_, before, Token::Word(function), Token::Word(name)] if function == "fn" => {
            is_public(before).then_some(name)
        }
        _ => None,
    });
    let prefixed = named.filter(|name| name.starts_with("get_"));
    prefixed.map(|name| format!("names a function `{name}`: leave the `get_` out")).collect()
}

/// `sql/check.rs` as [sql, check]; lib.rs and main.rs as [].
fn module_path(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let names: Vec<String> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if names.len() == 1 && ["lib", "main"].contains(&names[0].as_str()) { Vec::new() } else { names }
}

/// X of every `crate::X`, `crate::{X::.., ..}` and of every chain of `super::` that leads up to the crate.
fn names_under_the_crate(module: &[String], tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    let mut inner_modules: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Mark('{') => {
                depth += 1;
                if at >= 2 && tokens[at - 2] == Token::Word("mod".to_owned()) {
                    inner_modules.push(depth);
                }
            }
            Token::Mark('}') => {
                inner_modules.retain(|opened| *opened != depth);
                depth -= 1;
            }
            Token::Word(word) if word == "crate" && is_path(tokens, at + 1) => {
                found.extend(first_names(&tokens[at + 3..]));
            }
            Token::Word(word) if word == "super" => {
                let above = module.len() + inner_modules.len();
                let supers = chain_of_supers(&tokens[at..]);
                at += (supers - 1) * 3;
                if supers == above && is_path(tokens, at + 1) {
                    found.extend(first_names(&tokens[at + 3..]));
                }
            }
            Token::Word(_) | Token::Mark(_) => {}
        }
        at += 1;
    }
    found
}

fn is_path(tokens: &[Token], at: usize) -> bool {
    tokens.get(at..at + 2) == Some(&[Token::Mark(':'), Token::Mark(':')])
}

fn chain_of_supers(tokens: &[Token]) -> usize {
    let mut supers = 1;
    while is_path(tokens, supers * 3 - 2) && tokens.get(supers * 3) == Some(&Token::Word("super".to_owned()))
    {
        supers += 1;
    }
    supers
}

/// The name, or the names at the first level of `{..}`.
fn first_names(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut expected) = (0, true);
    for token in tokens {
        match token {
            Token::Word(word) => {
                if expected && depth <= 1 && word != "self" {
                    names.push(word.clone());
                }
                expected = false;
            }
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth -= 1,
            Token::Mark(',') => expected = depth == 1,
            Token::Mark(_) => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn words(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().filter_map(|token| match token {
        Token::Word(word) => Some(word.as_str()),
        Token::Mark(_) => None,
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
