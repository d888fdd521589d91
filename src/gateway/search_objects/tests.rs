use serde_json::{Value, json};

use super::search;
use crate::catalog::Catalog;
use crate::gateway::notes::Notes;
use crate::gateway::{SearchDetail, SearchRequest, shop};

fn found(request: &SearchRequest, characters: usize) -> Value {
    let catalog = shop::catalog();
    search(&shop::visible(&catalog), &[], request, characters).unwrap().0
}

/// With notes, and one function that may be called.
fn noted(request: &SearchRequest, characters: usize) -> Value {
    let (catalog, notes) = (shop::catalog(), Notes::parse(shop::NOTES, "notes.toml").unwrap());
    let functions = "[[allow]]\nexecute = [\"shop.order_total\", \"shop.orders_of\"]";
    search(&shop::visible_with(&catalog, functions).noted(&notes), &[], request, characters).unwrap().0
}

fn asked(query: &str) -> SearchRequest {
    SearchRequest { query: query.to_owned(), ..SearchRequest::default() }
}

fn search_for(query: &str) -> Value {
    found(&asked(query), 40_000)
}

fn names(answer: &Value) -> Vec<&str> {
    answer["objects"].as_array().unwrap().iter().map(|o| o["relation"].as_str().unwrap()).collect()
}

#[test]
fn a_hit_says_what_it_is_and_which_columns_matched() {
    assert_eq!(
        search_for("customer email"),
        json!({
            "objects": [
                {
                    "relation": "shop.customers", "kind": "table",
                    "comment": "people who bought something", "row_estimate": 1000, "columns": ["email"],
                },
                {
                    "relation": "shop.orders", "kind": "partitioned table",
                    "comment": "one line a purchase | by month", "partitions": 3, "columns": ["customer_id"],
                    "references": ["customer_id>customers"],
                },
            ],
            "total": 2,
            "truncated": false,
        })
    );
}

#[test]
fn words_are_found_in_names_columns_comments_and_enum_labels() {
    assert_eq!(names(&search_for("orders")), ["shop.orders"]);
    assert_eq!(names(&search_for("purchases")), ["shop.orders"]);
    assert_eq!(names(&search_for("invoice")), ["shop.customers"]);
    assert_eq!(search_for("invoice")["objects"][0]["columns"], json!(["email"]));
    assert_eq!(search_for("shipped")["objects"][0]["columns"], json!(["status"]));
    assert_eq!(names(&search_for("REVENUE")), ["shop.revenue"]);
    assert_eq!(names(&search_for("odd name")), ["shop.\"Odd \"\"Name\"\"\""]);
}

#[test]
fn a_misspelt_word_finds_what_it_meant() {
    assert_eq!(names(&search_for("custmers"))[0], "shop.customers");
    assert_eq!(names(&search_for("zebra")), Vec::<&str>::new());
}

#[test]
fn no_words_and_a_limit_list_all_with_partitions_folded() {
    let request = SearchRequest { limit: Some(10), ..SearchRequest::default() };
    let answer = found(&request, 40_000);
    assert_eq!(
        names(&answer),
        ["shop.\"Odd \"\"Name\"\"\"", "shop.customers", "shop.orders", "shop.revenue"]
    );
    assert_eq!(answer["objects"][1]["columns"], json!(["id", "email", "age_group"]));
    assert_eq!(answer["objects"][3]["kind"], "materialized view");
    assert_eq!(answer["objects"][3].get("row_estimate"), None, "row security hides the count too");
}

#[test]
fn no_words_give_the_overview() {
    let lines = [
        "\"Odd \"\"Name\"\"\"",
        "customers ~1000 (id): people who bought something",
        "orders [3 partitions] (id) customer_id>customers: one line a purchase | by month",
        "revenue [materialized view]",
    ];
    assert_eq!(
        search_for(" "),
        json!({
            "about": "the web shop",
            "schemas": [{"schema": "shop", "comment": "what the shop sells", "relations": lines}],
            "legend": "name ~rows (primary key) column>referenced relation: comment",
            "detail": "full", "total": 4, "truncated": false,
        })
    );
}

#[test]
fn hidden_names_are_nowhere_whatever_is_asked() {
    let queries =
        ["", "secret", "secret_notes", "ssn", "salaries", "hr", "audit", "amount", "sn", "orders_id_seq"];
    for query in queries {
        let text = search_for(query).to_string();
        for hidden in ["secret", "ssn", "salaries", "audit", "\"hr", "_seq"] {
            assert!(!text.contains(hidden), "{query}: {text}");
        }
    }
    assert_eq!(search_for("secret")["total"], 0);
    assert_eq!(search_for("ssn")["total"], 0);
}

#[test]
fn a_limit_and_a_small_reply_are_told_from_the_whole() {
    let request = SearchRequest { limit: Some(1), ..SearchRequest::default() };
    let answer = found(&request, 40_000);
    assert_eq!((names(&answer).len(), &answer["total"], &answer["truncated"]), (1, &json!(4), &json!(true)));
    let request = SearchRequest { limit: Some(9), ..SearchRequest::default() };
    let answer = found(&request, 600);
    assert!(names(&answer).len() < 4 && answer["truncated"] == json!(true));
    assert!(answer.to_string().chars().count() <= 600);
}

#[test]
fn a_schema_narrows_and_a_hidden_one_does_not_exist() {
    let in_schema = |schema: &str| {
        let catalog = shop::catalog();
        let request = SearchRequest { schema: Some(schema.to_owned()), ..SearchRequest::default() };
        search(&shop::visible(&catalog), &[], &request, 40_000).map(|answer| answer.0["total"].clone())
    };
    assert_eq!(in_schema("shop").unwrap(), json!(4));
    let hidden = in_schema("hr").unwrap_err();
    assert_eq!(hidden.message, "schema `hr` does not exist");
    assert_eq!(hidden.hint.as_deref(), Some("there is `shop`"));
}

#[test]
fn what_the_dba_says_is_searched_and_shown() {
    let answer = noted(&asked("clients"), 40_000);
    assert_eq!(names(&answer)[0], "shop.customers");
    assert_eq!(answer["objects"][0]["comment"], "Everybody with an account.");
    let answer = noted(&asked("cohort"), 40_000);
    assert_eq!(answer["objects"][0]["columns"], json!(["age_group"]));
    assert_eq!(
        noted(&asked("Who bought something recently?"), 40_000)["objects"][0]["relation"],
        "shop.customers"
    );
    for query in ["how many active customers are there", "regulars", "how many people came back"] {
        let term = &noted(&asked(query), 40_000)["objects"][0];
        let relations = ["shop.customers", "shop.orders"];
        let note = "Ordered within the last 90 days.";
        assert_eq!(
            *term,
            json!({"term": "active customer", "note": note, "relations": relations}),
            "{query}"
        );
    }
    assert!(noted(&asked("customers"), 40_000)["objects"][0].get("term").is_none(), "half of its name");
}

#[test]
fn functions_that_may_be_called_are_hits_and_no_others() {
    let answer = noted(&asked("total"), 40_000);
    let function = json!({"function": "shop.order_total(order_id bigint)", "returns": "text"});
    assert!(answer["objects"].as_array().unwrap().contains(&function), "{answer}");
    assert!(!answer.to_string().contains("secret_total"), "{answer}");
    let answer = noted(&asked("*_of"), 40_000);
    assert_eq!(answer["total"], 0, "its argument names a hidden relation: {answer}");
    let overview = noted(&asked(""), 40_000);
    assert_eq!(overview["schemas"][0]["functions"], json!(["shop.order_total(order_id bigint)"]));
    assert_eq!(
        search_for("order_total")["objects"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|o| o.get("function").is_some())
            .count(),
        0
    );
}

#[test]
fn a_schema_of_functions_alone_is_one() {
    let mut contents = shop::catalog().contents().clone();
    contents.relations.retain(|relation| relation.name.schema != "shop");
    let catalog = Catalog::new(contents);
    let visible = shop::visible_with(&catalog, "[[allow]]\nexecute = [\"shop.order_total\"]");
    let request = SearchRequest { schema: Some("shop".to_owned()), ..SearchRequest::default() };
    let answer = search(&visible, &[], &request, 40_000).unwrap().0;
    assert_eq!(answer["schemas"][0]["functions"], json!(["shop.order_total(order_id bigint)"]));
}

#[test]
fn a_pattern_names_relations_or_columns() {
    assert_eq!(names(&search_for("shop.ord*")), ["shop.orders"]);
    let answer = search_for("*.email");
    assert_eq!(
        (names(&answer), &answer["objects"][0]["columns"]),
        (vec!["shop.customers"], &json!(["email"]))
    );
    assert_eq!(names(&search_for("*_id")), ["shop.orders"]);
    assert_eq!(names(&search_for("shop.customers.*")), ["shop.customers"]);
    assert_eq!(search_for("hr.*")["total"], 0);
    assert_eq!(search_for("*.ssn*")["total"], 0);
    assert_eq!(
        noted(&asked("*total"), 40_000)["objects"][1]["function"],
        "shop.order_total(order_id bigint)"
    );
}

#[test]
fn pages_hold_every_hit_once() {
    let mut read = Vec::new();
    let mut request = SearchRequest { limit: Some(2), ..SearchRequest::default() };
    loop {
        let answer = noted(&request, 40_000);
        read.extend(answer["objects"].as_array().unwrap().iter().map(Value::to_string));
        match answer.get("next_offset") {
            Some(next) => request.offset = next.as_u64().unwrap(),
            None => break assert_eq!(answer["truncated"], false),
        }
    }
    let whole = noted(&SearchRequest { limit: Some(100), ..SearchRequest::default() }, 40_000);
    assert_eq!(read, whole["objects"].as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>());
    assert_eq!(read.len(), 6, "a term, four relations, a function");
    request.offset = 100;
    assert_eq!(noted(&request, 40_000)["objects"], json!([]));
}

#[test]
fn a_hit_that_fits_no_page_comes_by_its_name() {
    let request = SearchRequest { detail: Some(SearchDetail::Full), limit: Some(5), ..asked("customers") };
    let answer = noted(&request, 400);
    assert_eq!(answer["objects"], json!([{"relation": "shop.customers"}]));
    assert_eq!(answer["next_offset"], 1);
}

#[test]
fn detail_says_less_or_more() {
    let with = |detail| SearchRequest { detail: Some(detail), ..asked("customers") };
    assert_eq!(
        noted(&with(SearchDetail::Names), 40_000)["objects"][0],
        json!({"relation": "shop.customers"})
    );
    let full = noted(&with(SearchDetail::Full), 40_000);
    assert_eq!(full["objects"][0]["referenced_by"][0]["join"], "orders.customer_id = customers.id");
}

#[test]
fn hidden_names_are_in_no_answer_whatever_the_notes_say() {
    for query in [
        "",
        "secret",
        "*secret*",
        "*",
        "complaints",
        "diary",
        "salaries",
        "ssn number",
        "orders",
        "customers",
    ] {
        for detail in [None, Some(SearchDetail::Names), Some(SearchDetail::Full)] {
            let text = noted(&SearchRequest { detail, limit: Some(100), ..asked(query) }, 40_000).to_string();
            for hidden in ["secret", "ssn", "salaries", "audit", "\"hr", "_seq"] {
                assert!(!text.contains(hidden), "{query} {detail:?}: {text}");
            }
        }
    }
    for tokens in [None, Some(300), Some(200)] {
        let text = noted(&SearchRequest { tokens, ..SearchRequest::default() }, 40_000).to_string();
        assert!(!text.contains("secret") && !text.contains("ssn"), "the overview: {text}");
    }
}
