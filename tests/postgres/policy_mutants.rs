//! No slip of the pen allows more: every small mistake in a policy is an error, or it narrows.
//!
//! What no grammar can know is told apart: another constant in a condition, a name that is another relation's, and names
//! in a rule that says of itself that they may be missing.
//!
//! One in [`EVERY`] of the slips inside strings is tried; `ALL_MUTANTS=1` tries each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pgwarden::catalog::Catalog;
use pgwarden::pg::QualifiedName;
use pgwarden::policy::{Action, Approval, ColumnAccess, Policy, Sources};
use pgwarden::sql::{CheckContext, policy_errors};

use crate::support::{Database, READER, Template, gate};

/// Of the slips inside strings.
const EVERY: usize = 6;

const BASE: &str = "version = 1\ninclude = []\n[[deny]]\nselect = [\"shop.promotions\"]\n";

/// Every key but `extensions`, which not every server has.
const EVERYTHING: &str = r#"
version = 1
description = "every key"
include = ["base.toml"]

[[allow]]
select = ["shop.*", "staff.departments", "staff.employees.id", "staff.employees.full_name"]

[[allow]]
insert = ["shop.reviews"]

[[allow]]
update = ["shop.support_tickets.priority", "shop.reviews"]

[[allow]]
delete = ["shop.reviews"]

[[allow]]
select = ["shop.order_totals"]
trust = true

[[allow]]
execute = ["shop.with_vat", "staff.reports_of", "pg_catalog.version"]
security_definer = true
optional = true

[[deny]]
select = ["*.customers.phone", "shop.products.cost"]
reason = "not for you"

[[deny]]
insert = ["shop.reviews.helpful_votes"]

[[deny]]
update = ["shop.reviews.rating"]

[[deny]]
delete = ["shop.orders"]
optional = true

[[deny]]
execute = ["shop.stock_of"]

[[mask]]
columns = ["shop.customers.email"]
with = "email"
predicates = true

[[mask]]
columns = ["shop.customers.full_name"]
with = { keep_first = 1 }

[[mask]]
columns = ["shop.orders.note"]
with = { expression = "upper(value)" }
optional = true

[[filter]]
relations = ["shop.orders"]
where = "channel = caller.channel"

[[filter]]
relations = ["shop.payments"]
where = "amount < 1000"
optional = true

[[check]]
relations = ["shop.reviews"]
condition = "rating > 2"

[[check]]
relations = ["shop.support_tickets"]
condition = "priority > 1"
optional = true

[limits]
rows = 10
characters = 5000
seconds = 5
joins = 3

[limits.planner]
cost = 1000.0
rows = 1000.0

[limits.caller]
concurrent = 2
per_minute = 60

[writes]
approval = "approver"
rows = 10
preview = "plan"
before = "7d"
"#;

#[tokio::test]
async fn no_slip_of_the_pen_allows_more() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let policies = [
        ("analyst", read("policies/analyst.toml")),
        ("support", read("policies/support.toml")),
        ("everything", EVERYTHING.to_owned()),
    ];
    let (mut errors, mut narrower, mut excused, mut wider) = (0, 0, BTreeMap::new(), Vec::new());
    for (name, text) in &policies {
        let original =
            Reach::of(&checked(text, &catalog).unwrap_or_else(|e| panic!("{name}: {e}")), &catalog);
        for mutant in mutants(text, &catalog) {
            let Ok(policy) = checked(&mutant.text, &catalog) else {
                errors += 1;
                continue;
            };
            let more = original.exceeded_by(&Reach::of(&policy, &catalog));
            match (more, mutant.excuse) {
                (None, _) => narrower += 1,
                (Some(_), Some(excuse)) => *excused.entry(excuse).or_insert(0) += 1,
                (Some(more), None) => wider.push(format!("{name}: {}: {more}", mutant.what)),
            }
        }
    }
    println!("{errors} errors, {narrower} allow no more, excused {excused:?}, {} allow more", wider.len());
    assert!(errors + narrower >= 500, "{errors} and {narrower} are too few");
    assert!(errors > narrower, "most slips are errors");
    assert!(wider.is_empty(), "{} mutants allow more:\n{}", wider.len(), wider.join("\n"));
}

/// As `pgwarden policy test` reads it.
fn checked(text: &str, catalog: &Catalog) -> Result<Policy, String> {
    let sources = Sources {
        read: &|path| {
            if path == Path::new("base.toml") { Ok(BASE.to_owned()) } else { Err("none".to_owned()) }
        },
        secret: &|name| (name == "MASK_KEY").then(|| "a secret of sixteen".to_owned()),
    };
    let policy = Policy::load(text, Path::new("p.toml"), &sources).map_err(|e| e.to_string())?;
    let mut errors = policy.missing(catalog);
    errors.extend(policy_errors(&policy, &CheckContext::new(catalog, &policy)));
    if errors.is_empty() { Ok(policy) } else { Err(format!("{errors:?}")) }
}

struct Mutant {
    text: String,
    what: String,
    excuse: Option<&'static str>,
}

fn mutants(text: &str, catalog: &Catalog) -> Vec<Mutant> {
    let every = if std::env::var_os("ALL_MUTANTS").is_some() { 1 } else { EVERY };
    let mut out = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut start = 0;
    for (at, line) in lines.iter().enumerate() {
        let mut replaced = |end: usize, with: &str, what: String| {
            let rest: String = text[start + end..].to_owned();
            out.push(Mutant { text: format!("{}{with}{rest}", &text[..start]), what, excuse: None });
        };
        let shown = line.trim();
        if line.starts_with('[') {
            replaced(line.len(), "", format!("line {}: without {shown}", at + 1));
            for (slip, typo) in slips(line.trim_end()) {
                replaced(line.trim_end().len(), &typo, format!("line {}: {slip}: {typo}", at + 1));
            }
        } else if let Some((key, _)) =
            line.split_once(" = ").filter(|_| line.starts_with(char::is_alphabetic))
        {
            let entry = entry_length(&lines[at..]);
            replaced(entry, "", format!("line {}: without {shown}", at + 1));
            for (slip, typo) in slips(key) {
                replaced(key.len(), &typo, format!("line {}: {slip}: {typo}", at + 1));
            }
        }
        start += line.len();
    }
    let mut tried = 0;
    for (from, to) in strings(text) {
        let excuse = excuse(text, from);
        for (slip, typo) in slips(&text[from..to]) {
            tried += 1;
            if tried % every != 0 {
                continue;
            }
            let what = format!("{slip}: {typo}");
            let excuse = excuse.or_else(|| names_another(&typo, catalog));
            out.push(Mutant { text: format!("{}{typo}{}", &text[..from], &text[to..]), what, excuse });
        }
    }
    out
}

/// Each character dropped, doubled, swapped with the next, in upper case.
fn slips(text: &str) -> Vec<(&'static str, String)> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = BTreeSet::new();
    for at in 0..chars.len() {
        let with = |middle: String, behind: usize| {
            let before: String = chars[..at].iter().collect();
            let after: String = chars[(at + behind).min(chars.len())..].iter().collect();
            format!("{before}{middle}{after}")
        };
        out.insert(("dropped", with(String::new(), 1)));
        out.insert(("doubled", with([chars[at]; 2].iter().collect(), 1)));
        out.insert(("upper case", with(chars[at].to_uppercase().collect(), 1)));
        if let Some(next) = chars.get(at + 1) {
            out.insert(("swapped", with([*next, chars[at]].iter().collect(), 2)));
        }
    }
    out.into_iter().filter(|(_, typo)| typo != text).collect()
}

/// Of a key with its value, which may go over lines.
fn entry_length(lines: &[&str]) -> usize {
    let first = lines[0].trim_end();
    let end = if first.ends_with("\"\"\"") {
        lines.iter().skip(1).position(|line| line.trim_end() == "\"\"\"").map_or(0, |at| at + 1)
    } else if first.ends_with('[') {
        lines.iter().position(|line| line.trim_end() == "]").unwrap()
    } else {
        0
    };
    lines[..=end].iter().map(|line| line.len()).sum()
}

/// Where the strings stand, without their quotes.
fn strings(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['"', '#']) {
        let from = at + found;
        if text[from..].starts_with('#') {
            at = from + text[from..].find('\n').unwrap();
            continue;
        }
        let quote = if text[from..].starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
        let inside = from + quote.len();
        let to = inside + text[inside..].find(quote).unwrap();
        out.push((inside, to));
        at = to + quote.len();
    }
    out
}

/// PostgreSQL tells `Shop.customers` from `shop.customers`, and the sample database has both.
fn names_another(name: &str, catalog: &Catalog) -> Option<&'static str> {
    let relation = name.split('.').take(2).collect::<Vec<_>>();
    let [schema, name] = relation[..] else { return None };
    catalog.relation(&QualifiedName::new(schema, name)).map(|_| "the name of another relation")
}

/// What a text before this place makes of the string there.
fn excuse(text: &str, at: usize) -> Option<&'static str> {
    let table = text[..at].rfind("\n[").unwrap_or(0);
    let end = text[at..].find("\n[").map_or(text.len(), |end| at + end);
    let key = text[..at].rfind(" = ").map_or("", |end| text[..end].rsplit(['\n', ' ']).next().unwrap());
    if matches!(key, "where" | "condition" | "expression" | "text") {
        Some("another value in SQL")
    } else if text[table..end].contains("optional = true") {
        Some("a name that may be missing")
    } else {
        None
    }
}

/// All that a policy lets callers do in a catalog.
struct Reach {
    relations: BTreeMap<String, Relation>,
    functions: BTreeSet<String>,
    extensions: BTreeSet<String>,
    limits: [f64; 11],
}

struct Relation {
    read: bool,
    /// 2 clear, 1 masked (by what), 0 hidden.
    columns: BTreeMap<String, (u8, String, bool)>,
    filters: BTreeSet<String>,
    checks: BTreeSet<String>,
    writes: BTreeSet<String>,
}

impl Reach {
    fn of(policy: &Policy, catalog: &Catalog) -> Self {
        let relations = catalog.relations().iter().map(|relation| {
            let access = policy.access(relation, catalog);
            let columns = relation.columns.iter().zip(&access.columns).map(|(column, access)| {
                let level = match access {
                    ColumnAccess::Clear => (2, String::new(), true),
                    ColumnAccess::Masked(mask) => (1, format!("{:?}", mask.kind), mask.predicates),
                    ColumnAccess::Denied(_) | ColumnAccess::Unreadable => (0, String::new(), false),
                };
                (column.name.clone(), level)
            });
            let mut writes = BTreeSet::new();
            for action in [Action::Insert, Action::Update, Action::Delete] {
                if policy.decide_write(action, relation, catalog).allowed {
                    writes.insert(action.to_string());
                }
                for column in &relation.columns {
                    if policy.decide_write_column(action, relation, &column.name, catalog).allowed {
                        writes.insert(format!("{action} {}", column.name));
                    }
                }
            }
            let found = Relation {
                read: access.decision.allowed,
                columns: columns.collect(),
                filters: access.filters.iter().map(|filter| filter.condition.to_string()).collect(),
                checks: policy.checks_of(relation, catalog).iter().map(|c| c.condition.to_string()).collect(),
                writes,
            };
            (relation.name.to_string(), found)
        });
        let names: BTreeSet<&QualifiedName> =
            catalog.contents().routines.iter().map(|routine| &routine.name).collect();
        let functions = names.into_iter().filter(|name| policy.decide_execute(name, catalog).allowed);
        let none = f64::INFINITY;
        let call = policy
            .limits()
            .map_or([none; 4], |l| [l.rows as f64, l.characters as f64, l.seconds as f64, l.joins as f64]);
        let planner = policy.planner_limits().map_or([none; 2], |l| [l.cost, l.rows]);
        let caller = policy.caller_limits().map_or([none; 2], |l| [l.concurrent as f64, l.per_minute.into()]);
        let writes = policy.writes();
        let lenient = Approval::Two as u8 - writes.approval as u8;
        let writes = [writes.rows as f64, lenient.into(), f64::from(writes.preview as u8)];
        Self {
            relations: relations.collect(),
            functions: functions.map(ToString::to_string).collect(),
            extensions: policy.extensions().map(str::to_owned).collect(),
            limits: [&call[..], &planner[..], &caller[..], &writes[..]].concat().try_into().unwrap(),
        }
    }

    /// The first thing that `other` allows and this does not.
    fn exceeded_by(&self, other: &Self) -> Option<String> {
        if let Some(function) = other.functions.difference(&self.functions).next() {
            return Some(format!("calls {function}"));
        }
        if let Some(extension) = other.extensions.difference(&self.extensions).next() {
            return Some(format!("uses {extension}"));
        }
        if self.limits.iter().zip(other.limits).any(|(ours, theirs)| theirs > *ours) {
            return Some(format!("limits {:?}", other.limits));
        }
        other.relations.iter().find_map(|(name, theirs)| {
            self.relations[name].exceeded_by(theirs).map(|more| format!("{more} of {name}"))
        })
    }
}

impl Relation {
    fn exceeded_by(&self, other: &Self) -> Option<String> {
        if let Some(write) = other.writes.difference(&self.writes).next() {
            return Some(write.clone());
        }
        if !other.writes.is_empty() && !self.checks.is_subset(&other.checks) {
            return Some("writes past a check".to_owned());
        }
        if !other.read {
            return None;
        }
        if !self.read {
            return Some("reads".to_owned());
        }
        if !self.filters.is_subset(&other.filters) {
            return Some("reads rows past a filter".to_owned());
        }
        other.columns.iter().find_map(|(name, theirs)| {
            let ours = &self.columns[name];
            let other_mask = ours.0 == 1 && theirs.0 == 1 && (ours.1 != theirs.1 || theirs.2 && !ours.2);
            (theirs.0 > ours.0 || other_mask).then(|| format!("sees {name}"))
        })
    }
}
