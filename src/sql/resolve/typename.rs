//! Types, in casts and column definitions.

use super::{Resolved, Resolver};
use crate::catalog::Type;
use crate::pg::{Diagnostic, QualifiedName, SqlState};
use crate::sql::ast::{Ident, TypeName};

/// Above it, one value of a padded type would be megabytes.
const MAX_PADDED_LENGTH: u32 = 100_000;

impl<'c> Resolver<'c> {
    /// Qualifies the type, and refuses what cannot be cast to without running something.
    pub fn type_name(&mut self, named: &mut TypeName) -> Resolved<()> {
        let Some(found) = self.find_type(&named.name) else {
            return Err(self.missing_type(&named.name));
        };
        let decision = self.cx.policy.decide_type(found, self.cx.catalog);
        if !decision.allowed {
            // Not the decision's rule: it would tell a hidden view from a missing type.
            return Err(self.missing_type(&named.name));
        }
        self.used.type_named(found.oid);
        if let Some(extension) = &found.extension {
            self.closed_schema(&found.name.schema, extension)?;
        }
        if matches!(found.name.name.as_str(), "bpchar" | "bit") && found.name.schema == "pg_catalog" {
            padded_length(&named.modifiers)?;
        }
        let at = named.name.first().and_then(|part| part.at);
        let QualifiedName { schema, name } = &found.name;
        named.name = vec![Ident { text: schema.clone(), at }, Ident { text: name.clone(), at }];
        Ok(())
    }

    fn find_type(&self, path: &[Ident]) -> Option<&'c Type> {
        let catalog = self.cx.catalog;
        match path {
            [name] => std::iter::once("pg_catalog")
                .chain(catalog.search_path().iter().map(String::as_str))
                .chain(self.cx.policy.extensions_in(catalog).map(|extension| extension.schema.as_str()))
                .find_map(|schema| catalog.type_by_name(&QualifiedName::new(schema, &name.text))),
            [schema, name] => catalog.type_by_name(&QualifiedName::new(&schema.text, &name.text)),
            _ => None,
        }
    }
}

fn padded_length(modifiers: &[String]) -> Resolved<()> {
    let too_long = |digits: &String| digits.parse::<u32>().is_ok_and(|length| length > MAX_PADDED_LENGTH);
    if modifiers.iter().any(too_long) {
        return Err(Diagnostic::refused(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("a padded type longer than {MAX_PADDED_LENGTH} is not allowed"),
        )
        .rule("sql.size_arguments")
        .hint("use text or bit varying"));
    }
    Ok(())
}
