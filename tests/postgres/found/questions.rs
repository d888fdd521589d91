//! Questions as people ask them find their document.

use super::{SHOP, database, gateway, ids, rows};

/// What is asked, and which article answers it.
const ASKED: [(&str, u32); 10] = [
    ("How can I send back something I bought?", 1),
    ("My parcel arrived broken, what should I do?", 2),
    ("How long does delivery abroad take?", 3),
    ("Can I pay by invoice?", 4),
    ("Where do I enter the code of a gift voucher?", 5),
    ("I forgot my password", 6),
    ("How long is the warranty on batteries?", 7),
    ("When do I get my money back?", 9),
    ("Is the shop in Hamburg open on Saturdays?", 12),
    ("do companies get a discount on bulk orders", 13),
];

#[tokio::test]
async fn nine_of_ten_questions_have_their_answer_among_the_first_three() {
    let database = database().await;
    let gateway = gateway(&database, SHOP).await;
    let mut missed = Vec::new();
    for (question, article) in ASKED {
        let found = ids(&gateway, question).await;
        if !found.iter().take(3).any(|id| *id == format!("row:shop:articles:{article}")) {
            missed.push((question, found));
        }
    }
    assert!(missed.len() <= 1, "{missed:#?}");
}

#[tokio::test]
async fn the_signs_of_a_web_search_mean_what_they_mean() {
    let database = database().await;
    let gateway = gateway(&database, SHOP).await;
    assert_eq!(rows(&gateway, "\"gift vouchers\"").await, ["row:shop:articles:5"]);
    let with = rows(&gateway, "parcel").await;
    let without = rows(&gateway, "parcel -label").await;
    assert!(with.contains(&"row:shop:articles:1".to_owned()), "{with:?}");
    assert!(!without.is_empty() && !without.contains(&"row:shop:articles:1".to_owned()), "{without:?}");
    let either = rows(&gateway, "newsletter OR glue").await;
    assert_eq!(either.len(), 2, "{either:?}");
}

#[tokio::test]
async fn no_question_breaks_anything() {
    let database = database().await;
    let gateway = gateway(&database, SHOP).await;
    for question in [
        "'); DROP TABLE shop.articles; --",
        "') OR true --",
        "$1 $2 $3",
        "parcel & | ! <-> (",
        "a:* :A \\",
        "\"open",
        "-",
        "or",
        "nul\u{0}nul",
        "\u{202e}\u{200b}",
        "%_%",
        "🎁 подарок 返品",
    ] {
        let found = super::search(&gateway, question).await;
        assert!(found.is_ok(), "{question}: {found:?}");
    }
    assert!(!rows(&gateway, "'); DROP parcel").await.is_empty(), "signs are no words");
    let long = super::search(&gateway, &"parcel ".repeat(1_500)).await.unwrap_err();
    assert_eq!((long.sqlstate.as_str(), long.rule.as_deref()), ("54000", Some("found.question")));
    let empty = super::search(&gateway, " \u{0} ").await.unwrap_err();
    assert_eq!(empty.sqlstate.as_str(), "22023");
    assert_eq!(rows(&gateway, "glue").await, ["row:shop:articles:15"], "the table is still there");
}
