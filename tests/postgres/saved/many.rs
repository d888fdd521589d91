//! Few queries are tools of their own, many are one; several databases have queries of the same name.

use super::*;
use crate::mcp_tool_schemas::lint;
use crate::support::{Template, unfenced};

fn numbered(count: usize) -> String {
    let one = |n: usize| {
        query(
            &format!("question_{n}"),
            &format!("SELECT {n} + $1::integer AS n"),
            &["{ name = \"more\", type = \"integer\", max = 5 }"],
        )
    };
    (1..=count).map(one).collect()
}

#[tokio::test]
async fn up_to_ten_are_tools_of_their_own() {
    let database = Database::create(Template::Shop).await;
    for count in [3, 10] {
        let mut peer = peer(&database, SHOP, &numbered(count)).await;
        let tools = saved_tools(&mut peer).await;
        assert_eq!(tools.len(), count);
        for tool in &tools {
            assert_eq!(lint(tool), [""; 0], "{tool:#}");
            assert_eq!(tool["execution"]["taskSupport"], "optional", "{tool}");
        }
        let first = &tools[0];
        assert_eq!((&first["name"], &first["title"]), (&json!("question_1"), &json!("Question 1")));
        let schema = &first["inputSchema"];
        assert_eq!(
            schema["properties"]["more"],
            json!({"type": "integer", "description": "a whole number, up to 5"})
        );
        assert_eq!(schema["required"], json!(["more"]));
        assert_eq!(rows(&mut peer, "question_3", json!({"more": 4})).await, json!([[7]]));
        let csv = call(&mut peer, "question_3", json!({"more": 4, "format": "csv"})).await;
        let text = csv["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(unfenced(text), "n\r\n7\r\n", "{csv}");
        // Models name the database everywhere.
        assert_eq!(rows(&mut peer, "question_3", json!({"more": 4, "database": "shop"})).await, json!([[7]]));
        let error = refusal(&mut peer, "question_3", json!({"more": 4, "database": "other"})).await;
        assert_eq!(error["sqlstate"], "3D000", "{error}");
    }
}

#[tokio::test]
async fn more_stand_behind_one_tool_that_lists_and_runs_them() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, SHOP, &numbered(12)).await;
    let tools = saved_tools(&mut peer).await;
    assert_eq!(tools.len(), 1);
    let tool = &tools[0];
    assert_eq!((&tool["name"], lint(tool).as_slice()), (&json!("run_saved_query"), &[][..]), "{tool:#}");
    assert_eq!(tool["inputSchema"]["properties"]["name"]["enum"].as_array().unwrap().len(), 12);
    assert_eq!(tool["execution"]["taskSupport"], "optional");

    let listed = call(&mut peer, "run_saved_query", json!({})).await["result"]["structuredContent"].clone();
    assert_eq!((&listed["total"], &listed["truncated"]), (&json!(12), &json!(false)));
    let seventh = &listed["queries"][6];
    let parameters = json!(["more integer (a whole number, up to 5)"]);
    assert_eq!((&seventh["name"], &seventh["parameters"]), (&json!("question_7"), &parameters));
    assert_eq!(seventh.get("sql"), None);

    let run = |arguments: Value| json!({"name": "question_7", "arguments": arguments});
    for arguments in [json!(["more=5"]), json!({"more": 5}), json!("{\"more\": \"5\"}"), json!("more=5")] {
        assert_eq!(
            rows(&mut peer, "run_saved_query", run(arguments.clone())).await,
            json!([[12]]),
            "{arguments}"
        );
    }
    // By its own name too: a client may have an older list.
    assert_eq!(rows(&mut peer, "question_7", json!({"more": 5})).await, json!([[12]]));
    for (arguments, rule, message) in [
        (run(json!(["more=6"])), "saved.parameter", "parameter `more` of `question_7` is above 5"),
        (run(json!(["less=6"])), "saved.parameter", "`question_7` has no parameter `less`"),
        (
            run(json!(["more"])),
            "saved.parameter",
            "`arguments` of `run_saved_query` must give each parameter once, as name=value",
        ),
        (
            run(json!(["more=1", "more=2"])),
            "saved.parameter",
            "`arguments` of `run_saved_query` must give each parameter once, as name=value",
        ),
        (
            run(json!({"more": [1]})),
            "saved.parameter",
            "`arguments` of `run_saved_query` must give each parameter once, as name=value",
        ),
        (json!({"name": "question_77"}), "saved.unknown", "there is no saved query `question_77`"),
    ] {
        let error = refusal(&mut peer, "run_saved_query", arguments).await;
        assert_eq!((&error["rule"], &error["message"]), (&json!(rule), &json!(message)));
    }
    let error = refusal(&mut peer, "run_saved_query", json!({"name": "question_1"})).await;
    assert_eq!(error["hint"], "give `more` as a whole number, up to 5");
}

#[tokio::test]
async fn a_list_too_long_for_an_answer_is_cut_and_says_so() {
    let database = Database::create(Template::Shop).await;
    let limited = format!("{SHOP}[limits]\nrows = 9\ncharacters = 2000\nseconds = 9\njoins = 9\n");
    let mut peer = peer(&database, &limited, &numbered(60)).await;
    let tool = saved_tools(&mut peer).await.remove(0);
    assert_eq!(tool["inputSchema"]["properties"]["name"].get("enum"), None);
    let answer = call(&mut peer, "run_saved_query", json!({})).await;
    let listed = &answer["result"]["structuredContent"];
    assert_eq!((&listed["total"], &listed["truncated"]), (&json!(60), &json!(true)));
    let shown = listed["queries"].as_array().unwrap().len();
    assert!((5..60).contains(&shown), "{shown}");
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().chars().count() <= 2_000);
}

#[tokio::test]
async fn of_the_same_name_in_several_databases_the_call_says_which() {
    let database = Database::create(Template::Shop).await;
    let policy = || Policy::parse(SHOP, "policy.toml").unwrap();
    let day = "{ name = \"day\", type = \"date\" }";
    let number = "{ name = \"day\", type = \"integer\" }";
    let all = vec![
        served(
            "north",
            &database,
            policy(),
            parsed(&query("same_name", "SELECT 'north' AS place, $1::date AS day", &[day])),
        ),
        served(
            "south",
            &database,
            policy(),
            parsed(
                &(query("same_name", "SELECT 'south' AS place, $1::integer AS day", &[number])
                    + &query("south_only", "SELECT 1 AS one", &[])),
            ),
        ),
        served(
            "west",
            &database,
            Policy::parse(&SHOP.replace("include", "tools = [\"query\", \"schema\"]\ninclude"), "p.toml")
                .unwrap(),
            parsed(&query("same_name", "SELECT 'west' AS place", &[])),
        ),
    ];
    let mut peer = peer_of(gateway_of(all).await).await;
    let tools = saved_tools(&mut peer).await;
    assert_eq!(
        tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["same_name", "south_only"]
    );
    let schema = &tools[0]["inputSchema"];
    assert_eq!(schema["properties"]["database"]["enum"], json!(["north", "south"]));
    assert_eq!(schema["properties"]["day"]["type"], "string");
    assert!(tools.iter().all(|tool| lint(tool).is_empty()), "{tools:?}");
    assert_eq!(tools[1]["inputSchema"]["properties"].get("database"), None);

    for (arguments, answer) in [
        (json!({"day": "2026-01-31", "database": "north"}), json!([["north", "2026-01-31"]])),
        (json!({"day": "31", "database": "south"}), json!([["south", 31]])),
    ] {
        assert_eq!(rows(&mut peer, "same_name", arguments).await, answer);
    }
    assert_eq!(rows(&mut peer, "south_only", json!({})).await, json!([[1]]));
    for (arguments, message) in [
        (json!({"day": "31"}), "several databases have a saved query `same_name`, and the call names none"),
        (
            json!({"day": "31", "database": "west"}),
            "the policy of database `west` has no tools of the group `saved`",
        ),
        (json!({"day": "31", "database": "north"}), "parameter `day` of `same_name` is no value of its type"),
    ] {
        assert_eq!(refusal(&mut peer, "same_name", arguments).await["message"], message);
    }
}
