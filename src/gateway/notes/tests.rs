use super::Notes;
use crate::gateway::shop;

fn refusal(body: &str) -> String {
    Notes::parse(&format!("version = 1\n{body}"), "notes.toml").unwrap_err().to_string()
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    assert_eq!(
        refusal("[[relation]]\nname = \"a.b\"\nnotes = \"x\""),
        "notes.toml:4:1: unknown key `notes`: did you mean `note`?"
    );
    assert_eq!(
        refusal("[[relation]]\nname = \"b\""),
        "notes.toml:3:8: `b` is no relation: write `schema.relation`"
    );
    assert_eq!(
        refusal("[[column]]\nname = \"a.b\""),
        "notes.toml:3:8: `a.b` is no column: write `schema.relation.column`"
    );
    assert_eq!(
        refusal("[[relation]]\nname = \"a.b\"\n[[relation]]\nname = \"A.B\""),
        "notes.toml:5:8: `A.B` has its note already"
    );
    assert_eq!(
        refusal("[[relation]]\nname = \"a.b\"\nsynonyms = [\"x\", \"\"]"),
        "notes.toml:4:18: this text is empty"
    );
    let long = format!("about = \"{}\"", "x".repeat(1_001));
    assert_eq!(refusal(&long), "notes.toml:2:9: this text has 1001 characters; 1000 are possible");
    assert!(Notes::parse("version = 2", "n").unwrap_err().to_string().starts_with("n:1:11: version 2"));
    assert!(Notes::parse("", "n").unwrap_err().to_string().contains("missing key `version`"));
}

#[test]
fn an_empty_text_says_nothing() {
    let notes =
        Notes::parse("version = 1\nabout = \"\"\n[[relation]]\nname = \"a.b\"\nnote = \" \"", "n").unwrap();
    assert_eq!((notes.about, notes.relations.values().next().unwrap().text.as_deref()), (None, None));
}

#[test]
fn names_that_do_not_exist_are_found_with_their_places() {
    let text = "version = 1
[[column]]
name = \"shop.customers.emial\"
[[column]]
name = \"shop.customrs.email\"
[[relation]]
name = \"shop.\\\"Odd \\\"\\\"Name\\\"\\\"\\\"\"
[[term]]
name = \"x\"
note = \"y\"
relations = [\"shop.orders\", \"nowhere.here\"]
";
    let missing = Notes::parse(text, "n").unwrap().missing(&shop::catalog());
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "n:3:8: column `shop.customers.emial` does not exist: did you mean `email`?",
            "n:5:8: relation `shop.customrs` does not exist: did you mean `shop.customers`?",
            "n:11:29: relation `nowhere.here` does not exist",
        ]
    );
}
