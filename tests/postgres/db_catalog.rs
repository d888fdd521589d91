//! The catalog snapshot, as an ordinary login reads it from the sample database.

use std::time::{Duration, Instant};

use pgwarden::catalog::{Catalog, Relation, RelationKind, RoutineKind, RowPolicy, Type, TypeKind};
use pgwarden::pg::QualifiedName;

use crate::support::{CORNER_READER, Database, READER, Template, gate, gate_with, until};

fn relation<'a>(catalog: &'a Catalog, schema: &str, name: &str) -> &'a Relation {
    catalog
        .relation(&QualifiedName::new(schema, name))
        .unwrap_or_else(|| panic!("no relation {schema}.{name}"))
}

fn type_named<'a>(catalog: &'a Catalog, schema: &str, name: &str) -> &'a Type {
    catalog
        .type_by_name(&QualifiedName::new(schema, name))
        .unwrap_or_else(|| panic!("no type {schema}.{name}"))
}

/// The routines by name, for reading.
fn names(catalog: &Catalog, oids: &[pgwarden::pg::Oid]) -> Vec<String> {
    let mut names: Vec<String> =
        oids.iter().map(|oid| catalog.routine_by_oid(*oid).unwrap().name.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn tables_come_with_all_that_a_reader_wants_to_know() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    assert_eq!(catalog.database(), database.name());
    assert_eq!(catalog.contents().login, READER);
    assert_eq!(catalog.search_path(), ["shop", "staff", "app"]);
    assert!((140_000..190_000).contains(&catalog.contents().server_version));
    let customers = relation(&catalog, "shop", "customers");
    assert_eq!(customers.kind, RelationKind::Table);
    assert!(customers.row_estimate.unwrap() > 1_000, "{:?}", customers.row_estimate);
    assert!(customers.comment.is_some());
    let column = |name: &str| customers.columns.iter().find(|column| column.name == name).unwrap();
    assert!(column("id").selectable && column("id").not_null);
    assert!(!column("password_hash").selectable);
    assert_eq!(column("segment").type_name, "shop.customer_segment");
    assert!(customers.keys.iter().any(|key| key.primary && key.columns == ["id"]));
    assert!(!customers.indexes.is_empty() && !customers.attached.is_empty());
    let items = relation(&catalog, "shop", "order_items");
    let products = relation(&catalog, "shop", "products").oid;
    assert!(
        items.foreign_keys.iter().any(|key| key.references == products && key.referenced_columns == ["id"])
    );
}

#[tokio::test]
async fn partitions_and_children_know_their_parents() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(CORNER_READER)).ready().await.unwrap();
    let orders = relation(&catalog, "shop", "orders");
    assert_eq!(orders.kind, RelationKind::PartitionedTable);
    let partition = relation(&catalog, "shop", "orders_other");
    assert!(partition.is_partition);
    assert_eq!(partition.parents, [orders.oid]);
    assert!(catalog.children(orders.oid).contains(&partition.oid));
    let both = relation(&catalog, "corner", "measurements_of_places");
    assert!(!both.is_partition);
    let parents = ["measurements", "places"].map(|name| relation(&catalog, "corner", name).oid);
    assert_eq!(both.parents, parents);
}

#[tokio::test]
async fn views_tell_what_they_read_and_what_they_call() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(CORNER_READER)).ready().await.unwrap();
    let body = |name: &str| relation(&catalog, "corner", name).view.clone().unwrap();
    let vault = relation(&catalog, "corner", "vault").oid;
    assert_eq!(body("vault_view").relations, [vault]);
    assert_eq!(body("vault_view_of_view").relations, [relation(&catalog, "corner", "vault_view").oid]);
    assert_eq!(body("vault_copy").relations, [vault]);
    assert_eq!(names(&catalog, &body("vault_count").routines), ["pg_catalog.count"]);
    let innocent = body("innocent_looking");
    assert_eq!(names(&catalog, &innocent.routines), ["corner.leak_one"]);
    assert_eq!(names(&catalog, &body("vault_barrier").routines), ["pg_catalog.int4gt"]);
}

#[tokio::test]
async fn a_view_names_what_operators_casts_and_domains_call_for_it() {
    let database = Database::create(Template::Shop).await;
    let views = "
        CREATE VIEW corner.by_operator AS SELECT OPERATOR(corner.@!@) 1 AS x;
        CREATE VIEW corner.by_cast AS SELECT (7::corner.leaky).v AS x;
        CREATE VIEW corner.by_domain AS SELECT g.id::corner.checked_twice AS x FROM corner.guarded AS g;
        CREATE VIEW corner.by_aggregate AS SELECT corner.spy(g.id) AS x FROM corner.guarded AS g;
        CREATE VIEW corner.by_any AS SELECT g.note::varchar OPERATOR(corner.=) ANY (ARRAY['a'::varchar]) AS x FROM corner.guarded AS g;
        CREATE VIEW corner.by_window AS SELECT row_number() OVER (ORDER BY g.id) AS x FROM corner.guarded AS g;
        CREATE VIEW corner.by_rows AS SELECT (g.id, g.id) < (1, 2) AS x FROM corner.guarded AS g;";
    database.admin().await.batch_execute(views).await.unwrap();
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    let called =
        |name: &str| names(&catalog, &relation(&catalog, "corner", name).view.as_ref().unwrap().routines);
    assert_eq!(called("by_operator"), ["corner.leak_one"]);
    assert_eq!(called("by_cast"), ["corner.to_leaky"]);
    assert_eq!(called("by_domain"), ["corner.is_fine"]);
    assert_eq!(called("by_aggregate"), ["corner.spy"]);
    assert_eq!(called("by_any"), ["corner.leaky_equals"]);
    assert!(called("by_window").contains(&"pg_catalog.row_number".to_owned()));
    assert_eq!(called("by_rows"), ["pg_catalog.int4lt"]);
}

#[tokio::test]
async fn row_security_tells_which_relations_it_reads() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    let tickets = relation(&catalog, "shop", "support_tickets");
    assert!(tickets.row_security);
    assert_eq!(tickets.row_security_reads, [relation(&catalog, "app", "team_access").oid]);
    assert!(!relation(&catalog, "shop", "products").row_security);
}

/// The policy that `pgwarden policy script` would write, and each way in which it may stop to hold.
#[tokio::test]
async fn a_row_filter_counts_as_enforced_only_while_its_policy_is_as_it_was_made() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let login = database.create_login("reader").await;
    let condition = "team = 'delivery'";
    let policy = format!("\"{}\"", RowPolicy::name(condition, &login));
    let make = format!(
        "DROP POLICY IF EXISTS {policy} ON shop.support_tickets;
         CREATE POLICY {policy} ON shop.support_tickets AS RESTRICTIVE FOR SELECT TO {login} USING (team = 'delivery');
         DO $$ BEGIN EXECUTE (
           SELECT format('COMMENT ON POLICY %I ON shop.support_tickets IS %L', p.polname, 'pgwarden ' || md5(pg_get_expr(p.polqual, p.polrelid)))
           FROM pg_policy AS p WHERE p.polname LIKE 'pgwarden%'); END $$"
    );
    let enforces = async |role: &str| {
        let gate = gate_with(&database.url(role), |settings| {
            settings.accepted.extend(["superuser", "bypassrls", "owner"].map(str::to_owned));
        });
        let catalog = gate.ready().await.unwrap();
        gate.close().await;
        relation(&catalog, "shop", "support_tickets").enforces(condition)
    };
    assert!(!enforces(&login).await);
    admin.batch_execute(&make).await.unwrap();
    assert!(enforces(&login).await);
    assert!(!enforces(READER).await, "the policy is not for this login");
    for spoilt in [
        format!("ALTER POLICY {policy} ON shop.support_tickets USING (true)"),
        format!("COMMENT ON POLICY {policy} ON shop.support_tickets IS NULL"),
        format!("ALTER POLICY {policy} ON shop.support_tickets TO {READER}"),
        format!("ALTER POLICY {policy} ON shop.support_tickets RENAME TO other"),
        format!("DROP POLICY {policy} ON shop.support_tickets"),
        "ALTER TABLE shop.support_tickets DISABLE ROW LEVEL SECURITY".to_owned(),
        format!("ALTER ROLE {login} BYPASSRLS"),
    ] {
        let before = "ALTER TABLE shop.support_tickets ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS other ON shop.support_tickets";
        admin.batch_execute(before).await.unwrap();
        admin.batch_execute(&make).await.unwrap();
        assert!(enforces(&login).await);
        admin.batch_execute(&spoilt).await.unwrap();
        assert!(!enforces(&login).await, "{spoilt}");
    }
}

#[tokio::test]
async fn types_tell_what_hides_behind_a_cast_to_them() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    let hidden = |name: &str| names(&catalog, &type_named(&catalog, "corner", name).hidden_routines);
    assert_eq!(hidden("leaky"), ["corner.to_leaky"]);
    assert_eq!(hidden("checked_number"), hidden("checked_twice"));
    assert!(hidden("checked_twice").contains(&"corner.is_fine".to_owned()));
    assert!(hidden("pair").contains(&"corner.is_fine".to_owned()));
    assert!(hidden("_checked_twice").contains(&"corner.is_fine".to_owned()));
    let mood = type_named(&catalog, "corner", "mood");
    assert_eq!(mood.kind, TypeKind::Enum);
    assert_eq!(mood.enum_labels, ["sad", "ok", "happy"]);
    assert!(mood.text_cast_is_function);
    assert_eq!(mood.output, QualifiedName::new("pg_catalog", "enum_out"));
    assert_eq!(mood.display, "corner.mood");
    let pair = type_named(&catalog, "corner", "pair");
    assert_eq!(pair.kind, TypeKind::Composite);
    assert_eq!(pair.fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(type_named(&catalog, "corner", "opaque").output, QualifiedName::new("corner", "opaque_out"));
    assert_eq!(type_named(&catalog, "pg_catalog", "timestamptz").display, "timestamp with time zone");
    assert_eq!(type_named(&catalog, "pg_catalog", "_int4").kind, TypeKind::Array);
    assert!(!type_named(&catalog, "pg_catalog", "int4").text_cast_is_function);
    assert!(type_named(&catalog, "shop", "country_code").text_cast_is_function, "a domain over character(2)");
}

#[tokio::test]
async fn routines_and_operators_are_all_there() {
    let database = Database::create(Template::Shop).await;
    let catalog = gate(&database.url(READER)).ready().await.unwrap();
    assert!(catalog.contents().routines.len() > 3_000);
    let only = |schema: &str, name: &str| {
        let found: Vec<_> = catalog.routines(&QualifiedName::new(schema, name)).cloned().collect();
        assert_eq!(found.len(), 1, "{schema}.{name}");
        found[0].clone()
    };
    let reports = only("staff", "reports_of");
    assert!(reports.returns_set && !reports.out_columns.is_empty(), "{reports:?}");
    assert_eq!(only("corner", "spy").kind, RoutineKind::Aggregate);
    assert_eq!(only("pg_catalog", "row_number").kind, RoutineKind::Window);
    assert_eq!(only("corner", "leak_one").arguments, "which integer");
    assert_eq!(only("pg_catalog", "json_each").out_columns, ["key", "value"]);
    assert_eq!(only("pg_catalog", "version").out_columns, [""; 0]);
    assert!(catalog.contents().routines.iter().any(|routine| routine.security_definer));
    let operator = catalog.operators(&QualifiedName::new("corner", "@!@")).next().unwrap();
    assert_eq!(operator.routine, only("corner", "leak_one").oid);
}

#[tokio::test]
async fn what_an_extension_brings_bears_its_name() {
    let database = Database::create(Template::Empty).await;
    let admin = database.admin().await;
    let there = "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'";
    if admin.query_one(there, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        eprintln!("skipped: this PostgreSQL has no contrib modules");
        return;
    }
    admin.batch_execute("CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext").await.unwrap();
    let reader = database.create_role("reader", "LOGIN").await;
    let catalog = gate(&database.url(&reader)).ready().await.unwrap();
    let extension =
        catalog.contents().extensions.iter().find(|extension| extension.name == "citext").unwrap();
    assert_eq!(extension.schema, "ext");
    assert_eq!(type_named(&catalog, "ext", "citext").extension.as_deref(), Some("citext"));
    let equals: Vec<_> = catalog.operators(&QualifiedName::new("ext", "=")).collect();
    assert!(
        equals.iter().all(|operator| operator.extension.as_deref() == Some("citext")) && !equals.is_empty()
    );
    let routine = catalog.routines(&QualifiedName::new("ext", "citext_eq")).next().unwrap();
    assert_eq!(routine.extension.as_deref(), Some("citext"));
}

#[tokio::test]
async fn the_entrys_search_path_replaces_the_logins() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| {
        settings.search_path = Some(vec!["staff".into(), "nowhere".into(), "shop".into()]);
    });
    assert_eq!(gate.ready().await.unwrap().search_path(), ["staff", "shop"]);
}

#[tokio::test]
async fn a_refresh_reads_again_only_what_has_changed() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate(&database.url(READER));
    let first = gate.ready().await.unwrap();
    admin.batch_execute("ANALYZE; UPDATE shop.products SET name = name").await.unwrap();
    let same = gate.refresh().await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &same), "rows and statistics are no change");
    for change in [
        "CREATE TABLE shop.new_one (id integer)",
        "ALTER TABLE shop.new_one ADD COLUMN name text",
        "COMMENT ON COLUMN shop.new_one.name IS 'how it is called'",
        "GRANT SELECT (id) ON shop.new_one TO PUBLIC",
        "CREATE OR REPLACE VIEW corner.vault_count AS SELECT count(*) AS tokens FROM corner.guarded",
        "CREATE POLICY p ON shop.new_one USING (id > 1)",
        "ALTER DOMAIN shop.percentage ADD CHECK (VALUE <> 99)",
        "CREATE FUNCTION shop.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE shop.new_one",
    ] {
        let before = gate.refresh().await.unwrap();
        admin.batch_execute(change).await.unwrap();
        let after = gate.refresh().await.unwrap();
        assert!(!std::sync::Arc::ptr_eq(&before, &after), "{change}");
    }
}

#[tokio::test]
async fn a_change_is_seen_by_the_calls_that_follow() {
    let database = Database::create(Template::Empty).await;
    let reader = database.create_role("reader", "LOGIN").await;
    let gate = gate(&database.url(&reader));
    gate.ready().await.unwrap();
    database.admin().await.batch_execute("CREATE TABLE public.fresh (id integer)").await.unwrap();
    until("the table is seen without anybody asking for a refresh", || async {
        gate.ready().await.unwrap().relation(&QualifiedName::new("public", "fresh")).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn three_hundred_relations_are_read_in_well_under_a_second() {
    let database = Database::create(Template::Shop).await;
    let many = "DO $$ BEGIN FOR n IN 1..300 LOOP
        EXECUTE format('CREATE TABLE shop.many_%s (id integer PRIMARY KEY, a text, b numeric, c timestamptz, d jsonb, e text UNIQUE)', n);
        EXECUTE format('CREATE VIEW shop.many_view_%s AS SELECT m.*, p.name FROM shop.many_%s AS m JOIN shop.products AS p ON p.id = m.id', n, n);
        END LOOP; END $$";
    database.admin().await.batch_execute(many).await.unwrap();
    let gate = gate(&database.url(READER));
    // The first read also opens a connection and fills its caches.
    gate.ready().await.unwrap();
    database.admin().await.batch_execute("CREATE TABLE shop.one_more ()").await.unwrap();
    let started = Instant::now();
    let catalog = gate.refresh().await.unwrap();
    assert!(catalog.relations().len() > 600);
    // Far above what it takes, for machines that are busy with other tests.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    eprintln!("{} relations in {:?}", catalog.relations().len(), started.elapsed());
}

/// PostgreSQL's own functions look at what is, the rest of the reading at its snapshot.
#[tokio::test]
async fn tables_that_go_while_the_catalog_is_read_do_not_make_it_unreadable() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    gate.ready().await.unwrap();
    let admin = database.admin().await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let changing = async {
        let names: Vec<String> = (0..20).map(|n| format!("public.passing_{n}")).collect();
        let create =
            |name: &String| format!("CREATE TABLE {name} (id integer PRIMARY KEY, n integer CHECK (n > 0));");
        let (create, drop) =
            (names.iter().map(create).collect::<String>(), format!("DROP TABLE {}", names.join(", ")));
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            admin.batch_execute(&create).await.unwrap();
            admin.batch_execute(&drop).await.unwrap();
        }
    };
    let reading = async {
        let mut read = Vec::new();
        for _ in 0..60 {
            read.push(gate.refresh().await.map(|_| ()));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        read
    };
    let (read, ()) = tokio::join!(reading, changing);
    for one in read {
        one.unwrap();
    }
}
