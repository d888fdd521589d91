//! Column references: `column`, `alias.column`, `schema.relation.column`, or an alias as the whole row.

use super::scope::{Columns, Env, Range};
use super::{Resolved, Resolver};
use crate::pg::QualifiedName;
use crate::sql::ast::{Expr, Ident};

impl Resolver<'_> {
    /// Rewrites the path to `alias.column`, to a bare merged or result column, or to the alias of a whole row.
    pub fn column(&mut self, path: &mut Vec<Ident>, env: Env<'_>) -> Resolved<()> {
        if path.len() == 4 && path.first().is_some_and(|first| first.text == self.cx.catalog.database()) {
            path.remove(0);
        }
        match path.as_slice() {
            [_] => self.bare_column(path, env),
            [alias, column] => {
                let Some(range) = find_range(&alias.text, env) else {
                    return Err(self.missing_range(alias, env));
                };
                self.column_of(range, column, path)
            }
            [schema, relation, column] => {
                let name = QualifiedName::new(&schema.text, &relation.text);
                let Some(range) = find_relation(&name, env) else {
                    return Err(self.missing_range(relation, env));
                };
                self.column_of(range, column, path)?;
                let column = Ident { text: column.text.clone(), at: schema.at };
                *path = vec![Ident::new(&range.alias), column];
                Ok(())
            }
            _ => Err(self.missing_column(path, &[])),
        }
    }

    /// The nearest level that has the name decides; a column wins over the whole row of an alias.
    fn bare_column(&mut self, path: &mut Vec<Ident>, env: Env<'_>) -> Resolved<()> {
        let Some(name) = path.first() else { return Ok(()) };
        let mut open = false;
        for visible in env.levels() {
            let mut found = visible.bare.iter().filter(|bare| bare.name == name.text);
            if let Some(first) = found.next() {
                if let Some(second) = found.next() {
                    let owners: Vec<&str> =
                        [first, second].iter().filter_map(|bare| bare.owner.as_deref()).collect();
                    return Err(self.ambiguous_column(name, &owners));
                }
                if let Some(owner) = first.owner.as_ref().filter(|_| !open) {
                    let at = name.at;
                    path.insert(0, Ident { text: owner.clone(), at });
                }
                return Ok(());
            }
            open |= visible.is_open();
        }
        if let Some(range) = find_range(&name.text, env) {
            return self.whole_row(range, path);
        }
        if open && self.names_no_function(&name.text) {
            return Ok(());
        }
        let candidates: Vec<&str> =
            env.levels().flat_map(|visible| visible.bare.iter().map(|bare| bare.name.as_str())).collect();
        Err(self.missing_column(path, &candidates))
    }

    fn column_of(&self, range: &Range, column: &Ident, path: &[Ident]) -> Resolved<()> {
        if range.columns.contains(&column.text) || range.columns.open && self.names_no_function(&column.text)
        {
            return Ok(());
        }
        let candidates: Vec<&str> = range.columns.names.iter().map(String::as_str).collect();
        Err(self.missing_column(path, &candidates))
    }

    fn whole_row(&self, range: &Range, path: &mut Vec<Ident>) -> Resolved<()> {
        if range.partial {
            return Err(self.partial_row(path, &range.columns.names));
        }
        if let Some(column) = &range.scalar {
            *path = vec![Ident::new(&range.alias), Ident::new(column)];
        }
        Ok(())
    }

    /// `alias.*` as an argument.
    pub fn whole_row_argument(&self, path: &mut Vec<Ident>, env: Env<'_>) -> Resolved<()> {
        let range = self.range_of_star(path, env)?;
        if range.partial {
            return Err(self.partial_row(path, &range.columns.names));
        }
        *path = vec![Ident::new(&range.alias)];
        Ok(())
    }

    /// What stands before `.*`.
    pub fn range_of_star<'s>(&self, path: &[Ident], env: Env<'s>) -> Resolved<&'s Range> {
        let found = match path {
            [alias] => find_range(&alias.text, env),
            [schema, relation] => find_relation(&QualifiedName::new(&schema.text, &relation.text), env),
            _ => None,
        };
        match (found, path.last()) {
            (Some(range), _) => Ok(range),
            (None, Some(last)) => Err(self.missing_range(last, env)),
            (None, None) => Err(self.missing_column(path, &[])),
        }
    }

    /// PostgreSQL reads `x.name` as `name(x)` where no such column is, as a cast where `name` is a type, and knows the
    /// system columns: let nothing through that way.
    pub fn names_no_function(&self, name: &str) -> bool {
        let catalog = self.cx.catalog;
        // All schemas that may be on the search path while the statement runs.
        let of_extensions = self.cx.policy.extensions_in(catalog).map(|extension| extension.schema.as_str());
        let mut known =
            std::iter::once("pg_catalog").chain(of_extensions).map(|s| QualifiedName::new(s, name));
        !known.any(|name| catalog.routines(&name).next().is_some() || catalog.type_by_name(&name).is_some())
            && !SYSTEM_COLUMNS.contains(&name)
    }

    /// The columns of `(alias).*`, where the alias is a whole row whose columns are known.
    pub fn columns_of_row(&self, row: &Expr, env: Env<'_>) -> Option<Columns> {
        let Expr::Column(path) = row else { return None };
        let [alias] = path.as_slice() else { return None };
        let is_column = env.levels().any(|visible| visible.bare.iter().any(|bare| bare.name == alias.text));
        find_range(&alias.text, env).filter(|_| !is_column).map(|range| range.columns.clone())
    }

    /// `(alias).field`, where the alias is a whole row whose columns are known.
    pub fn is_field_of_row(&self, base: &Expr, field: &str, env: Env<'_>) -> bool {
        self.columns_of_row(base, env).is_some_and(|columns| columns.contains(field))
    }
}

const SYSTEM_COLUMNS: &[&str] = &["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"];

fn find_range<'s>(alias: &str, env: Env<'s>) -> Option<&'s Range> {
    env.levels().find_map(|visible| visible.range(alias))
}

fn find_relation<'s>(name: &QualifiedName, env: Env<'s>) -> Option<&'s Range> {
    env.levels().find_map(|visible| visible.ranges.iter().find(|range| range.relation.as_ref() == Some(name)))
}
