//! A small catalog for tests of what callers see: a shop with partitions, keys, comments, and things to hide.

use crate::catalog::{
    Catalog, CatalogContents, Column, ForeignKey, Index, KeyConstraint, Relation, RelationKind, Schema, Type,
    TypeKind, ViewBody,
};
use crate::pg::{Oid, QualifiedName};
use crate::policy::Policy;

use super::visible::Visible;

const ORDERS: u32 = 103;
const STATUS_TYPE: u32 = 20;

/// It hides the relation `shop.secret_notes`.
pub(super) fn policy() -> Policy {
    let policy =
        "version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n[[deny]]\nselect = [\"*.secret*\"]\n";
    Policy::parse(policy, "shop.toml").unwrap()
}

pub(super) fn visible(catalog: &Catalog) -> Visible<'_> {
    Visible::new(catalog, &policy())
}

pub(super) fn catalog() -> Catalog {
    let schema = |oid: u32, name: &str, usable: bool| Schema {
        oid: Oid(oid),
        name: name.to_owned(),
        comment: (name == "shop").then(|| "what the shop sells".to_owned()),
        usable,
        creators: Vec::new(),
    };
    Catalog::new(CatalogContents {
        database: "shop".to_owned(),
        server_version: 150_018,
        login: "reader".to_owned(),
        search_path: vec!["shop".to_owned()],
        comment: Some("the web shop".to_owned()),
        schemas: vec![schema(1, "shop", true), schema(2, "hr", false), schema(3, "empty", true)],
        relations: relations(),
        types: vec![
            a_type(25, "text", TypeKind::Base),
            Type {
                enum_labels: vec!["placed".to_owned(), "shipped".to_owned()],
                ..a_type(STATUS_TYPE, "order_status", TypeKind::Enum)
            },
            Type { inner: Some(Oid(STATUS_TYPE)), ..a_type(21, "open_status", TypeKind::Domain) },
        ],
        ..CatalogContents::default()
    })
}

fn relations() -> Vec<Relation> {
    let ssn = Column { selectable: false, ..column("ssn", 25, "text") };
    let customers = Relation {
        comment: Some("people who bought something".to_owned()),
        row_estimate: Some(1_000),
        columns: vec![
            Column { not_null: true, identity: true, ..column("id", 25, "bigint") },
            Column { comment: Some("where invoices go".to_owned()), ..column("email", 25, "text") },
            ssn,
            Column { default: Some("hr.guess(ssn)".to_owned()), ..column("age_group", 25, "text") },
        ],
        keys: vec![key("customers_pkey", true, &["id"]), key("customers_ssn_key", false, &["ssn"])],
        indexes: vec![
            index("customers_pkey", "CREATE UNIQUE INDEX customers_pkey ON shop.customers USING btree (id)"),
            index("customers_ssn", "CREATE INDEX customers_ssn ON shop.customers USING btree (lower(ssn))"),
        ],
        checks: vec!["CHECK ((email ~~ '%@%'::text))".to_owned(), "CHECK ((length(ssn) = 9))".to_owned()],
        ..relation(101, "shop", "customers", RelationKind::Table)
    };
    let orders = Relation {
        comment: Some("one line a purchase | by month".to_owned()),
        columns: vec![
            Column { not_null: true, ..column("id", 25, "bigint") },
            Column { not_null: true, ..column("customer_id", 25, "bigint") },
            Column {
                default: Some("'placed'::shop.order_status".to_owned()),
                ..column("status", 21, "shop.open_status")
            },
        ],
        keys: vec![key("orders_pkey", true, &["id"])],
        foreign_keys: vec![
            foreign_key("orders_customer", "customer_id", 101, "id"),
            foreign_key("orders_note", "id", 110, "id"),
        ],
        ..relation(ORDERS, "shop", "orders", RelationKind::PartitionedTable)
    };
    vec![
        customers,
        orders,
        partition(104, "orders_2025_01", ORDERS, RelationKind::Table),
        partition(105, "orders_2025_02", ORDERS, RelationKind::PartitionedTable),
        partition(106, "orders_2025_02_a", 105, RelationKind::Table),
        partition(107, "orders_2025_02_b", 105, RelationKind::Table),
        Relation {
            view: Some(ViewBody {
                relations: vec![Oid(ORDERS)],
                routines: Vec::new(),
                columns: Vec::new(),
                shows_more: false,
            }),
            row_security: true,
            row_estimate: Some(77),
            columns: vec![column("total", 25, "numeric(12,2)")],
            ..relation(108, "shop", "revenue", RelationKind::MaterializedView)
        },
        Relation {
            columns: vec![column("x", 25, "text")],
            ..relation(109, "shop", "Odd \"Name\"", RelationKind::Table)
        },
        Relation {
            columns: vec![column("id", 25, "bigint"), column("secret_text", 25, "text")],
            foreign_keys: vec![foreign_key("notes_customer", "id", 101, "id")],
            ..relation(110, "shop", "secret_notes", RelationKind::Table)
        },
        Relation {
            columns: vec![column("amount", 25, "numeric")],
            ..relation(111, "hr", "salaries", RelationKind::Table)
        },
        Relation {
            columns: vec![Column { selectable: false, ..column("entry", 25, "text") }],
            ..relation(112, "shop", "audit", RelationKind::Table)
        },
        relation(113, "shop", "orders_id_seq", RelationKind::Sequence),
    ]
}

fn relation(oid: u32, schema: &str, name: &str, kind: RelationKind) -> Relation {
    Relation {
        oid: Oid(oid),
        name: QualifiedName::new(schema, name),
        kind,
        owner: "shop_owner".to_owned(),
        columns: Vec::new(),
        comment: None,
        row_estimate: None,
        row_security: false,
        row_security_binds: false,
        row_policies: Vec::new(),
        row_security_reads: Vec::new(),
        parents: Vec::new(),
        is_partition: false,
        attached: Vec::new(),
        view: None,
        keys: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
    }
}

fn partition(oid: u32, name: &str, parent: u32, kind: RelationKind) -> Relation {
    Relation {
        parents: vec![Oid(parent)],
        is_partition: true,
        columns: vec![column("id", 25, "bigint"), column("status", 21, "shop.open_status")],
        ..relation(oid, "shop", name, kind)
    }
}

fn column(name: &str, type_oid: u32, type_name: &str) -> Column {
    Column {
        name: name.to_owned(),
        number: 0,
        type_oid: Oid(type_oid),
        type_name: type_name.to_owned(),
        not_null: false,
        default: None,
        generated: false,
        identity: false,
        comment: None,
        selectable: true,
        collation: None,
    }
}

fn key(name: &str, primary: bool, columns: &[&str]) -> KeyConstraint {
    KeyConstraint { name: name.to_owned(), primary, columns: columns.iter().map(|&c| c.to_owned()).collect() }
}

fn index(name: &str, definition: &str) -> Index {
    Index { name: name.to_owned(), unique: false, valid: true, definition: definition.to_owned() }
}

fn foreign_key(name: &str, column: &str, references: u32, referenced: &str) -> ForeignKey {
    ForeignKey {
        name: name.to_owned(),
        columns: vec![column.to_owned()],
        references: Oid(references),
        referenced_columns: vec![referenced.to_owned()],
    }
}

fn a_type(oid: u32, name: &str, kind: TypeKind) -> Type {
    Type {
        oid: Oid(oid),
        name: QualifiedName::new("shop", name),
        kind,
        display: name.to_owned(),
        inner: None,
        relation: None,
        fields: Vec::new(),
        output: QualifiedName::new("pg_catalog", "textout"),
        text_cast_is_function: false,
        hidden_routines: Vec::new(),
        enum_labels: Vec::new(),
        comment: None,
        extension: None,
    }
}
