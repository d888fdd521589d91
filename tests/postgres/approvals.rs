//! A person's word before anything is written: the stores, and what only the one in PostgreSQL can be asked.

mod command;
mod contract;
mod deciding;
mod executing;
mod ground;
mod sealed;
mod suspended;
mod wire;

use std::time::Duration;

use pgwarden::approvals::{
    ApprovalId, ApprovalRule, ApprovalSettings, Asked, Binding, NewApproval, Person, PostgresApprovals,
    Requester,
};
use pgwarden::auth::Caller;
use pgwarden::db::ConnectionSettings;
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;

use crate::support::Database;

fn connection(database: &Database<'_>) -> ConnectionSettings {
    ConnectionSettings::parse(&database.admin_url(), &|_| None).unwrap()
}

/// In a database that has its tables.
async fn replica(database: &Database<'_>, settings: ApprovalSettings) -> PostgresApprovals {
    PostgresApprovals::open(connection(database), settings, &MasterKey::new([7; 32])).await.unwrap()
}

async fn store(database: &Database<'_>, settings: ApprovalSettings) -> PostgresApprovals {
    migrate(&connection(database)).await.unwrap();
    replica(database, settings).await
}

fn person(subject: &str) -> Person {
    Person { issuer: "https://issuer.test".to_owned(), subject: subject.to_owned() }
}

fn asked(subject: &str, rule: ApprovalRule) -> NewApproval {
    let caller = Caller { issuer: "https://issuer.test".to_owned(), ..Caller::local(subject) };
    let binding = Binding {
        statement: "UPDATE shop.customers SET name = $1".to_owned(),
        params: vec![Some("é".to_owned()), None],
        database: "shop".to_owned(),
        run_as: "clerk".to_owned(),
        policy: "v1".to_owned(),
        requester: Requester::of(&caller),
        relation: "shop.customers".to_owned(),
        effects: [1; 32],
        rows: 10,
    };
    let (request, preview) = ("{\"sql\":\"..\"}".to_owned(), "{\"rows\":1}".to_owned());
    let asked = Asked { binding, rule, client: Some("test/1".to_owned()), request, preview };
    NewApproval { id: ApprovalId::random().unwrap(), asked }
}

fn short(ttl: u64) -> ApprovalSettings {
    ApprovalSettings { ttl: Duration::from_millis(ttl), ..ApprovalSettings::default() }
}
