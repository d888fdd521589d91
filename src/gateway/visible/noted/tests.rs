use crate::gateway::notes::Notes;
use crate::gateway::shop;

#[test]
fn a_note_on_what_is_hidden_does_not_exist() {
    let (catalog, notes) = (shop::catalog(), Notes::parse(shop::NOTES, "notes.toml").unwrap());
    let visible = shop::visible(&catalog).noted(&notes);
    let relation = |name: &str| catalog.relations().iter().find(|r| r.name.name == name).unwrap();
    assert!(visible.said_of(relation("customers")).note.is_some());
    assert!(visible.said_of(relation("secret_notes")).note.is_none());
    assert!(visible.said_of(relation("secret_notes")).synonyms.is_empty());
    assert!(visible.said_of_column(relation("customers"), "age_group").unit.is_some());
    assert!(visible.said_of_column(relation("customers"), "ssn").note.is_none());
    let terms: Vec<&str> = visible.meanings().map(|meaning| meaning.term).collect();
    assert_eq!(terms, ["active customer"], "the other is read from a hidden relation too");
    let orders = visible.said_of(relation("orders"));
    assert_eq!((orders.note, orders.synonyms, orders.questions), (None, vec!["purchases"], Vec::new()));
}

#[test]
fn prose_names_nothing_hidden() {
    let catalog = shop::catalog();
    let visible = shop::visible(&catalog);
    for told in [
        "orders of customers, by shop.orders.status",
        "their total, and the amount",
        "an order has one customer_id",
        "e.g. 1.5 or a.b.c",
        "nothing of nobody_knows",
    ] {
        assert!(visible.may_tell(told), "{told}");
    }
    for kept in [
        "see shop.secret_notes",
        "see \"shop\".\"secret_notes\".",
        "see secret_notes, too",
        "Salaries are elsewhere",
        "HR knows",
        "joined to hr.salaries.amount",
        "customers.ssn",
        "by shop.customers.ssn (nine digits)",
        "as in shop.audit.whatever",
        "its secret_text",
        "call order_total()",
    ] {
        assert!(!visible.may_tell(kept), "{kept}");
    }
    let visible = shop::visible_with(&catalog, "[[allow]]\nexecute = [\"shop.order_total\"]");
    assert!(visible.may_tell("call order_total()"), "it may be called");
}
