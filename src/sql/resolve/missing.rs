//! The words for what does not exist, or may not be seen: the same for both.

use super::Resolver;
use super::scope::{Columns, Env};
use crate::catalog::{Relation, closest};
use crate::pg::{Diagnostic, Position, SqlState};
use crate::policy::{ColumnAccess, Decision};
use crate::sql::ast::Ident;
use crate::sql::teach::functions;

fn place(diagnostic: Diagnostic, at: Option<Position>) -> Diagnostic {
    match at {
        Some(at) => diagnostic.at(at),
        None => diagnostic,
    }
}

fn shown(path: &[Ident]) -> String {
    path.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".")
}

fn start(path: &[Ident]) -> Option<Position> {
    path.first().and_then(|part| part.at)
}

impl Resolver<'_> {
    /// A relation that is not there, is hidden, or is denied with a reason.
    pub fn missing_relation(&self, path: &[Ident], denied: Option<&Decision>) -> Diagnostic {
        let name = shown(path);
        let last = path.last().map_or("", |part| part.text.as_str());
        let diagnostic = if let Some((decision, reason)) = denied.and_then(|d| Some((d, d.reason.as_ref()?)))
        {
            Diagnostic::refused(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("relation `{name}` is not allowed: {reason}"),
            )
            .rule(&decision.rule)
        } else {
            Diagnostic::refused(SqlState::UNDEFINED_TABLE, format!("relation `{name}` does not exist"))
                .rule("sql.relations")
                .hint(self.relation_hint(last, path))
        };
        place(diagnostic, start(path))
    }

    fn relation_hint(&self, last: &str, path: &[Ident]) -> String {
        let schema = if path.len() > 1 { path.first().map_or("", |part| part.text.as_str()) } else { "" };
        if crate::policy::is_system_schema(schema) || last.starts_with("pg_") {
            return "system catalogs cannot be queried: use the tools search_objects and describe".to_owned();
        }
        let visible: Vec<_> = self.visible_relations().collect();
        let elsewhere = visible.iter().find(|relation| relation.name.name == last);
        let near = elsewhere.or_else(|| {
            let near = closest(last, visible.iter().map(|relation| relation.name.name.as_str()))?;
            visible.iter().find(|relation| relation.name.name == near)
        });
        match near {
            Some(relation) => format!("did you mean `{}`?", relation.name),
            None => "use the tool search_objects to find relations".to_owned(),
        }
    }

    pub fn missing_range(&self, alias: &Ident, env: Env<'_>) -> Diagnostic {
        let aliases: Vec<&str> = env
            .levels()
            .flat_map(|visible| visible.ranges.iter().map(|range| range.alias.as_str()))
            .collect();
        let hint = match closest(&alias.text, aliases.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if aliases.is_empty() => "add it to FROM".to_owned(),
            None => format!("FROM names {}", listed(&aliases)),
        };
        let message = format!("missing FROM-clause entry for table `{}`", alias.text);
        place(
            Diagnostic::refused(SqlState::UNDEFINED_TABLE, message).rule("sql.columns").hint(hint),
            alias.at,
        )
    }

    pub fn missing_column(&self, path: &[Ident], candidates: &[&str]) -> Diagnostic {
        let last = path.last().map_or("", |part| part.text.as_str());
        if let Some(denied) = self.denied_with_reason(last) {
            let reason = denied.reason.as_deref().unwrap_or_default();
            let message = format!("column `{}` is not allowed: {reason}", shown(path));
            let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule(&denied.rule);
            return place(refusal, start(path));
        }
        let hint = match closest(last, candidates.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? columns here: {}", listed(candidates)),
            None if candidates.is_empty() => "there is nothing in FROM that has columns".to_owned(),
            None => match self.relations_with(last).as_slice() {
                [] => format!("columns here: {}", listed(candidates)),
                others => format!(
                    "`{last}` is a column of {}; columns here: {}",
                    others.join(", "),
                    listed(candidates)
                ),
            },
        };
        let message = format!("column `{}` does not exist", shown(path));
        place(
            Diagnostic::refused(SqlState::UNDEFINED_COLUMN, message).rule("sql.columns").hint(hint),
            start(path),
        )
    }

    /// The relations that have a column of that name, if they are few: where all have one it tells nothing.
    fn relations_with(&self, column: &str) -> Vec<String> {
        const FEW: usize = 3;
        let (catalog, policy) = (self.cx.catalog, self.cx.policy);
        let has = |relation: &&Relation| {
            let at = relation.columns.iter().position(|known| known.name == column);
            at.is_some_and(|at| {
                matches!(policy.access(relation, catalog).columns.get(at), Some(access) if access.is_visible())
            })
        };
        let tops = self.visible_relations().filter(|relation| !relation.is_partition).filter(has);
        let found: Vec<String> = tops.take(FEW + 1).map(|relation| format!("`{}`", relation.name)).collect();
        if found.len() > FEW { Vec::new() } else { found }
    }

    /// A name that only the result has, in WHERE or HAVING.
    pub fn output_name(refusal: Diagnostic, columns: &Columns) -> Diagnostic {
        let name =
            refusal.message.strip_prefix("column `").and_then(|rest| rest.strip_suffix("` does not exist"));
        match name.filter(|name| refusal.sqlstate == SqlState::UNDEFINED_COLUMN && columns.contains(name)) {
            None => refusal,
            Some(name) => {
                let hint = format!(
                    "`{name}` is a column of the result, which is not there yet: repeat its expression, or put the query \
                     into WITH and filter that"
                );
                refusal.hint(hint)
            }
        }
    }

    /// A column of a relation in the statement that a rule denies, and says why.
    fn denied_with_reason(&self, column: &str) -> Option<Decision> {
        let (catalog, policy) = (self.cx.catalog, self.cx.policy);
        let named = self.found.oids.iter().filter_map(|oid| catalog.relation_by_oid(*oid));
        named.into_iter().find_map(|relation| {
            let at = relation.columns.iter().position(|known| known.name == column)?;
            match policy.access(relation, catalog).columns.get(at)? {
                ColumnAccess::Denied(decision) if decision.reason.is_some() => Some(decision.clone()),
                _ => None,
            }
        })
    }

    pub fn missing_function(&self, path: &[Ident], decision: &Decision) -> Diagnostic {
        let name = shown(path);
        let last = path.last().map_or("", |part| part.text.as_str());
        let builtin = crate::pg::QualifiedName::new("pg_catalog", last);
        let public =
            decision.rule == "default.functions" && self.cx.catalog.routines(&builtin).next().is_some();
        let diagnostic = if public {
            Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, format!("function `{name}` is not allowed"))
                .hint(
                    "only functions without side effects that read nothing but their arguments can be called",
                )
        } else {
            let allowed = self.cx.policy.functions();
            let hint = match (functions::meant(last), closest(last, allowed)) {
                (Some(words), _) => words.to_owned(),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => {
                    "functions of the database can be called only if the policy names them".to_owned()
                }
            };
            Diagnostic::refused(SqlState::UNDEFINED_FUNCTION, format!("function `{name}` does not exist"))
                .hint(hint)
        };
        // Whether a function of the database is there at all does not show in the rule either.
        place(diagnostic.rule(if public { &decision.rule } else { "default.user_functions" }), start(path))
    }

    pub fn missing_type(&self, path: &[Ident]) -> Diagnostic {
        let name = shown(path);
        let hint = if path.last().is_some_and(|part| part.text.starts_with("reg")) {
            "compare names as text instead"
        } else {
            "use one of PostgreSQL's own types, or one that describe shows"
        };
        let message = format!("type `{name}` does not exist");
        place(
            Diagnostic::refused(SqlState::UNDEFINED_OBJECT, message).rule("default.types").hint(hint),
            start(path),
        )
    }

    pub fn ambiguous_column(&self, column: &Ident, owners: &[&str]) -> Diagnostic {
        let message = format!("column reference `{}` is ambiguous", column.text);
        let hint =
            owners.iter().map(|owner| format!("`{owner}.{}`", column.text)).collect::<Vec<_>>().join(" or ");
        place(
            Diagnostic::refused(SqlState::AMBIGUOUS_COLUMN, message)
                .rule("sql.columns")
                .hint(format!("write {hint}")),
            column.at,
        )
    }

    /// The whole row of a relation with columns that the caller may not see.
    pub fn partial_row(&self, path: &[Ident], columns: &[String]) -> Diagnostic {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let message = format!("the whole row of `{}` cannot be used", shown(path));
        place(
            Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .rule("sql.whole_row")
                .hint(format!("name the columns: {}", listed(&names))),
            start(path),
        )
    }
}

fn listed(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(30).map(|name| format!("`{name}`")).collect();
    if names.len() > shown.len() {
        shown.push("..".to_owned());
    }
    shown.join(", ")
}
