//! What the statements are made of: the database of `tests/fixtures/sql_cases_fixture.sql`, PostgreSQL's own functions,
//! operators and types, and the same of what nobody may reach.

pub struct Table {
    /// As it must be written.
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

pub const TABLES: &[Table] = &[
    Table {
        name: "customers",
        columns: &["id", "name", "email", "country", "tags", "attrs", "created_at", "manager_id"],
    },
    Table {
        name: "orders",
        columns: &["id", "customer_id", "status", "total", "ordered_at", "shipped_on", "meta"],
    },
    Table { name: "order_items", columns: &["order_id", "line", "product_id", "qty", "price"] },
    Table {
        name: "products",
        columns: &["id", "sku", "name", "category", "price", "body", "doc", "dims", "active"],
    },
    Table { name: "events", columns: &["id", "customer_id", "kind", "payload", "at", "ip", "dur"] },
    Table { name: "daily", columns: &["d", "t"] },
];

/// Tables, views and sequences that the login or the rules hide, and those of the system.
pub const HIDDEN_TABLES: &[&str] = &[
    "secrets", "public.secrets", "\"secrets\"", "PUBLIC.Secrets", "private.salaries", "secret_view", "seq1",
    "pg_class", "pg_catalog.pg_class", "pg_authid", "pg_catalog.pg_authid", "information_schema.tables",
    "pg_stat_activity", "pg_toast.pg_toast_1255", "cases.public.secrets", "ONLY secrets", "ONLY (secrets)",
    "secrets *", "U&\"s\\0065crets\"", "lateral secrets", "\"Secrets\"",
];
pub const HIDDEN_COLUMNS: &[&str] = &[
    "ssn", "\"ssn\"", "SSN", "ctid", "tableoid", "xmin", "customers_ssn_of", "token", "u&\"ss\\006e\"", "oid",
];
pub const HIDDEN_CALLS: &[&str] = &[
    "pg_sleep(1)", "pg_read_file('/etc/passwd')", "pg_catalog.pg_read_file('x')", "set_config('a.b','c',false)",
    "leak_one(1)", "public.leak_one(1)", "leak_secrets()", "\"leak_one\"(1)", "Leak_One(1)", "add_tax(1)",
    "query_to_xml('select 1',true,true,'')", "database_to_xml(true,true,'')", "dblink('x','y')", "current_setting('x')",
    "pg_terminate_backend(1)", "lo_import('x')", "nextval('seq1')", "to_regclass('secrets')", "pg_ls_dir('.')",
    "txid_current()", "xpath('/a','<a/>')", "customers_ssn_of(c)", "U&\"pg_sle\\0065p\"(1)", "pg_sleep /* */ (1)",
    "pg_catalog . pg_sleep (1)", "inet_server_addr()", "pg_advisory_lock(1)", "currval('seq1')", "wipe()",
];
/// Expressions that run or read something without its name standing in a call.
pub const HIDDEN_EXPRESSIONS: &[&str] = &[
    "@!@ 1", "OPERATOR(public.@!@) 1", "1::leaky", "CAST(1 AS public.leaky)", "leaky '1'", "(1::leaky).v",
    "'secrets'::regclass", "'pg_sleep'::regproc", "x'1f'", "b'2'", "0x1f", "1_000", "U&'\\0041'", "N'x'",
    "(SELECT token FROM secrets LIMIT 1)", "EXISTS (TABLE secrets)", "ARRAY(TABLE secrets)", "1 = ANY (TABLE seq1)",
    "(WITH x AS (DELETE FROM orders RETURNING id) SELECT id FROM x)", "'a' COLLATE public.\"x\"",
    "(SELECT 1 INTO evil)", "(SELECT 1 FROM orders FOR UPDATE)", "xmlelement(name a, 1)", "VARIADIC ARRAY[1]",
    "row_to_json(secrets)", "pg_typeof('secrets'::regclass)", "json_array(1 RETURNING text)",
];
/// Whole statements and beginnings that are not to pass.
pub const HIDDEN_STATEMENTS: &[&str] = &[
    "TABLE secrets", "SELECT * INTO evil FROM orders", "SELECT INTO evil FROM orders",
    "DELETE FROM orders RETURNING id", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    "COPY secrets TO STDOUT", "SHOW ALL", "SELECT 1; DROP TABLE orders", "DO $$ BEGIN END $$", "CALL wipe()",
    "VALUES (1), ((SELECT token FROM secrets))", "SELECT 1 FROM orders FOR UPDATE", "LOCK orders", "PREPARE x AS SELECT 1",
    "WITH x AS (INSERT INTO orders DEFAULT VALUES RETURNING 1) SELECT * FROM x", "MERGE INTO orders USING events ON true WHEN MATCHED THEN DELETE",
    "DECLARE c CURSOR FOR SELECT 1", "SELECT 1 UNION ALL TABLE secrets", "EXECUTE x", "SET ROLE postgres",
];

pub const FUNCTIONS: &[(&str, usize)] = &[
    ("lower", 1), ("upper", 1), ("length", 1), ("abs", 1), ("round", 2), ("coalesce", 3), ("nullif", 2),
    ("greatest", 3), ("least", 2), ("concat", 3), ("date_trunc", 2), ("date_part", 2), ("to_char", 2), ("now", 0),
    ("substr", 3), ("replace", 3), ("split_part", 3), ("left", 2), ("right", 2), ("md5", 1), ("floor", 1), ("ceil", 1),
    ("power", 2), ("jsonb_build_object", 2), ("jsonb_array_length", 1), ("jsonb_extract_path_text", 2),
    ("array_length", 2), ("cardinality", 1), ("array_to_string", 2), ("string_to_array", 2), ("to_tsvector", 1),
    ("plainto_tsquery", 1), ("regexp_replace", 3), ("make_date", 3), ("age", 2), ("pg_catalog.lower", 1),
    ("\"lower\"", 1), ("Pg_Catalog.\"upper\"", 1), ("random", 0), ("to_jsonb", 1), ("num_nulls", 2), ("int4range", 2),
];
pub const AGGREGATES: &[&str] = &[
    "sum", "avg", "min", "max", "count", "array_agg", "string_agg", "bool_or", "bool_and", "jsonb_agg", "stddev",
    "pg_catalog.count", "COUNT",
];
pub const WINDOW_FUNCTIONS: &[(&str, usize)] = &[
    ("row_number", 0), ("rank", 0), ("dense_rank", 0), ("ntile", 1), ("lag", 2), ("lead", 1), ("first_value", 1),
    ("last_value", 1), ("nth_value", 2), ("cume_dist", 0),
];
/// With the columns that they bring under an alias `t(..)`.
pub const TABLE_FUNCTIONS: &[(&str, usize)] = &[
    ("generate_series(1, 3)", 1), ("unnest(ARRAY[1,2,3])", 1), ("jsonb_array_elements('[1,2]'::jsonb)", 1),
    ("jsonb_each_text('{\"a\":1}')", 2), ("pg_catalog.generate_series(1, 10, 2)", 1), ("json_object_keys('{}')", 1),
    ("regexp_split_to_table('a b', ' ')", 1), ("unnest(ARRAY[1], ARRAY['a'])", 2), ("jsonb_object_keys('{\"x\":1}')", 1),
    ("string_to_table('a,b', ',')", 1), ("regexp_matches('a', 'b')", 1),
];

pub const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "||", "=", "<>", "!=", "<", ">", "<=", ">=", "~", "~*", "!~", "!~*", "~~", "!~~", "&",
    "|", "#", "<<", ">>", "&&", "->", "->>", "#>", "#>>", "@>", "<@", "@@", "?", "?|", "?&", "#-", "<->", "^@", "-|-",
    "&<", "&>", "AND", "OR", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "OPERATOR(pg_catalog.+)", "LIKE", "NOT LIKE",
    "ILIKE", "SIMILAR TO", "AT TIME ZONE",
];
pub const PREFIXES: &[&str] = &["-", "+", "NOT", "~", "@", "|/", "||/"];
pub const SUFFIXES: &[&str] = &[
    "IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN", "COLLATE \"C\"",
    "COLLATE pg_catalog.\"C\"", "AT TIME ZONE 'UTC'", "ISNULL", "NOTNULL",
];
pub const TYPES: &[&str] = &[
    "int", "integer", "bigint", "smallint", "text", "varchar(10)", "character varying", "char(3)", "numeric",
    "numeric(12,2)", "double precision", "real", "float8", "boolean", "bool", "date", "timestamp", "timestamptz",
    "timestamp with time zone", "timestamp(3) without time zone", "time", "interval", "interval day to second", "jsonb",
    "json", "uuid", "bytea", "int[]", "text[]", "pg_catalog.int4", "\"int4\"", "pg_catalog.\"text\"", "public.mood", "mood",
    "inet", "tsvector", "tsquery", "int4range", "bit(3)", "bit varying(5)", "decimal(5)", "name", "\"char\"", "int4[][]",
];
pub const LITERALS: &[&str] = &[
    "0", "1", "42", "3.14", "1e10", ".5", "5.", "NULL", "TRUE", "false", "''", "'x'", "'it''s'", "'a\\b'", "E'a\\nb'",
    "e'it\\'s'", "E'\\\\'", "E'\\u00e9'", "$$x$$", "$q$it's $$ here$q$", "'é 漢 🙂'", "'a'\n'b'", "B'101'", "X'1F'",
    "9223372036854775808", "123456789012345678901234567890.5", "date '2024-01-01'", "timestamp '2024-01-01 10:00'",
    "interval '1 day'", "interval '1' year", "'2024-01-01'::date", "'-- no comment'", "'/* none */'", "';'",
    "'{1,2}'::int[]", "'{\"a\": [1]}'::jsonb", "$1", "$2", "CURRENT_DATE", "current_timestamp", "localtimestamp(2)",
    "time '10:00'", "numeric '1.50'", "bool 't'", "int '7'", "text 'a'", "U&'x'", "'$$'", "$a$;$a$", "E'\\x41'",
    "'\"'", "''''", "E'''\\''", "1.", "00", "1E-3", "'a' -- c\n 'b'", "jsonb '{}'",
];
/// Forms of the grammar that are no plain calls; `?` stands for an expression.
pub const FORMS: &[&str] = &[
    "EXTRACT(year FROM ?)", "extract('epoch' from ?)", "POSITION('a' IN ?)", "SUBSTRING(? FROM 2 FOR 3)",
    "substring(? from 'x')", "TRIM(BOTH 'x' FROM ?)", "trim(?)", "trim(leading from ?)", "OVERLAY(? PLACING 'x' FROM 1)",
    "CAST(? AS text)", "ROW(?, ?)", "(?, ?)", "ARRAY[?, ?]", "ARRAY[[?],[?]]", "(? IN (?, ?))", "(? NOT IN (1, 2))",
    "(? BETWEEN ? AND ?)", "(? NOT BETWEEN SYMMETRIC ? AND ?)", "CASE WHEN ? THEN ? ELSE ? END",
    "CASE ? WHEN ? THEN ? WHEN 2 THEN 3 END", "COALESCE(?, ?)", "NULLIF(?, ?)", "(? LIKE ? ESCAPE '!')",
    "(? SIMILAR TO ? ESCAPE '#')", "(? = ANY (ARRAY[?]))", "(? <> ALL (?))", "(? LIKE ANY (ARRAY['a%']))", "(?)[1]",
    "(?)[1:2]", "(? OVERLAPS ?)", "((?, ?) OVERLAPS (?, ?))", "NORMALIZE(?, NFC)", "(? IS NORMALIZED)", "(? IS JSON)",
    "(? IS JSON OBJECT WITH UNIQUE KEYS)", "((?)::text COLLATE \"C\")", "(ROW(?, ?) = ROW(?, ?))", "GREATEST(?, ?)",
    "make_interval(days => ?)", "make_interval(hours := ?)", "(? IS DOCUMENT)", "CEIL(?)", "ltrim(?)", "(ROW(?, ?)).f1",
    "TREAT(? AS text)", "COLLATION FOR (?)", "grouping(?)", "json_object('a': ?)", "json_array(?, ?)", "(+ ?)",
];
/// Names for CTEs and aliases, many of them those of tables.
pub const NAMES: &[&str] = &[
    "a", "b", "x", "t", "q", "base", "orders", "customers", "secrets", "products", "events", "\"Weird Name\"", "\"Q 1\"",
    "\"select\"", "über", "\"Ünï\"", "pg_class", "salaries", "daily", "_x$1", "\"x.y\"", "\"漢字\"", "value", "\"a;b\"", "\"--\"",
    "only_", "\"only\"", "lateral_", "C", "\"c\"", "\"C\"", "n1", "\"/*\"", "seq1", "name", "type", "\"Orders\"", "ORDERS",
];
/// Tokens that mutations put anywhere.
pub const TOKENS: &[&str] = &[
    "ONLY", "TABLE", "INTO", "LATERAL", "secrets", "ssn", "leak_one", "(", ")", ",", ";", ".", "*", "::", "UNION ALL",
    "SELECT", "FROM", "WHERE", "WITH", "RECURSIVE", "AS", "FOR UPDATE", "--", "/*", "*/", "'", "\"", "$$", "E'\\''", "U&",
    "pg_sleep", "public", "private.salaries", "DELETE", "EXPLAIN", "ANALYZE", "VALUES", "NATURAL JOIN", "USING", "[1]", "$1",
    "@!@", "OPERATOR(public.@!@)", "leaky", "regclass", "NULL", "\\", "\u{a0}", "\u{200b}", "\r", "\t", "ROWS FROM", "FETCH FIRST 1 ROW ONLY",
    "WITH ORDINALITY", "TABLESAMPLE system (1)", "VARIADIC", "ARRAY", "ROW", "COLLATE", "CAST", "GROUPING SETS", "pg_catalog", "1", "'x'",
    "e'\\", "$a$", "N'x'", "B'1'", "X'", "EXISTS", "IN", "ANY", "OVER w", "WINDOW w AS ()", "FILTER (WHERE true)", "WITHIN GROUP", "DISTINCT",
    "customers_ssn_of", "row_to_json", "EXCEPT", "INTERSECT", "LIMIT ALL", "OFFSET 1 ROWS", "IS", "NOT", "=>", ":=", "JOIN", "ON true", "CROSS JOIN",
];
