//! CREATE INDEX as a structure: what may be supposed to exist while a query is planned.

use std::fmt;

use sqlparser::ast::{
    CreateIndex, Expr, IndexColumn, IndexType, OrderByExpr, OrderByOptions, OrderBySort, Statement,
};

use super::lower::{self, Role};
use super::parse;
use crate::pg::{Diagnostic, QualifiedName, SqlState, quote_ident, shown_ident};

/// As `CREATE INDEX .. USING` names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IndexMethod {
    Btree,
    Hash,
    Gin,
    Gist,
    Brin,
}

/// Columns of one relation, by method. No expressions, no condition, not unique.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IndexDefinition {
    pub relation: QualifiedName,
    pub method: IndexMethod,
    pub keys: Vec<IndexKey>,
    /// Columns that are stored along.
    pub include: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IndexKey {
    pub column: String,
    pub descending: bool,
    /// `None`: as the direction has it.
    pub nulls_first: Option<bool>,
}

impl IndexKey {
    pub fn ascending(column: &str) -> Self {
        Self { column: column.to_owned(), descending: false, nulls_first: None }
    }
}

impl IndexDefinition {
    /// Reads one CREATE INDEX. `named` finds the relation by the name as SQL has it.
    pub fn parse(
        text: &str,
        named: impl FnOnce(&str) -> Result<QualifiedName, Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let Statement::CreateIndex(CreateIndex {
            name: _,
            table_name,
            using,
            columns,
            unique,
            concurrently: _,
            r#async,
            if_not_exists: _,
            include,
            nulls_distinct,
            with,
            predicate,
            index_options,
            alter_options,
        }) = parse::parse(text)?
        else {
            return Err(refused("an index is written as CREATE INDEX"));
        };
        for (found, what) in [
            (unique, "UNIQUE"),
            (r#async, "ASYNC"),
            (nulls_distinct.is_some(), "NULLS DISTINCT"),
            (!with.is_empty() || !index_options.is_empty() || !alter_options.is_empty(), "storage options"),
            (predicate.is_some(), "WHERE"),
        ] {
            if found {
                return Err(refused(&format!("{what} is not possible in a hypothetical index")));
            }
        }
        let parts = lower::name(table_name, Role::Column, 2)?;
        let name = parts.iter().map(|part| shown_ident(&part.text)).collect::<Vec<_>>().join(".");
        let include = include.into_iter().map(|column| Ok(lower::ident(column, Role::Column)?.text));
        Ok(Self {
            relation: named(&name)?,
            method: method(using)?,
            keys: columns.into_iter().map(key).collect::<Result<_, _>>()?,
            include: include.collect::<Result<_, Diagnostic>>()?,
        })
    }

    /// Every column that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.column.as_str()).chain(self.include.iter().map(String::as_str))
    }

    /// As it is sent: every name quoted.
    pub fn text(&self) -> String {
        self.written(&self.relation.quoted(), quote_ident)
    }

    fn written(&self, relation: &str, ident: impl Fn(&str) -> String) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|key| {
                let direction = if key.descending { " DESC" } else { "" };
                let nulls = match key.nulls_first {
                    Some(true) => " NULLS FIRST",
                    Some(false) => " NULLS LAST",
                    None => "",
                };
                format!("{}{direction}{nulls}", ident(&key.column))
            })
            .collect();
        let using =
            if self.method == IndexMethod::Btree { String::new() } else { format!(" USING {}", self.method) };
        let include: Vec<String> = self.include.iter().map(|column| ident(column)).collect();
        let include =
            if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", include.join(", ")) };
        format!("CREATE INDEX ON {relation}{using} ({}){include}", keys.join(", "))
    }
}

/// As a person writes it: names quoted where they must be.
impl fmt::Display for IndexDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&self.relation.to_string(), shown_ident))
    }
}

impl fmt::Display for IndexMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Btree => "btree",
            Self::Hash => "hash",
            Self::Gin => "gin",
            Self::Gist => "gist",
            Self::Brin => "brin",
        })
    }
}

fn method(using: Option<IndexType>) -> Result<IndexMethod, Diagnostic> {
    match using {
        None | Some(IndexType::BTree) => Ok(IndexMethod::Btree),
        Some(IndexType::Hash) => Ok(IndexMethod::Hash),
        Some(IndexType::GIN) => Ok(IndexMethod::Gin),
        Some(IndexType::GiST) => Ok(IndexMethod::Gist),
        Some(IndexType::BRIN) => Ok(IndexMethod::Brin),
        Some(IndexType::SPGiST | IndexType::Bloom | IndexType::Custom(_)) => {
            Err(refused("this method is not possible in a hypothetical index"))
        }
    }
}

fn key(column: IndexColumn) -> Result<IndexKey, Diagnostic> {
    let IndexColumn { column: OrderByExpr { expr, options, with_fill }, operator_class } = column;
    let OrderByOptions { sort, nulls_first } = options;
    if operator_class.is_some() || with_fill.is_some() {
        return Err(refused("operator classes are not possible in a hypothetical index"));
    }
    let Expr::Identifier(column) = expr else {
        return Err(refused("expressions are not possible in a hypothetical index"));
    };
    let descending = match sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(refused("an index orders by ASC or DESC")),
    };
    Ok(IndexKey { column: lower::ident(column, Role::Column)?.text, descending, nulls_first })
}

fn refused(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message).rule("sql.index").hint(
        "write CREATE INDEX ON schema.table [USING btree | hash | gin | gist | brin] (column, ..) [INCLUDE (column, ..)]",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<IndexDefinition, Diagnostic> {
        IndexDefinition::parse(text, |name| {
            assert_eq!(name, "shop.orders");
            Ok(QualifiedName::new("shop", "Orders"))
        })
    }

    #[test]
    fn it_is_printed_anew_with_every_name_quoted() {
        let index = parsed(
            "create index concurrently if not exists i on SHOP.orders using BTREE (\"A b\" desc nulls last, c) include (d)",
        );
        let index = index.unwrap();
        assert_eq!(
            index.text(),
            r#"CREATE INDEX ON "shop"."Orders" ("A b" DESC NULLS LAST, "c") INCLUDE ("d")"#
        );
        assert_eq!(
            index.to_string(),
            r#"CREATE INDEX ON shop."Orders" ("A b" DESC NULLS LAST, c) INCLUDE (d)"#
        );
        let gin = parsed("CREATE INDEX ON shop.orders USING gin (tags)").unwrap();
        assert_eq!(gin.to_string(), r#"CREATE INDEX ON shop."Orders" USING gin (tags)"#);
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "SELECT 1",
            "DROP TABLE shop.orders",
            "CREATE UNIQUE INDEX ON shop.orders (a)",
            "CREATE INDEX ON shop.orders (lower(a))",
            "CREATE INDEX ON shop.orders ((a))",
            "CREATE INDEX ON shop.orders (a text_pattern_ops)",
            "CREATE INDEX ON shop.orders (a) WHERE a > pg_sleep(1)",
            "CREATE INDEX ON shop.orders (a) WITH (fillfactor = 10)",
            "CREATE INDEX ON shop.orders USING bloom (a)",
            "CREATE INDEX ON shop.orders (a); DROP TABLE shop.orders",
            "CREATE INDEX ON shop.orders (a) TABLESPACE fast",
            "CREATE INDEX ON shop.orders ()",
        ] {
            let refusal = parsed(text).unwrap_err();
            assert!(["0A000", "42601"].contains(&refusal.sqlstate.as_str()), "{text}: {refusal}");
        }
    }
}
