//! Attacks on filters, masks and denied columns, as a caller would try them.

mod existence;
mod names;
mod surfaces;
mod values;

use pgwarden::policy::Policy;

use super::{Lab, policy};

/// What the attacks need besides the fixture: relations that look alike, collations, numbers out of range, families.
const MORE: &str = include_str!("attacks.sql");

impl Lab {
    async fn attacked(rules: &str) -> Self {
        let mut lab = Self::create("[[allow]]\nselect = [\"lab.*\"]").await;
        let login = lab.catalog.contents().login.clone();
        lab.database.admin().await.batch_execute(&MORE.replace("{login}", &login)).await.unwrap();
        lab.catalog = lab.gate.refresh().await.unwrap();
        lab.policy = policy(rules);
        assert_eq!(lab.policy.missing(&lab.catalog), []);
        assert_eq!(pgwarden::sql::policy_errors(&lab.policy, &lab.cx()), []);
        lab
    }

    /// Rows in one order, or the SQLSTATE and whether pgwarden said it.
    async fn outcome(&self, sql: &str) -> String {
        match self.run(sql).await {
            Ok(page) => {
                let mut rows: Vec<String> = page.rows.iter().map(|row| format!("{row:?}")).collect();
                rows.sort();
                rows.join(" ")
            }
            Err(no) => format!("{} {}", no.rule.as_deref().map_or("postgresql", |_| "refused"), no.sqlstate),
        }
    }

    async fn without_hidden_rows(&self) {
        let delete = "DELETE FROM lab.orders WHERE tenant = 'b'; DELETE FROM lab.customers WHERE tenant = 'b'; \
            DELETE FROM lab.odd WHERE tenant = 'b'; DELETE FROM lab.events WHERE tenant = 'b'; \
            DELETE FROM lab.assets WHERE tenant = 'b'";
        self.database.admin().await.batch_execute(delete).await.unwrap();
    }
}

/// Everything but what a filter hides.
fn filtered(condition: &str) -> Policy {
    policy(&format!(
        "[[allow]]\nselect = [\"lab.*\"]\n[[filter]]\nrelations = [\"lab.customers\", \"lab.orders\", \
         \"lab.odd\", \"lab.events\", \"lab.assets\"]\nwhere = \"{condition}\""
    ))
}
