//! Hidden is missing: denied, hidden and nonexistent things answer alike, byte for byte, but for their names.

use pgwarden::policy::Policy;

use super::Guarded;
use crate::support::{CORNER_READER, Template};

/// Statements with `@` for the name; the hidden name, and a missing one as long and as near to others.
const PAIRS: &[(&str, &str, &[&str])] = &[
    ("corner.vault", "corner.vauxt", RELATION),
    ("corner.vault_view", "corner.vauxt_xiew", RELATION),
    ("corner.customer_logins", "corner.cuxtomer_xogins", RELATION),
    ("staff.payroll", "staff.paxroll", RELATION),
    ("app.api_keys", "app.api_kexs", RELATION),
    ("corner.measurements_hidden", "corner.meaxurements_xidden", RELATION),
    ("pg_catalog.pg_class", "pg_catalog.pg_clxss", RELATION),
    ("hidden_schema_.t", "hidden_schexa_.t", RELATION),
    ("ssn", "sxn", COLUMN),
    ("salary", "salxry", COLUMN),
    ("bank_account", "bank_accoxnt", COLUMN),
    ("corner.leak_one", "corner.leax_onx", FUNCTION),
    ("leak_one", "leax_onx", FUNCTION),
    ("shop.ssn_of", "shop.sxn_of", FUNCTION),
    ("corner.mood", "corner.moox", TYPE),
    ("corner.leaky", "corner.leaxy", TYPE),
    ("corner.checked_number", "corner.checkex_number", TYPE),
    ("corner.vault", "corner.vauxt", TYPE),
    ("staff.payroll", "staff.paxroll", TYPE),
];
const RELATION: &[&str] = &[
    "SELECT * FROM @",
    "SELECT count(*) FROM @ AS x",
    "SELECT 1 FROM shop.orders JOIN @ ON true",
    "SELECT (SELECT 1 FROM @)",
    "SELECT * FROM @, shop.orders",
    "EXPLAIN SELECT * FROM @",
    "SELECT @.id FROM shop.orders",
    "WITH a AS (SELECT * FROM @) SELECT 1",
    "SELECT NULL::@",
    "SELECT 1 FROM @ TABLESAMPLE SYSTEM (1)",
    "SELECT pg_typeof(1)::text = '@'",
];
const COLUMN: &[&str] = &[
    "SELECT @ FROM staff.employees",
    "SELECT e.@ FROM staff.employees AS e",
    "SELECT 1 FROM staff.employees ORDER BY @",
    "SELECT 1 FROM staff.employees WHERE @ IS NULL",
    "SELECT 1 FROM staff.employees GROUP BY @",
    "SELECT staff.employees.@ FROM staff.employees",
    "SELECT 1 FROM staff.employees a JOIN staff.employees b USING (@)",
    "SELECT sum(id) OVER (ORDER BY @) FROM staff.employees",
    "SELECT (SELECT @) FROM staff.employees",
];
const FUNCTION: &[&str] = &[
    "SELECT @(1)",
    "SELECT * FROM @(1)",
    "SELECT 1 WHERE @(1) IS NULL",
    "SELECT * FROM shop.orders, LATERAL @(id)",
    "SELECT sum(@(1))",
    "SELECT @(1) OVER ()",
];
const TYPE: &[&str] = &[
    "SELECT NULL::@",
    "SELECT CAST('x' AS @)",
    "SELECT '{}'::@[]",
    "SELECT * FROM json_to_record('{}') AS x(a @)",
    "SELECT jsonb_populate_record(NULL::@, '{}')",
];

#[tokio::test]
async fn hidden_and_missing_names_answer_alike() {
    let guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    alike(&guarded).await;
}

#[tokio::test]
async fn a_name_that_the_policy_denies_answers_like_a_missing_one() {
    let mut guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    guarded.policy = Policy::parse(
        "version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n[[deny]]\nselect = [\"shop.order*\"]\n",
        "p",
    )
    .unwrap();
    for sql in ["SELECT * FROM @", "SELECT NULL::@", "SELECT @.id FROM shop.products"] {
        let hidden = guarded.answer(&sql.replace('@', "shop.orders"), &[]).await;
        let missing = guarded.answer(&sql.replace('@', "shop.oxdexs"), &[]).await;
        assert_eq!(masked(&hidden.0, "shop.orders"), masked(&missing.0, "shop.oxdexs"), "{sql}");
    }
    // The view reads shop.orders, the partition is one of its parts.
    for name in ["shop.monthly_sales", "shop.order_totals"] {
        assert_eq!(guarded.rule(&format!("SELECT * FROM {name}")), "sql.relations");
    }
}

/// Reading a parent reads its children: where one is denied, so is the parent.
#[tokio::test]
async fn a_denied_child_or_partition_denies_its_parents() {
    let mut guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    for (denied, parent) in
        [("corner.measurements_attic", "corner.measurements"), ("shop.orders_2*", "shop.orders")]
    {
        assert!(guarded.check(&format!("SELECT * FROM {parent}")).is_ok());
        let text = format!(
            "version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n[[deny]]\nselect = [\"{denied}\"]\n"
        );
        guarded.policy = Policy::parse(&text, "p").unwrap();
        assert_eq!(guarded.rule(&format!("SELECT * FROM {parent}")), "sql.relations");
        guarded.policy = Policy::builtin();
    }
}

/// A view over what the login may not read itself needs the policy's trust.
#[tokio::test]
async fn a_view_that_shows_more_is_allowed_by_trust_alone() {
    let mut guarded = Guarded::create(Template::Shop, CORNER_READER).await;
    let sql = "SELECT * FROM corner.vault_count";
    assert_eq!(guarded.rule(sql), "sql.relations");
    for (select, allowed) in [
        ("\"corner.*\"]", false),
        ("\"corner.vault_count\"]", false),
        ("\"corner.vault_count\"]\ntrust = true", true),
    ] {
        let text = format!("version = 1\ninclude = []\n[[allow]]\nselect = [{select}\n");
        guarded.policy = Policy::parse(&text, "p").unwrap();
        assert_eq!(guarded.check(sql).is_ok(), allowed, "{select}");
    }
}

async fn alike(guarded: &Guarded) {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (hidden, missing, shapes) in PAIRS {
        assert_eq!(hidden.len(), missing.len());
        for shape in *shapes {
            compared += 1;
            let one = guarded.answer(&shape.replace('@', hidden), &[]).await.0;
            let other = guarded.answer(&shape.replace('@', missing), &[]).await.0;
            let (one, other) = (masked(&one, hidden), masked(&other, missing));
            if one != other {
                wrong.push(format!("{shape} {hidden}\n   {one}\n   {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 100, "{compared}");
}

/// Without the name, whole or its last part.
fn masked(answer: &str, name: &str) -> String {
    let last = name.rsplit('.').next().unwrap();
    let head = name.split('.').next().unwrap();
    answer.replace(name, "@").replace(&format!("`{last}`"), "`@`").replace(&format!("`{head}`"), "`@`")
}
