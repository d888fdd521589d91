//! Policy files that change while calls run.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pgwarden::gateway::Health;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

/// Keeps what decision events say: query id, policy, relations.
#[derive(Clone, Default)]
struct Decisions(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl tracing::Subscriber for Decisions {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "pgwarden::decision"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A runtime with several threads, all of whose decisions are kept.
fn runtime(decisions: &Decisions) -> tokio::runtime::Runtime {
    let dispatch = tracing::Dispatch::new(decisions.clone());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .unwrap()
}

const ORDERS: &str = "SELECT count(*) FROM shop.orders";
const PRODUCTS: &str = "SELECT count(*) FROM shop.products";
const BOTH: &str = "SELECT (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM shop.products)";

#[test]
fn no_call_sees_a_mix_of_two_policies_in_a_thousand_reloads() {
    let decisions = Decisions::default();
    // With one subscriber alone, a thread that has none would settle for all of them that nobody listens.
    let _second = tracing::Dispatch::new(Decisions::default());
    runtime(&decisions).block_on(async {
        // Calls run on the workers, whose decisions are kept.
        tokio::spawn(reload_under_load()).await.unwrap();
    });
    let version = |relation: &str| parsed(&allowing(&[relation])).version().to_owned();
    let (orders, products) = (version("shop.orders"), version("shop.products"));
    let mut by_call: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for decision in decisions.0.lock().unwrap().iter() {
        let policy = decision["policy"].clone();
        assert!(policy == orders || policy == products, "{decision:?}");
        if decision["decision"] == "allow" {
            let expected = if policy == orders { "shop.orders" } else { "shop.products" };
            assert_eq!(decision["relations"], expected);
        }
        by_call.entry(decision["query_id"].clone()).or_default().push((policy, decision["decision"].clone()));
    }
    assert!(by_call.values().all(|decisions| decisions.len() == 1));
    let allowed = |version: &str| {
        by_call.values().filter(|decisions| decisions[0] == (version.to_owned(), "allow".to_owned())).count()
    };
    let counts = (allowed(&orders), allowed(&products));
    assert!(counts.0 > 10 && counts.1 > 10, "{counts:?} of {}", by_call.len());
}

async fn reload_under_load() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let path = folder.put("policy.toml", &allowing(&["shop.orders"]));
    let gateway = gateway_with(&database, load(&path));
    gateway.ready().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let calls = [ORDERS, PRODUCTS, BOTH, ORDERS, PRODUCTS, BOTH].map(|sql| {
        let (gateway, done, answered) = (gateway.clone(), Arc::clone(&done), Arc::clone(&answered));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let answer = query(&gateway, sql).await;
                assert!(sql != BOTH || answer.is_err(), "a statement over both was allowed");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    // A name that is not there is looked for again in a catalog that changed: such a call checks twice.
    let admin = database.admin().await;
    let changes = Arc::clone(&done);
    let changing = tokio::spawn(async move {
        for number in 0.. {
            if changes.load(Ordering::Relaxed) {
                return;
            }
            admin.batch_execute(&format!("COMMENT ON TABLE shop.reviews IS '{number}'")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    for reload in 0..1_000 {
        let relation = if reload % 2 == 0 { "shop.products" } else { "shop.orders" };
        folder.put("policy.toml", &allowing(&[relation]));
        gateway.reload(false).await;
        // Some calls begin under each.
        if reload % 50 < 2 {
            let before = answered.load(Ordering::Relaxed);
            while answered.load(Ordering::Relaxed) < before + 6 {
                tokio::task::yield_now().await;
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    changing.await.unwrap();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_keeps_the_policy_and_is_told_with_its_place() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let path = folder.put("policy.toml", &allowing(&["shop.orders"]));
    let gateway = gateway_with(&database, load(&path));
    query(&gateway, ORDERS).await.unwrap();
    let full = allowing(&["shop.orders", "shop.products"]);
    for (what, text, line) in [
        ("empty", "", 1),
        ("truncated within a string", full.get(..full.len() - 10).unwrap(), 4),
        ("misspelt", &full.replace("select", "selekt"), 4),
        ("names what is not there", &full.replace("products", "prodducts"), 4),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(gateway.files_changed(), "{what}");
        gateway.reload(false).await;
        let Health::Degraded { policies: places, .. } = gateway.health().await else {
            panic!("healthy: {what}")
        };
        assert_eq!((places.len(), places[0].line), (1, line), "{what}");
        query(&gateway, ORDERS).await.unwrap();
        assert!(query(&gateway, PRODUCTS).await.is_err(), "{what}");
    }
    std::fs::remove_file(&path).unwrap();
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Degraded { .. }));
    query(&gateway, ORDERS).await.unwrap();
    // The file as it was before is no news, and no fault.
    folder.put("policy.toml", &allowing(&["shop.orders"]));
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Ready));
    folder.put("policy.toml", &full);
    gateway.reload(false).await;
    query(&gateway, PRODUCTS).await.unwrap();
}

#[tokio::test]
async fn links_and_included_files_are_watched_too() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let including = "version = 1\ninclude = [\"base.toml\"]\n";
    let base = folder.put("base.toml", &allowing(&["shop.orders"]));
    let path = folder.put("policy.toml", including);
    let gateway = gateway_with(&database, load(&path));
    query(&gateway, ORDERS).await.unwrap();
    assert!(!gateway.files_changed());

    folder.put("base.toml", &allowing(&["shop.products"]));
    assert!(gateway.files_changed());
    gateway.reload(false).await;
    query(&gateway, PRODUCTS).await.unwrap();
    assert!(query(&gateway, ORDERS).await.is_err());

    // As Kubernetes swaps the files of a ConfigMap.
    let other = folder.put("other.toml", &allowing(&["shop.orders"]));
    std::fs::remove_file(&base).unwrap();
    symlink(&other, &base).unwrap();
    gateway.reload(false).await;
    query(&gateway, ORDERS).await.unwrap();

    if !nix::unistd::geteuid().is_root() {
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o000)).unwrap();
        gateway.reload(false).await;
        assert!(matches!(gateway.health().await, Health::Degraded { .. }));
    }
    std::fs::remove_file(&other).unwrap();
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Degraded { .. }));
    query(&gateway, ORDERS).await.unwrap();
}

#[tokio::test]
async fn a_policy_that_was_ahead_of_the_database_is_taken_when_the_database_follows() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let path = folder.put("policy.toml", &allowing(&["shop.orders"]));
    let gateway = gateway_with(&database, load(&path));
    query(&gateway, ORDERS).await.unwrap();
    folder.put("policy.toml", &allowing(&["shop.offers"]));
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Degraded { .. }));
    database.admin().await.batch_execute("ALTER TABLE shop.promotions RENAME TO offers").await.unwrap();
    crate::support::until("taken", async || {
        gateway.reload(false).await;
        query(&gateway, "SELECT * FROM shop.offers").await.ok()
    })
    .await;
    assert!(matches!(gateway.health().await, Health::Ready));
}
