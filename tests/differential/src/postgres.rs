//! A statement as PostgreSQL's own parser sees it: its tree as JSON, and what it names.

use serde_json::{Map, Value};

/// What a statement names, by the grammar: WITH queries are told from relations as PostgreSQL scopes them.
#[derive(Debug, Default)]
pub struct Seen {
    pub relations: Vec<Name>,
    pub functions: Vec<Name>,
    pub types: Vec<Name>,
    pub operators: Vec<Name>,
    pub collations: Vec<Name>,
    pub samplings: Vec<Name>,
    /// What no statement that only reads has: INTO, locks, statements within.
    pub forbidden: Vec<String>,
}

/// Folded, unquoted parts, the last one the object's own name.
pub type Name = Vec<String>;

/// The statements of a text. `Err` has PostgreSQL's words.
pub fn parse(sql: &str) -> Result<Vec<Value>, String> {
    let parsed = pg_query::parse(sql).map_err(|error| error.to_string())?;
    let tree = |statement| serde_json::to_value(statement).map_err(|error| error.to_string());
    parsed.protobuf.stmts.iter().filter_map(|statement| statement.stmt.as_deref()).map(tree).collect()
}

/// Does PostgreSQL's parser read it?
pub fn reads(sql: &str) -> bool {
    pg_query::split_with_parser(sql).is_ok()
}

/// What one statement names.
pub fn seen(statement: &Value) -> Seen {
    let mut walk = Walk::default();
    match node(statement) {
        Some(("SelectStmt", select)) => walk.select(select),
        Some(("ExplainStmt", explain)) => walk.explain(explain),
        Some((other, _)) => walk.seen.forbidden.push(other.to_owned()),
        None => walk.seen.forbidden.push("nothing".to_owned()),
    }
    walk.seen
}

/// `{"node": {"FuncCall": {..}}}`
pub fn node(value: &Value) -> Option<(&str, &Map<String, Value>)> {
    let (name, body) = value.as_object()?.get("node")?.as_object()?.iter().next()?;
    Some((name, body.as_object()?))
}

#[derive(Default)]
struct Walk {
    seen: Seen,
    /// WITH queries that can be named here.
    ctes: Vec<String>,
}

impl Walk {
    fn value(&mut self, value: &Value) {
        match (node(value), value) {
            (Some((kind, body)), _) => self.node(kind, body),
            (None, Value::Array(items)) => items.iter().for_each(|item| self.value(item)),
            (None, Value::Object(members)) => self.members(members),
            (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
        }
    }

    fn members(&mut self, members: &Map<String, Value>) {
        members.values().for_each(|member| self.value(member));
    }

    fn node(&mut self, kind: &str, body: &Map<String, Value>) {
        match kind {
            "SelectStmt" => return self.select(body),
            "RangeVar" => self.relation(body),
            "FuncCall" => self.seen.functions.push(name(body, "funcname")),
            "TypeName" => self.type_name(body),
            "TypeCast" => self.type_of(body, "type_name"),
            "AExpr" => self.seen.operators.push(name(body, "name")),
            "SubLink" => self.operators_of(body, "oper_name"),
            "SortBy" => self.operators_of(body, "use_op"),
            "CollateClause" => self.seen.collations.push(name(body, "collname")),
            "RangeTableSample" => self.seen.samplings.push(name(body, "method")),
            "ColumnDef" => self.type_of(body, "type_name"),
            "XmlExpr" | "XmlSerialize" | "RangeTableFunc" | "JsonTable" | "JsonFuncExpr"
            | "CurrentOfExpr" | "LockingClause" | "IntoClause" => self.seen.forbidden.push(kind.to_owned()),
            _ if kind.ends_with("Stmt") => self.seen.forbidden.push(kind.to_owned()),
            _ => {}
        }
        self.members(body);
    }

    fn select(&mut self, body: &Map<String, Value>) {
        let outside = self.ctes.len();
        if let Some(with) = body.get("with_clause").and_then(Value::as_object) {
            self.with(with);
        }
        for (member, value) in body {
            match (member.as_str(), value) {
                ("with_clause", _) | (_, Value::Null) => {}
                ("larg" | "rarg", Value::Object(operand)) => self.select(operand),
                ("into_clause", Value::Object(_)) => self.seen.forbidden.push("INTO".to_owned()),
                ("locking_clause", Value::Array(locks)) if !locks.is_empty() => {
                    self.seen.forbidden.push("FOR UPDATE".to_owned());
                }
                (_, value) => self.value(value),
            }
        }
        self.ctes.truncate(outside);
    }

    /// RECURSIVE makes every name visible everywhere; without it a query sees those before it.
    fn with(&mut self, with: &Map<String, Value>) {
        let recursive = with.get("recursive").and_then(Value::as_bool).unwrap_or_default();
        let ctes: Vec<&Map<String, Value>> =
            items(with, "ctes").filter_map(node).map(|(_, body)| body).collect();
        let named = |cte: &Map<String, Value>| text(cte, "ctename");
        if recursive {
            self.ctes.extend(ctes.iter().map(|cte| named(cte)));
        }
        for cte in ctes {
            self.members(cte);
            if !recursive {
                self.ctes.push(named(cte));
            }
        }
    }

    fn explain(&mut self, body: &Map<String, Value>) {
        for option in items(body, "options").filter_map(node).map(|(_, option)| option) {
            let (name, off) = (text(option, "defname"), is_off(option));
            let harmless = matches!(name.as_str(), "costs" | "format") || off;
            if !harmless {
                self.seen.forbidden.push(format!("EXPLAIN {name}"));
            }
        }
        match body.get("query").and_then(node) {
            Some(("SelectStmt", select)) => self.select(select),
            other => self.seen.forbidden.push(format!("EXPLAIN of {:?}", other.map(|(kind, _)| kind))),
        }
    }

    fn relation(&mut self, body: &Map<String, Value>) {
        let parts = ["catalogname", "schemaname", "relname"].map(|part| text(body, part));
        let parts: Name = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let cte = matches!(parts.as_slice(), [only] if self.ctes.contains(only));
        if !cte {
            self.seen.relations.push(parts);
        }
    }

    fn type_name(&mut self, body: &Map<String, Value>) {
        self.seen.types.push(name(body, "names"));
    }

    fn type_of(&mut self, body: &Map<String, Value>, member: &str) {
        if let Some(Value::Object(named)) = body.get(member) {
            self.type_name(named);
        }
    }

    fn operators_of(&mut self, body: &Map<String, Value>, member: &str) {
        let operator = name(body, member);
        if !operator.is_empty() {
            self.seen.operators.push(operator);
        }
    }
}

fn is_off(option: &Map<String, Value>) -> bool {
    let value = option.get("arg").map(Value::to_string).unwrap_or_default().to_lowercase();
    ["\"false\"", "\"off\"", ":0", "boolval\":false"].iter().any(|off| value.contains(off))
}

fn items<'v>(body: &'v Map<String, Value>, member: &str) -> impl Iterator<Item = &'v Value> {
    body.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(body: &Map<String, Value>, member: &str) -> String {
    body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn name(body: &Map<String, Value>, member: &str) -> Name {
    items(body, member).filter_map(node).map(|(_, part)| text(part, "sval")).collect()
}
