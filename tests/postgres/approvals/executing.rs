//! What runs is what was approved, once, for the one who asked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pgwarden::approvals::{ApprovalId, ApprovalState, Binding, MemoryApprovals, NewApproval, Person, Word};
use pgwarden::auth::Caller;
use pgwarden::gateway::{ExecuteRequest, Executed, WriteRequest};
use tokio_util::sync::CancellationToken;

use super::ground::{
    Ground, INSERT, Setup, ann, approve, approved, ask, decide, execute, insert, rule, use_it, with_scopes,
};
use super::short;

#[tokio::test]
async fn a_write_waits_for_the_person_who_asked_and_runs_once() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("first")).await;
    assert_eq!(ground.notes("first").await, 0);
    let shown = (approval.statement.as_str(), &approval.params[..], approval.database.as_str());
    assert_eq!(
        shown,
        (
            r#"INSERT INTO "s"."notes" AS "notes" ("body") VALUES ($1)"#,
            &[Some("first".to_owned())][..],
            "ground"
        )
    );
    assert_eq!((approval.run_as.as_str(), approval.relation.as_str()), (&*ground.login, "s.notes"));
    assert_eq!(
        (approval.kind.as_str(), approval.rows, approval.preview()["ran"].as_bool()),
        ("INSERT", 10, Some(false))
    );
    assert_eq!((approval.requester.subject.as_str(), approval.client.as_deref()), ("ann", Some("test/1")));
    let waiting = execute(&gateway, &ann(), approved(approval.id), Duration::ZERO).await.unwrap();
    assert!(matches!(waiting, Executed::Waiting(_)), "{waiting:?}");
    assert_eq!(gateway.open_approvals(&ann()).await.unwrap(), std::slice::from_ref(&approval));
    assert_eq!(approve(&gateway, &ann(), approval.id).await.state, ApprovalState::Approved);
    assert_eq!(ground.notes("first").await, 0, "approving runs nothing");
    assert_eq!(gateway.open_approvals(&ann()).await.unwrap(), []);
    let written = use_it(&gateway, &ann(), approval.id).await.unwrap();
    assert_eq!((written.rows, ground.notes("first").await), (1, 1));
    let again = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
    assert_eq!(rule(&again), ("42501", "approval.used"));
    assert_eq!(ground.notes("first").await, 1);
}

#[tokio::test]
async fn a_hundred_uses_at_once_are_one_execution() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("once")).await;
    approve(&gateway, &ann(), approval.id).await;
    let caller = ann();
    let uses = join_all((0..100).map(|_| use_it(&gateway, &caller, approval.id))).await;
    let (done, refused): (Vec<_>, Vec<_>) = uses.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), ground.notes("once").await), (1, 1));
    for refusal in refused {
        assert_eq!(rule(&refusal.unwrap_err()), ("42501", "approval.used"));
    }
}

#[tokio::test]
async fn for_anybody_else_there_is_no_such_approval() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let mine = Caller {
        issuer: "https://id.example".to_owned(),
        client_id: Some("app".to_owned()),
        claims: [("role", "clerk")].into_iter().collect(),
        ..ann()
    };
    let approval = ask(&gateway, &mine, insert("mine")).await;
    let stored = ground.store.find(approval.id).await.unwrap().unwrap();
    assert!(ground.store.decide(approval.id, stored.requester(), &Word::Approve).await.unwrap());
    let none = ApprovalId::random().unwrap();
    let unknown = execute(&gateway, &mine, approved(none), Duration::ZERO).await.unwrap_err();
    assert_eq!(rule(&unknown), ("42704", "approval.unknown"));
    let others = [
        Caller { subject: "bob".to_owned(), ..mine.clone() },
        Caller { issuer: String::new(), ..mine.clone() },
        Caller { client_id: Some("other".to_owned()), ..mine.clone() },
        Caller { client_id: None, ..mine.clone() },
        Caller { claims: [("role", "boss")].into_iter().collect(), ..mine.clone() },
    ];
    for other in &others {
        let refusal = execute(&gateway, other, approved(approval.id), Duration::ZERO).await.unwrap_err();
        assert_eq!(refusal, unknown, "{other:?}");
        assert_eq!(
            gateway
                .await_approval(other, approval.id, Duration::ZERO, &CancellationToken::new())
                .await
                .unwrap(),
            None
        );
    }
    assert_eq!(ground.notes("mine").await, 0);
    assert_eq!(ground.state(approval.id).await, ApprovalState::Approved);
    use_it(&gateway, &mine, approval.id).await.unwrap();
}

/// Every field, each in an approval of its own whose stored request is the same.
#[tokio::test]
async fn whatever_of_it_is_another_one_by_then_it_does_not_run() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let model = ask(&gateway, &ann(), insert("bound")).await;
    let asked = ground.store.find(model.id).await.unwrap().unwrap().asked;
    let change: [fn(&mut Binding); 8] = [
        |binding| binding.statement.push(' '),
        |binding| binding.params = vec![Some("harmless".to_owned())],
        |binding| binding.params.clear(),
        |binding| binding.database = "test".to_owned(),
        |binding| binding.run_as = "nobody".to_owned(),
        |binding| binding.policy = "other".to_owned(),
        |binding| binding.relation = "s.other".to_owned(),
        |binding| binding.rows = 1,
    ];
    for (number, change) in change.iter().enumerate() {
        let mut new = NewApproval { id: ApprovalId::random().unwrap(), asked: asked.clone() };
        change(&mut new.asked.binding);
        let id = new.id;
        ground.store.create(new).await.unwrap();
        approve(&gateway, &ann(), id).await;
        let refusal = use_it(&gateway, &ann(), id).await.unwrap_err();
        assert_eq!(rule(&refusal), ("42501", "approval.changed"), "change {number}");
        // It is given away, but for where it could still run as it was approved.
        let state = if matches!(number, 3..=5) { ApprovalState::Approved } else { ApprovalState::Used };
        assert_eq!(ground.state(id).await, state, "change {number}");
    }
    // The requester's own: the one who asked is another one.
    let mut new = NewApproval { id: ApprovalId::random().unwrap(), asked };
    new.asked.binding.requester.person = Person::of(&Caller::local("bob"));
    let id = new.id;
    ground.store.create(new).await.unwrap();
    approve(&gateway, &Caller::local("bob"), id).await;
    let refusal = use_it(&gateway, &ann(), id).await.unwrap_err();
    assert_eq!(rule(&refusal), ("42704", "approval.unknown"));
    assert_eq!(ground.notes("bound").await, 0);
    approve(&gateway, &ann(), model.id).await;
    use_it(&gateway, &ann(), model.id).await.unwrap();
    assert_eq!(ground.notes("bound").await, 1, "the one that nobody changed");
}

#[tokio::test]
async fn another_role_database_or_policy_needs_another_approval() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let writer = ground.writer("other").await;
    let setup = || ground.setup("requester");
    for (what, other) in [
        ("role", Setup { login: &writer, ..setup() }),
        ("database", Setup { name: "elsewhere", ..setup() }),
        ("cap", Setup { rows: 1_000, ..setup() }),
        ("nobody is asked", Setup { approval: "none", ..setup() }),
        ("somebody else is", Setup { approval: "two", ..setup() }),
    ] {
        let approval = ask(&gateway, &ann(), insert(what)).await;
        approve(&gateway, &ann(), approval.id).await;
        let other = ground.gateway_of(&other, "other.toml");
        let refusal = use_it(&other, &ann(), approval.id).await.unwrap_err();
        assert_eq!((rule(&refusal), ground.notes(what).await), (("42501", "approval.changed"), 0), "{what}");
        // The same person may have other tokens and programs: it still waits for its own.
        use_it(&gateway, &ann(), approval.id).await.unwrap();
        assert_eq!(ground.notes(what).await, 1);
    }
}

#[tokio::test]
async fn a_policy_that_is_read_again_in_between_needs_another_approval() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("reload")).await;
    approve(&gateway, &ann(), approval.id).await;
    ground.policy("policy.toml", "requester", 9);
    gateway.reload(true).await;
    let refusal = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
    assert_eq!((rule(&refusal), ground.notes("reload").await), (("42501", "approval.changed"), 0));
    assert!(refusal.hint.as_ref().unwrap().contains("ask for a new approval"), "{refusal}");
    let approval = ask(&gateway, &ann(), insert("reload")).await;
    approve(&gateway, &ann(), approval.id).await;
    use_it(&gateway, &ann(), approval.id).await.unwrap();
}

#[tokio::test]
async fn a_table_of_the_same_name_or_a_trigger_that_came_in_between_needs_another_approval() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let admin = ground.database.admin().await;
    let function =
        "CREATE FUNCTION public.besides() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
    admin.batch_execute(function).await.unwrap();
    let trigger =
        "CREATE TRIGGER besides BEFORE INSERT ON s.notes FOR EACH ROW EXECUTE FUNCTION public.besides()";
    let other = "ALTER TABLE s.notes RENAME TO old; CREATE TABLE s.notes (LIKE s.old INCLUDING ALL)";
    for change in [trigger, "DROP TRIGGER besides ON s.notes", other] {
        let approval = ask(&gateway, &ann(), insert("besides")).await;
        approve(&gateway, &ann(), approval.id).await;
        admin.batch_execute(change).await.unwrap();
        let refusal = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
        // Of another table it is found out by its locks, as long as the catalog is the one from before.
        let rules = [("42501", "approval.changed"), ("42501", "server.locks")];
        assert!(rules.contains(&rule(&refusal)), "{change}: {refusal}");
        assert_eq!(ground.notes("besides").await, 0, "{change}");
    }
}

#[tokio::test]
async fn what_is_said_again_has_to_be_the_same() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("again")).await;
    approve(&gateway, &ann(), approval.id).await;
    let mut others = [insert("another"), insert("again"), insert("again"), insert("again")];
    others[1].sql = format!("{INSERT} ");
    others[2].params.clear();
    others[3].database = Some("other".to_owned());
    for other in others {
        let request = ExecuteRequest::Approved { id: approval.id, again: Some(other) };
        let refusal = execute(&gateway, &ann(), request, Duration::ZERO).await.unwrap_err();
        assert_eq!(rule(&refusal), ("22023", "approval.other"));
    }
    assert_eq!(ground.state(approval.id).await, ApprovalState::Approved, "it is not given away for that");
    let same = WriteRequest { database: Some("ground".to_owned()), ..insert("again") };
    let request = ExecuteRequest::Approved { id: approval.id, again: Some(same) };
    let done = execute(&gateway, &ann(), request, Duration::ZERO).await.unwrap();
    assert!(matches!(done, Executed::Done(_)), "{done:?}");
    assert_eq!((ground.notes("again").await, ground.notes("another").await), (1, 0));
}

#[tokio::test]
async fn where_nobody_is_asked_it_runs_at_once() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("none");
    let request = ExecuteRequest::New(insert("at once"));
    let done = execute(&gateway, &ann(), request, Duration::ZERO).await.unwrap();
    assert!(matches!(done, Executed::Done(_)), "{done:?}");
    assert_eq!(ground.notes("at once").await, 1);
    assert_eq!(ground.store.pending(None).await.unwrap(), []);
}

#[tokio::test]
async fn an_approval_that_fails_is_used_up_and_writes_nothing() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let twice = WriteRequest {
        sql: "INSERT INTO s.notes (id, body) VALUES (1, 'twice')".to_owned(),
        ..WriteRequest::default()
    };
    let approval = ask(&gateway, &ann(), twice).await;
    approve(&gateway, &ann(), approval.id).await;
    let failure = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
    assert_eq!(failure.sqlstate.as_str(), "23505", "{failure}");
    assert_eq!(rule(&use_it(&gateway, &ann(), approval.id).await.unwrap_err()).1, "approval.used");
    // The cap is one of what runs.
    let all = WriteRequest { sql: "UPDATE s.notes SET body = 'all'".to_owned(), ..WriteRequest::default() };
    let approval = ask(&gateway, &ann(), all).await;
    approve(&gateway, &ann(), approval.id).await;
    let capped = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
    assert_eq!((rule(&capped), ground.notes("all").await), (("54000", "limits.write_rows"), 0));
}

#[tokio::test]
async fn a_call_waits_for_the_word_and_its_end_leaves_the_approval() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("waited")).await;
    let cancel = CancellationToken::new();
    let caller = ann();
    let waiting = gateway.execute(&caller, approved(approval.id), Duration::from_secs(60), &cancel);
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(waiting, cancelling);
    assert_eq!(ended.unwrap_err().sqlstate.as_str(), "57014");
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
    let waiting = execute(&gateway, &caller, approved(approval.id), Duration::from_secs(60));
    let approving = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        approve(&gateway, &ann(), approval.id).await
    };
    let (done, _) = tokio::join!(waiting, approving);
    assert!(matches!(done.unwrap(), Executed::Done(_)));
    assert_eq!(ground.notes("waited").await, 1);
}

#[tokio::test]
async fn its_time_is_over_whatever_it_was() {
    let ground = Ground::with(Arc::new(MemoryApprovals::new(short(1_500)))).await;
    let gateway = ground.gateway("requester");
    let (pending, given) =
        (ask(&gateway, &ann(), insert("p")).await, ask(&gateway, &ann(), insert("g")).await);
    approve(&gateway, &ann(), given.id).await;
    // Whoever waits is told when it ends, and not later.
    let refusal = execute(&gateway, &ann(), approved(pending.id), Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(rule(&refusal), ("42501", "approval.expired"));
    let refusal = use_it(&gateway, &ann(), given.id).await.unwrap_err();
    assert_eq!(rule(&refusal), ("42501", "approval.expired"));
    assert_eq!((ground.notes("p").await, ground.notes("g").await), (0, 0));
    let late = decide(&gateway, &ann(), pending.id, pgwarden::gateway::Decision::Approve).await.unwrap();
    assert!(matches!(late, pgwarden::gateway::Decided::TooLate(_)), "{late:?}");
}

#[tokio::test]
async fn without_the_scope_nothing_is_asked_or_used() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("scope")).await;
    approve(&gateway, &ann(), approval.id).await;
    let reader = with_scopes("ann", "read approve");
    for request in [ExecuteRequest::New(insert("scope")), approved(approval.id)] {
        let refusal = execute(&gateway, &reader, request, Duration::ZERO).await.unwrap_err();
        assert_eq!(rule(&refusal), ("42501", "auth.scope"));
    }
    assert_eq!(ground.store.pending(None).await.unwrap(), []);
    assert_eq!((ground.state(approval.id).await, ground.notes("scope").await), (ApprovalState::Approved, 0));
}
