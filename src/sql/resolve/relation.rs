//! Relations in FROM.

use std::rc::Rc;

use super::from::Shape;
use super::scope::{Columns, Env, Range};
use super::{Resolved, Resolver};
use crate::catalog::Relation;
use crate::pg::{Diagnostic, QualifiedName, SqlState};
use crate::sql::ast::{Ident, RelationItem};

impl<'c> Resolver<'c> {
    /// Qualifies the name, notes the relation, and says which columns it brings.
    pub fn relation(&mut self, item: &mut RelationItem, env: Env<'_>) -> Resolved<Shape> {
        if let [only] = item.name.as_slice()
            && let Some(columns) = env.cte(&only.text)
        {
            return self.cte_reference(item, columns);
        }
        let (relation, columns) = self.find_relation(&item.name)?;
        let hides = columns.len() < relation.columns.len();
        let partial = hides || self.cx.policy.row_runs_unseen(relation, self.cx.catalog);
        if hides && item.alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return Err(self.partial_row(&item.name, &columns));
        }
        if self.seen.insert(relation.oid) {
            self.found.relations.push(relation.name.clone());
            self.found.oids.push(relation.oid);
        }
        let at = item.name.first().and_then(|part| part.at);
        let QualifiedName { schema, name } = &relation.name;
        item.name = vec![Ident { text: schema.clone(), at }, Ident { text: name.clone(), at }];
        let aliased = item.alias.is_some();
        Ok(Shape {
            name: name.clone(),
            range: Range {
                alias: name.clone(),
                relation: (!aliased).then(|| relation.name.clone()),
                columns: Columns::known(columns),
                partial,
                scalar: None,
            },
        })
    }

    fn cte_reference(&self, item: &RelationItem, columns: Option<Columns>) -> Resolved<Shape> {
        let name = item.name.first().map_or_else(String::new, |part| part.text.clone());
        let Some(columns) = columns else {
            return Err(Diagnostic::refused(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("recursive reference to `{name}` in its non-recursive half"),
            )
            .rule("sql.names")
            .hint("write WITH RECURSIVE name AS (first rows UNION ALL SELECT .. FROM name ..)"));
        };
        if item.only || item.sample.is_some() {
            return Err(Diagnostic::refused(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("`{name}` is a WITH query: ONLY and TABLESAMPLE need a relation"),
            )
            .rule("sql.names"));
        }
        let range = Range { alias: name.clone(), relation: None, columns, partial: false, scalar: None };
        Ok(Shape { name, range })
    }

    /// As PostgreSQL looks a relation up; whether it may be seen is not asked.
    pub fn named(&self, path: &[Ident]) -> Option<&'c Relation> {
        let catalog = self.cx.catalog;
        match path {
            [name] => catalog
                .search_path()
                .iter()
                // PostgreSQL passes over schemas that the login may not use.
                .filter(|schema| catalog.schema(schema).is_some_and(|schema| schema.usable))
                .find_map(|schema| catalog.relation(&QualifiedName::new(schema, &name.text))),
            [schema, name] => catalog.relation(&QualifiedName::new(&schema.text, &name.text)),
            [database, schema, name] if database.text == catalog.database() => {
                catalog.relation(&QualifiedName::new(&schema.text, &name.text))
            }
            _ => None,
        }
    }

    fn find_relation(&mut self, path: &[Ident]) -> Resolved<(&'c Relation, Vec<String>)> {
        let catalog = self.cx.catalog;
        let Some(relation) = self.named(path) else { return Err(self.missing_relation(path, None)) };
        let decide = || Rc::new(self.cx.policy.access(relation, catalog));
        let access = Rc::clone(self.found.accesses.entry(relation.oid).or_insert_with(decide));
        if !access.is_visible() {
            return Err(self.missing_relation(path, Some(&access.decision)));
        }
        self.allowed_by(&access.decision.rule);
        let visible = relation.columns.iter().zip(&access.columns).filter(|(_, access)| access.is_visible());
        Ok((relation, visible.map(|(column, _)| column.name.clone()).collect()))
    }

    /// Everything that the caller may select from, for suggestions.
    pub fn visible_relations(&self) -> impl Iterator<Item = &'c Relation> {
        let cx = self.cx;
        let visible = move |relation: &&Relation| cx.policy.access(relation, cx.catalog).is_visible();
        cx.catalog.relations().iter().filter(visible)
    }
}
