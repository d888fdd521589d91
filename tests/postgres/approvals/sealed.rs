//! What stands in the table tells nothing, and approves nothing, without the key; and replicas share it.

use pgwarden::approvals::{
    ApprovalRule, ApprovalSettings, ApprovalState, ApprovalStore, PostgresApprovals, Word,
};
use pgwarden::store::MasterKey;

use super::{asked, connection, person, replica, store};
use crate::support::{Database, Template};

/// No compression makes anything else of it.
const MARK: &str = "k3Vq9ZxW7pLm2RtY8nBc";

#[tokio::test]
async fn no_column_shows_what_was_asked_or_said() {
    let database = Database::create(Template::Empty).await;
    let store = store(&database, ApprovalSettings::default()).await;
    let mut new = asked("ann", ApprovalRule::Two);
    let binding = &mut new.asked.binding;
    for text in [&mut binding.statement, &mut binding.run_as, &mut binding.policy, &mut binding.relation] {
        text.push_str(MARK);
    }
    binding.params = vec![Some(MARK.to_owned())];
    (new.asked.request, new.asked.preview) = (MARK.to_owned(), MARK.to_owned());
    store.create(new.clone()).await.unwrap();
    store.decide(new.id, &person(MARK), &Word::Approve).await.unwrap();
    store.decide(new.id, &person("bob"), &Word::Refuse { reason: MARK.to_owned() }).await.unwrap();
    let admin = database.admin().await;
    let row = admin.query_one("SELECT to_jsonb(a)::text FROM pgwarden.approval AS a", &[]).await.unwrap();
    let row: String = row.get(0);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(row.contains(&new.id.to_string()) && row.contains("refused"), "{row}");
    for hidden in [MARK.to_owned(), hex(MARK.as_bytes()), hex(&new.asked.binding.digest())] {
        assert!(!row.contains(&hidden), "{row}");
    }
    // And all of it comes back.
    let read = store.find(new.id).await.unwrap().unwrap();
    assert_eq!(read.asked, new.asked);
    assert_eq!(read.approved_by, [person(MARK)]);
    assert_eq!(read.refused_by, Some((person("bob"), MARK.to_owned())));
    let key = MasterKey::new([8; 32]);
    let other = PostgresApprovals::open(connection(&database), ApprovalSettings::default(), &key);
    let error = other.await.unwrap().find(new.id).await.unwrap_err();
    assert!(error.message.contains("altered, or that another key has sealed"), "{error}");
}

#[tokio::test]
async fn who_writes_to_the_table_approves_nothing() {
    let database = Database::create(Template::Empty).await;
    let store = store(&database, ApprovalSettings::default()).await;
    let admin = database.admin().await;
    let (new, other) = (asked("ann", ApprovalRule::Requester), asked("ann", ApprovalRule::Two));
    for one in [&new, &other] {
        store.create(one.clone()).await.unwrap();
    }
    let digest = new.asked.binding.digest();
    admin.batch_execute("UPDATE pgwarden.approval SET state = 'approved'").await.unwrap();
    for (id, digest) in [(new.id, digest), (other.id, other.asked.binding.digest())] {
        store.take(id, digest).await.unwrap_err();
        assert!(store.find(id).await.is_err());
    }
    // A word from another approval, and one person's word twice.
    admin.batch_execute("UPDATE pgwarden.approval SET state = 'pending'").await.unwrap();
    assert!(store.decide(other.id, &person("ann"), &Word::Approve).await.unwrap());
    let forge = "UPDATE pgwarden.approval AS a SET state = 'approved', first = b.first, second = b.first
                 FROM pgwarden.approval AS b WHERE b.first IS NOT NULL";
    admin.batch_execute(forge).await.unwrap();
    for (id, digest) in [(new.id, digest), (other.id, other.asked.binding.digest())] {
        store.take(id, digest).await.unwrap_err();
    }
    // Another requester's name does not make it theirs.
    admin.batch_execute("UPDATE pgwarden.approval SET state = 'pending', subject = 'eve'").await.unwrap();
    assert_eq!(store.pending(Some(&person("eve"))).await.unwrap(), []);
}

#[tokio::test]
async fn replicas_share_it_and_hear_of_each_other() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, ApprovalSettings::default()).await;
    let two = replica(&database, ApprovalSettings::default()).await;
    let new = asked("ann", ApprovalRule::Two);
    let mut changes = two.changes();
    one.create(new.clone()).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), new.id);
    assert!(one.decide(new.id, &person("ann"), &Word::Approve).await.unwrap());
    assert!(!two.decide(new.id, &person("ann"), &Word::Approve).await.unwrap());
    assert!(two.decide(new.id, &person("bob"), &Word::Approve).await.unwrap());
    assert_eq!(one.find(new.id).await.unwrap().unwrap().state, ApprovalState::Approved);
    let digest = new.asked.binding.digest();
    let (here, there) = tokio::join!(one.take(new.id, digest), two.take(new.id, digest));
    assert_eq!([here.unwrap(), there.unwrap()].iter().filter(|taken| **taken).count(), 1);
}
