//! Every key, and every message with its place; what values become, and which are refused.

use std::collections::BTreeMap;

use super::{SavedFault, SavedQueries};
use crate::gateway::{Format, SavedQuery};

const QUERY: &str = "[[query]]\nname = \"open_orders\"\ndescription = \"Orders that nobody has shipped yet.\"\n\
    sql = \"SELECT $1\"\n";

fn parse(text: &str) -> Result<SavedQueries, SavedFault> {
    SavedQueries::parse(text, "q.toml", |name| name == "describe")
}

fn with(parameter: &str) -> String {
    format!("{QUERY}[[query.parameter]]\nname = \"p\"\n{parameter}\n")
}

fn one(parameter: &str) -> std::sync::Arc<SavedQuery> {
    parse(&with(parameter)).unwrap().queries[0].clone()
}

/// What `$1` is bound to.
fn bound(query: &SavedQuery, value: Option<&str>) -> Result<Option<String>, String> {
    let given: BTreeMap<String, String> =
        value.into_iter().map(|value| ("p".to_owned(), value.to_owned())).collect();
    let request = query.request("shop", "open_orders", &given, Format::Json);
    request.map(|request| request.params[0].clone()).map_err(|refusal| refusal.message)
}

#[test]
fn every_key_is_read() {
    let text = format!(
        "{QUERY}notes = \"read\\n  it\"\nlimit = 5\nshow_sql = true\n[[query.parameter]]\nname = \"p\"\n\
         type = \"integer\"\ndescription = \"how many\"\nmin = 1\nmax = 9\ndefault = 3\none_of = [3, 4]\n"
    );
    let queries = parse(&text).unwrap();
    let query = &queries.queries[0];
    assert_eq!(
        (query.name.as_str(), query.limit, query.notes.as_deref()),
        ("open_orders", Some(5), Some("read it"))
    );
    assert_eq!(query.shown_sql(), Some("SELECT $1"));
    let p = &query.parameters[0];
    assert_eq!((p.min.as_deref(), p.max.as_deref(), p.default.as_deref()), (Some("1"), Some("9"), Some("3")));
    assert_eq!((p.required, p.one_of.as_slice()), (false, &["3".to_owned(), "4".to_owned()][..]));
    assert_eq!(parse("").unwrap().queries, []);
    let hidden = parse(QUERY).unwrap();
    assert_eq!((hidden.queries[0].shown_sql(), hidden.queries[0].limit), (None, None));
}

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let replaced = |old: &str, new: &str| QUERY.replace(old, new);
    for (text, fault) in [
        (replaced("sql", "sqls"), "q.toml:4:1: unknown key `sqls`: did you mean `sql`?"),
        (replaced("name = \"open_orders\"\n", ""), "q.toml:1:1: missing key `name`"),
        (
            replaced("open_orders", "Open"),
            "q.toml:2:8: `Open` is no name: 3 to 41 of a-z, 0-9 and _, a letter first",
        ),
        (
            replaced("open_orders", "ab"),
            "q.toml:2:8: `ab` is no name: 3 to 41 of a-z, 0-9 and _, a letter first",
        ),
        (replaced("open_orders", "describe"), "q.toml:2:8: `describe` is another tool: choose another name"),
        (
            replaced("Orders that nobody has shipped yet.", "Short."),
            "q.toml:3:15: `description` has from 20 to 600 characters",
        ),
        (replaced("SELECT $1", " "), "q.toml:4:7: `sql` is empty"),
        (format!("{QUERY}limit = 0\n"), "q.toml:5:9: `limit` is 1 or more"),
        (
            format!("{QUERY}notes = \"{}\"\n", "x".repeat(301)),
            "q.toml:5:9: `notes` has from 1 to 300 characters",
        ),
        (format!("{QUERY}{QUERY}"), "q.toml:6:8: there is a query `open_orders` already"),
        (
            with("type = \"int\""),
            "q.toml:7:8: `int` is no type of a parameter: use text, integer, bigint, numeric, boolean, date, timestamptz, uuid",
        ),
        (with("type = \"text\"\nmin = 1"), "q.toml:8:7: `min` is not for text"),
        (
            with("type = \"date\"\nmin = \"soon\""),
            "q.toml:8:7: `min` is no value of its type: a date as YYYY-MM-DD",
        ),
        (with("type = \"integer\"\nmin = 2\nmax = 1"), "q.toml:6:8: `min` is above `max`"),
        (with("type = \"integer\"\nlength = 2"), "q.toml:8:10: `length` is for text, from 1 to 100000"),
        (
            with("type = \"integer\"\none_of = []"),
            "q.toml:8:10: `one_of` lists values of its type: a whole number from -2147483648 to 2147483647",
        ),
        (with("type = \"integer\"\nmax = 5\ndefault = 6"), "q.toml:9:11: `default` is above 5"),
        (with("type = \"integer\"\ndefault = [6]"), "q.toml:8:11: `default` is one value"),
        (
            with("type = \"integer\"\ndefault = 6\nrequired = true"),
            "q.toml:8:11: a parameter that is required has no use for a default",
        ),
        (
            with("type = \"integer\"").replace("\"p\"", "\"cursor\""),
            "q.toml:6:8: `cursor` cannot be the name of a parameter",
        ),
        (
            format!("{}[[query.parameter]]\nname = \"p\"\ntype = \"text\"\n", with("type = \"text\"")),
            "q.toml:9:8: there is a parameter `p` already",
        ),
    ] {
        assert_eq!(parse(&text).unwrap_err().to_string(), fault, "{text}");
    }
    assert!(parse("[[query]\n").unwrap_err().to_string().starts_with("q.toml:1:"));
}

#[test]
fn a_value_is_bound_as_its_type_has_it_or_refused_with_what_it_may_be() {
    let query = one("type = \"integer\"\nmin = 1\nmax = 100");
    assert_eq!(bound(&query, Some(" 042 ")), Ok(Some("42".to_owned())));
    for (value, wrong) in [
        (None, "is missing"),
        (Some("0"), "is below 1"),
        (Some("101"), "is above 100"),
        (Some("x"), "is no value of its type"),
        (Some("1 OR 1=1"), "is no value of its type"),
    ] {
        assert_eq!(bound(&query, value), Err(format!("parameter `p` of `open_orders` {wrong}")), "{value:?}");
    }
    let refusal = query.request("shop", "t", &BTreeMap::new(), Format::Json).unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("saved.parameter"));
    assert_eq!(refusal.hint.as_deref(), Some("give `p` as a whole number, from 1 to 100"));
    let unknown = BTreeMap::from([("q".to_owned(), "1".to_owned())]);
    let refusal = query.request("shop", "t", &unknown, Format::Json).unwrap_err();
    assert_eq!(refusal.message, "`open_orders` has no parameter `q`");

    let text = one("type = \"text\"\nlength = 3");
    assert_eq!(bound(&text, Some("äöü")), Ok(Some("äöü".to_owned())));
    assert_eq!(
        bound(&text, Some("abcd")).unwrap_err(),
        "parameter `p` of `open_orders` is longer than 3 characters"
    );
    let optional = one("type = \"date\"\nrequired = false");
    assert_eq!(bound(&optional, None), Ok(None));
    let chosen = one("type = \"numeric\"\none_of = [1.5, 2]\ndefault = 2");
    assert_eq!(
        (bound(&chosen, None), bound(&chosen, Some("1.50"))),
        (Ok(Some("2".to_owned())), Ok(Some("1.50".to_owned())))
    );
    assert_eq!(
        bound(&chosen, Some("1.6")).unwrap_err(),
        "parameter `p` of `open_orders` is none of its values"
    );
}
