use super::*;
use crate::gateway::shop;

fn values(wanted: Wanted, typed: &str, schema: Option<&str>, relation: Option<&str>) -> Vec<String> {
    let catalog = shop::catalog();
    let completing = Completing {
        wanted,
        typed: typed.to_owned(),
        database: None,
        schema: schema.map(str::to_owned),
        relation: relation.map(str::to_owned),
    };
    in_order(named(&shop::visible(&catalog), &completing), typed)
}

#[test]
fn names_are_those_of_what_is_known_already() {
    assert_eq!(values(Wanted::Schema, "", None, None), ["shop"]);
    assert_eq!(values(Wanted::Relation, "o", Some("shop"), None), ["Odd \"Name\"", "orders", "customers"]);
    assert_eq!(values(Wanted::Relation, "", Some("elsewhere"), None), [""; 0]);
    assert_eq!(values(Wanted::QualifiedRelation, "cust", None, None), ["shop.customers"]);
    assert_eq!(values(Wanted::QualifiedRelation, "", Some("shop"), None).len(), 4);
    assert_eq!(values(Wanted::Column, "", None, Some("shop.orders")), ["id", "customer_id", "status"]);
    assert_eq!(values(Wanted::Column, "cust", Some("shop"), Some("orders")), ["customer_id"]);
    assert_eq!(values(Wanted::Column, "", None, None), [""; 0]);
}

#[test]
fn what_is_hidden_completes_nothing() {
    for typed in ["", "secret", "salaries", "audit", "hr"] {
        for (wanted, relation) in [
            (Wanted::Schema, None),
            (Wanted::Relation, None),
            (Wanted::QualifiedRelation, None),
            (Wanted::Column, Some("shop.secret_notes")),
            (Wanted::Column, Some("hr.salaries")),
            (Wanted::Column, Some("shop.customers")),
            (Wanted::Routine, None),
        ] {
            let values = values(wanted, typed, None, relation).join(" ");
            for hidden in ["secret", "salaries", "audit", "ssn", "hr"] {
                assert!(!values.contains(hidden), "{typed}: {values}");
            }
        }
    }
}
