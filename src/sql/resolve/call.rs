//! Function calls, in expressions and in FROM.

use super::bound;
use super::from::Shape;
use super::scope::{Columns, Env, Range};
use super::typeof_call::is_typeof;
use super::{Resolved, Resolver};
use crate::catalog::TypeKind;
use crate::pg::QualifiedName;
use crate::sql::ast::{Alias, Call, Ident};
use crate::sql::parse::unsupported;

impl Resolver<'_> {
    pub fn call(&mut self, call: &mut Call, env: Env<'_>) -> Resolved<()> {
        self.function_name(&mut call.name, call.args.len())?;
        let Call { name: _, distinct: _, star: _, args, order_by, within_group, filter, over } = call;
        for arg in args {
            self.expr(&mut arg.value, env)?;
        }
        self.order_by(order_by, env)?;
        self.order_by(within_group, env)?;
        if let Some(filter) = filter {
            self.expr(filter, env)?;
        }
        if let Some(over) = over {
            self.over(over, env)?;
        }
        bound::size_arguments(call)
    }

    /// Qualifies the name of an allowed function: PostgreSQL's own win over those of the search path.
    fn function_name(&mut self, path: &mut Vec<Ident>, args: usize) -> Resolved<()> {
        let name = match path.as_slice() {
            [name] => self.find_function(&name.text),
            [schema, name] => QualifiedName::new(&schema.text, &name.text),
            _ => return Ok(()),
        };
        let decision = self.cx.policy.decide_execute(&name, self.cx.catalog);
        if !decision.allowed || self.cx.catalog.routines(&name).next().is_none() {
            return Err(self.missing_function(path, &decision));
        }
        self.allowed_by(&decision.rule);
        self.found.user_code |= self.cx.policy.is_user_code(&name, self.cx.catalog);
        self.found.functions.push(name.clone());
        let extension = self.cx.catalog.routines(&name).find_map(|routine| routine.extension.as_deref());
        let extension = extension.filter(|_| name.schema != "pg_catalog");
        self.used.function_called(&name, extension);
        if let Some(extension) = extension {
            self.closed_schema(&name.schema, extension)?;
        }
        // `unnest(a, b)` exists in FROM only, and only without its schema (parse_clause.c).
        if path.len() == 1 && name.name == "unnest" && args > 1 {
            return Ok(());
        }
        if path.len() == 1 && name.schema == "pg_catalog" && self.is_shared(&name.name) {
            return Ok(());
        }
        let at = path.first().and_then(|part| part.at);
        let QualifiedName { schema, name } = name;
        *path = vec![Ident { text: schema, at }, Ident { text: name, at }];
        Ok(())
    }

    fn find_function(&self, name: &str) -> QualifiedName {
        let catalog = self.cx.catalog;
        let system = std::iter::once("pg_catalog");
        system
            .chain(catalog.search_path().iter().map(String::as_str))
            .chain(self.cx.policy.extensions_in(catalog).map(|extension| extension.schema.as_str()))
            .map(|schema| QualifiedName::new(schema, name))
            .find(|name| catalog.routines(name).next().is_some())
            .unwrap_or_else(|| QualifiedName::new("pg_catalog", name))
    }

    /// A function in FROM and the columns it brings (PostgreSQL 7.2.1.4).
    pub fn table_function(
        &mut self,
        call: &mut Call,
        alias: Option<&mut Alias>,
        env: Env<'_>,
    ) -> Resolved<Shape> {
        self.call(call, env)?;
        if is_typeof(call) {
            return Err(unsupported("`pg_typeof` in FROM", "write SELECT pg_typeof(..)"));
        }
        let function = call.name.last().map_or_else(String::new, |part| part.text.clone());
        let mut alias_name = None;
        let mut defined = Vec::new();
        if let Some(alias) = alias {
            alias_name = Some(alias.name.text.clone());
            for column in &mut alias.columns {
                if let Some(type_name) = &mut column.type_name {
                    self.type_name(type_name)?;
                    defined.push(column.name.text.clone());
                }
            }
        }
        let scalar_name = alias_name.unwrap_or_else(|| function.clone());
        let columns = if defined.is_empty() {
            self.columns_of(call, &function, &scalar_name)
        } else {
            Columns::known(defined)
        };
        // Only a series is printed as a subquery, whose whole row would be a row of one.
        let scalar = columns.names.first().filter(|_| function == "generate_series").cloned();
        let range = Range { alias: function.clone(), relation: None, columns, partial: false, scalar };
        Ok(Shape { name: function, range })
    }

    fn columns_of(&self, call: &Call, function: &str, scalar_name: &str) -> Columns {
        if call.name.len() == 1 && function == "unnest" {
            return Columns::known(vec![function.to_owned(); call.args.len()]);
        }
        let catalog = self.cx.catalog;
        // Without a schema it is PostgreSQL's own, or an extension's of the same shape.
        let schema = if let [schema, _] = call.name.as_slice() { schema.text.as_str() } else { "pg_catalog" };
        let overloads: Vec<_> = catalog.routines(&QualifiedName::new(schema, function)).collect();
        // Overloads may differ, as those of unnest over an array and over a tsvector do: then the row's shape is open.
        let rows = overloads.iter().filter(|routine| !routine.out_columns.is_empty()).count();
        if rows == overloads.len()
            && let Some(routine) = overloads.first()
        {
            return Columns::known(routine.out_columns.clone());
        }
        // A polymorphic result may be a row type: its fields are known to PostgreSQL only.
        let shapeless = rows > 0
            || overloads.iter().any(|routine| {
                catalog
                    .type_by_oid(routine.result)
                    .is_none_or(|t| matches!(t.kind, TypeKind::Pseudo | TypeKind::Composite))
            });
        Columns { names: vec![scalar_name.to_owned()], open: shapeless }
    }
}
