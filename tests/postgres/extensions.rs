//! Extensions that a policy allows: the same answers as in psql, and nothing with a side effect.

mod closed;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use pgwarden::db::Database as Gate;
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};
use tokio_postgres::{Client, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use crate::support::{Database, Page, Template, gate, limits};

const REVIEWED: [&str; 15] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "unaccent",
    "uuid-ossp",
];

const DATA: &str = "
    CREATE SCHEMA data;
    CREATE TABLE data.people (id integer, name ext.citext, note text, tags ext.hstore, at ext.ltree, n integer[],
      p ext.cube, day date);
    INSERT INTO data.people VALUES
      (1, 'Anna', 'Kerkstraat', 'color=>red, size=>XL', 'home.kitchen', '{1,2,3}', '(1,2)', '2024-01-01'),
      (2, 'BRAM', 'Kerkstraatje', 'color=>NULL', 'home', '{3,4}', '(4,6)', '2024-01-05'),
      (3, 'chloé', 'Hauptstraße', '', 'sport.cycling', '{}', '(0,0)', '2024-03-01');";

struct Bench<'d> {
    database: Database<'d>,
    admin: Client,
    gate: Arc<Gate>,
}

impl Bench<'static> {
    /// A database with these extensions in the schema `ext`, and a login that may read `data`.
    async fn new(extensions: &[&str]) -> Self {
        let database = Database::create(Template::Empty).await;
        let admin = database.admin().await;
        let mut make = "CREATE SCHEMA ext;".to_owned();
        for extension in extensions {
            let _ = write!(make, "CREATE EXTENSION \"{extension}\" SCHEMA ext;");
        }
        admin.batch_execute(&make).await.unwrap();
        let login = database.create_role("reader", "LOGIN").await;
        let database_name = database.name();
        let grants = format!(
            "REVOKE ALL ON DATABASE {database_name} FROM PUBLIC; GRANT CONNECT ON DATABASE {database_name} TO {login};
             GRANT USAGE ON SCHEMA ext TO {login};
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {login};
             ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {login};"
        );
        admin.batch_execute(&grants).await.unwrap();
        let gate = gate(&database.url(&login));
        Self { database, admin, gate }
    }

    async fn run(&self, policy: &Policy, sql: &str) -> Result<Vec<Vec<Option<String>>>, Diagnostic> {
        // As it is now.
        self.gate.ready().await?;
        let catalog = self.gate.refresh().await?;
        let checked = check(sql, &CheckContext::new(&catalog, policy))?;
        let mut page = Page::default();
        self.gate.run(checked, &[], &limits(), &mut page, &CancellationToken::new()).await?;
        Ok(page.rows)
    }

    async fn psql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.admin.batch_execute("SET search_path = ext").await.unwrap();
        let messages = self.admin.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|at| row.get(at).map(spelt)).collect()).collect()
    }

    async fn rule(&self, policy: &Policy, sql: &str) -> String {
        match self.run(policy, sql).await {
            Ok(rows) => panic!("{sql}: {rows:?}"),
            Err(refusal) => refusal.rule.unwrap_or_else(|| panic!("{sql}: {}", refusal.message)),
        }
    }
}

/// Booleans arrive as JSON has them.
fn spelt(field: &str) -> String {
    match field {
        "t" => "true",
        "f" => "false",
        other => other,
    }
    .to_owned()
}

fn policy(extensions: &[&str]) -> Policy {
    let text =
        format!("version = 1\ninclude = []\nextensions = {extensions:?}\n[[allow]]\nselect = [\"data.*\"]\n");
    Policy::parse(&text, "policy.toml").unwrap()
}

#[tokio::test]
async fn statements_over_extensions_answer_as_in_psql() {
    let bench = Bench::new(&REVIEWED).await;
    bench.admin.batch_execute(DATA).await.unwrap();
    let policy = policy(&REVIEWED);
    for sql in [
        // citext: equality, patterns, grouping and joins by its own operators.
        "SELECT id FROM data.people WHERE name = 'ANNA'",
        "SELECT id FROM data.people WHERE name IN ('bram', 'CHLOÉ') ORDER BY id",
        "SELECT id FROM data.people WHERE name NOT IN ('bram') ORDER BY id",
        "SELECT id FROM data.people WHERE name LIKE 'an%' OR name ~ '^BR' ORDER BY id",
        "SELECT id FROM data.people WHERE name NOT LIKE 'an%' AND name SIMILAR TO '(b|c)%' ORDER BY id",
        "SELECT id FROM data.people WHERE name BETWEEN 'A' AND 'BRAN' ORDER BY id",
        "SELECT id FROM data.people WHERE name IS DISTINCT FROM 'anna' ORDER BY id",
        "SELECT id, CASE name WHEN 'ANNA' THEN 1 ELSE 0 END, NULLIF(name, 'anna') FROM data.people ORDER BY name",
        "SELECT a.id FROM data.people AS a JOIN (SELECT upper(name::text)::citext AS name FROM data.people) AS b USING (name)
         ORDER BY 1",
        "SELECT count(DISTINCT x) FROM (VALUES ('a'::citext), ('A'), ('b')) AS v (x)",
        "SELECT id FROM data.people WHERE name = ANY (ARRAY['anna', 'x']::citext[])",
        "SELECT max(name), replace(name, 'ANN', 'x'), min(id) FROM data.people GROUP BY 2 ORDER BY 1",
        "SELECT max(name), min(name), count(*), strpos(min(name), 'NN') FROM data.people",
        "SELECT max(x), replace('Anna', 'ANN', 'x') FROM (VALUES ('a'::text), ('B')) AS v (x)",
        "SELECT id, part FROM data.people, regexp_split_to_table(name, 'A') AS part ORDER BY 1, 2",
        // pg_trgm
        "SELECT note, similarity(note, 'Kerkstrat') FROM data.people WHERE note % 'Kerkstrat' ORDER BY note <-> 'Kerkstrat'",
        "SELECT word_similarity('kerk', note), show_trgm('a'), 'kerk' <% note FROM data.people ORDER BY id",
        "SELECT 7 % 4",
        // hstore
        "SELECT tags -> 'color', tags ? 'size', tags || 'new=>1'::hstore, tags ?& ARRAY['color'] FROM data.people ORDER BY id",
        "SELECT key, value FROM data.people, each(tags) ORDER BY 1, 2",
        "SELECT skeys(tags), hstore_to_json(tags) FROM data.people WHERE id = 1 ORDER BY 1",
        "SELECT '{\"a\": [1, 2]}'::jsonb -> 'a' -> 1, '{\"a\": 1}'::jsonb ? 'a'",
        "SELECT hstore('a', 'b') = 'a=>b'::hstore",
        // ltree
        "SELECT id, nlevel(at), subpath(at, 0, 1), at <@ 'home', at ~ '*.kitchen' FROM data.people ORDER BY at",
        "SELECT id FROM data.people WHERE at @> 'home.kitchen' ORDER BY id",
        // intarray
        "SELECT id, n && ARRAY[2], n @> ARRAY[3], n + 9, n - 3, # n, sort(n, 'desc') FROM data.people ORDER BY id",
        "SELECT id FROM data.people WHERE n @@ '3&!4'::query_int",
        // cube, earthdistance, seg
        "SELECT p <-> '(0,0)'::cube, cube_distance(p, '(1,1)'), p ~> 1 FROM data.people ORDER BY id",
        "SELECT round(earth_distance(ll_to_earth(52, 5), ll_to_earth(52, 6))::numeric)",
        "SELECT '1 .. 3'::seg && '2'::seg",
        // the others
        "SELECT id, unaccent(name::text), unaccent('Straße') FROM data.people ORDER BY id",
        "SELECT soundex('Anna'), levenshtein('kitten', 'sitting'), metaphone('Thompson', 4), dmetaphone('Thomas')",
        "SELECT uuid_generate_v5(uuid_ns_url(), 'https://example.org'), uuid_nil()",
        "SELECT digest('a', 'sha256'), hmac('a', 'key', 'sha1'), encode(digest('a', 'md5'), 'hex')",
        "SELECT id FROM data.people ORDER BY day <-> '2024-01-04'::date, id",
        "SELECT isbn('978-0-393-04002-9'), is_valid('978-0-393-04002-9'::isbn13)",
    ] {
        let ours = bench.run(&policy, sql).await.unwrap_or_else(|error| panic!("{sql}\n{}", error.render(sql)));
        assert_eq!(ours, bench.psql(sql).await, "{sql}");
        assert!(!ours.is_empty() || sql.contains("@@"), "{sql}");
    }
}

#[tokio::test]
async fn an_extension_that_the_policy_does_not_allow_stays_closed() {
    let bench = Bench::new(&REVIEWED).await;
    bench.admin.batch_execute(DATA).await.unwrap();
    let policy = policy(&["citext"]);
    for (sql, rule) in [
        ("SELECT ext.similarity('a', 'b')", "default.user_functions"),
        ("SELECT similarity('a', 'b')", "default.user_functions"),
        ("SELECT 'a' <% 'b'", "default.operators"),
        ("SELECT 'a=>b'::ext.hstore", "default.types"),
        ("SELECT ext.digest('a', 'md5')", "default.user_functions"),
    ] {
        assert_eq!(bench.rule(&policy, sql).await, rule, "{sql}");
    }
    let unreviewed = "version = 1\ninclude = []\nextensions = [\"dblink\"]\n";
    let error = Policy::parse(unreviewed, "p.toml").unwrap_err().to_string();
    assert!(error.starts_with("p.toml:3:15: extension `dblink` was not reviewed"), "{error}");
}

/// The list was read by a person: who changes what may be called reads it again.
/// Reviewed as well: immutable, they read nothing but their arguments.
const SINCE_16: [&str; 4] = [
    "btree_gist gist_translate_cmptype_btree",
    "fuzzystrmatch daitch_mokotoff",
    "ltree hash_ltree",
    "ltree hash_ltree_extended",
];

#[tokio::test]
async fn the_functions_of_every_reviewed_extension_are_those_of_the_list() {
    let bench = Bench::new(&REVIEWED).await;
    let extensions: Vec<&str> = REVIEWED.to_vec();
    let policy = policy(&extensions);
    let catalog = bench.gate.ready().await.unwrap();
    let mut allowed = BTreeSet::new();
    for routine in &catalog.contents().routines {
        let Some(extension) = routine.extension.as_ref().filter(|e| extensions.contains(&e.as_str())) else {
            continue;
        };
        if policy.decide_execute(&routine.name, &catalog).allowed {
            let name = &routine.name.name;
            let clock =
                ["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4"].contains(&name.as_str());
            assert!(!routine.volatile || clock, "{extension} {name}");
            allowed.insert(format!("{extension} {name}"));
        }
    }
    for never in ["pg_trgm set_limit", "isn isn_weak", "hstore populate_record", "pgcrypto gen_random_bytes"]
    {
        assert!(!allowed.contains(never), "{never}");
    }
    let file = "tests/fixtures/extension_functions.txt";
    if std::env::var_os("WRITE_FIXTURES").is_some() {
        let lines: Vec<&str> = allowed.iter().map(String::as_str).collect();
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let reviewed: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let more: Vec<_> =
        allowed.difference(&reviewed).filter(|name| !SINCE_16.contains(&name.as_str())).collect();
    assert!(more.is_empty(), "not reviewed: {more:?}");
    if bench.database.cluster().major() == 15 {
        assert_eq!(allowed, reviewed);
    }
}
