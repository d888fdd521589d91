//! docs/ is a book: every page is in its table of contents, and every link between pages leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The pages of the repository: path, text without code.
fn pages() -> BTreeMap<PathBuf, String> {
    let listed = ["docs", "docs/adr"].iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let listed = listed.map(|entry| entry.unwrap().path());
    let listed = listed.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from);
    listed.chain(top).map(|path| (path.clone(), prose(&fs::read_to_string(path).unwrap()))).collect()
}

/// The text without fenced and indented code.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fence && !fenced && !line.starts_with("    ") {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// What `[..](target)` leads to, but for what stands in backticks.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut code = false;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            match c {
                '`' => code = !code,
                '(' if !code && before == ']' => {
                    found.push(line[at + 1..].split(')').next().unwrap().to_owned());
                }
                _ => {}
            }
            before = c;
        }
    }
    found
}

/// As GitHub and mdBook name the heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// `docs/adr` and `../POLICY.md` as `docs/POLICY.md`.
fn joined(page: &Path, link: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in page.parent().unwrap().join(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{}: {link}", page.display()),
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// Why the link of `page` leads nowhere.
fn fault(pages: &BTreeMap<PathBuf, String>, page: &Path, link: &str) -> Option<String> {
    if ["https://", "http://", "vscode:", "cursor:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { joined(page, file) };
    if !target.exists() {
        return Some(format!("{}: `{link}` is not there", page.display()));
    }
    let missing = !place.is_empty() && !pages.get(&target).is_some_and(|text| anchors(text).contains(place));
    missing.then(|| format!("{}: `{link}`: there is no such heading", page.display()))
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let pages = pages();
    let mut faults = Vec::new();
    let mut followed = 0;
    for (page, text) in &pages {
        let links = links(text);
        followed += links.len();
        faults.extend(links.iter().filter_map(|link| fault(&pages, page, link)));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(followed > 150, "{followed}");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let pages = pages();
    let seen = |link: &str| fault(&pages, Path::new("docs/POLICY.md"), link).is_some();
    assert!(seen("NOWHERE.md") && seen("WRITES.md#nowhere") && seen("#nowhere") && seen("../nowhere"));
    assert!(!seen("WRITES.md#postgresqls-own-log") && !seen("#writes") && !seen("../policies"));
    assert_eq!(links("[a](A.md), `[b](B.md)` and [`c`](C.md#d)"), ["A.md", "C.md#d"]);
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    let mut listed: Vec<PathBuf> = links(&summary.replace("    ", "")).iter().map(PathBuf::from).collect();
    listed.sort();
    let pages = pages();
    let mut there: Vec<PathBuf> =
        pages.keys().filter_map(|path| path.strip_prefix("docs").ok()).map(Path::to_owned).collect();
    there.retain(|path| path != Path::new("SUMMARY.md"));
    there.sort();
    assert_eq!(listed, there, "docs/SUMMARY.md lists other pages than there are");
}

#[test]
fn the_list_of_decisions_has_each_under_its_own_title() {
    let list = fs::read_to_string("docs/adr/README.md").unwrap();
    for (path, text) in pages() {
        let Ok(name) = path.strip_prefix("docs/adr") else { continue };
        if name == Path::new("README.md") {
            continue;
        }
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        let (number, title) = title.split_once(". ").unwrap();
        let line = format!("{number}. [{title}]({})", name.display());
        assert!(list.lines().any(|listed| listed == line), "docs/adr/README.md lacks `{line}`");
    }
}

#[test]
fn every_line_of_a_page_can_be_read_without_scrolling() {
    let mut long = Vec::new();
    for page in ["QUICK-START.md", "POLICY-GUIDE.md", "FAQ.md", "COMPARISON.md", "README.md"] {
        let text = fs::read_to_string(Path::new("docs").join(page)).unwrap();
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.starts_with('|') && line.chars().count() > 125);
        long.extend(lines.map(|(at, line)| format!("docs/{page}:{}: {line}", at + 1)));
    }
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}
