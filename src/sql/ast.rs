//! Our own tree of a read-only statement, and in `write` of one that writes: only what can be checked has a node here.
//!
//! `lower` makes it from sqlparser's tree, `resolve` binds its names in place, `render` prints it. Printing and
//! lowering again must give an equal tree; positions do not take part in that comparison. Only what a policy's author
//! wrote is ever cloned: a caller's tree may be deep and wide.

mod operator;
mod reads;
pub mod walk;
mod window;
pub mod write;

pub use operator::Operator;
pub use window::{Exclude, Frame, FrameBound, FrameUnit, Over, Window};

use crate::pg::Position;

/// A folded, unquoted identifier with its place in the caller's text.
#[derive(Clone, Debug)]
pub struct Ident {
    pub text: String,
    pub at: Option<Position>,
}

impl Ident {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), at: None }
    }
}

impl PartialEq for Ident {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Query(Query),
    Explain { options: Explain, query: Query },
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Explain {
    pub costs: Option<bool>,
    pub json: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub with: Option<With>,
    pub body: Body,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
    pub offset: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    Rows(Expr),
    WithTies(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct With {
    pub recursive: bool,
    pub ctes: Vec<Cte>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    pub name: Ident,
    pub columns: Vec<Ident>,
    pub materialized: Option<bool>,
    pub query: Query,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Values(Vec<Vec<Expr>>),
    Query(Box<Query>),
    SetOperation(Box<SetOperation>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetOperation {
    pub operator: SetOperator,
    pub all: bool,
    pub left: Body,
    pub right: Body,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub distinct: Distinct,
    pub items: Vec<Item>,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub group_by: Vec<GroupItem>,
    /// `GROUP BY DISTINCT`: equal grouping sets count once.
    pub group_distinct: bool,
    pub having: Option<Expr>,
    pub windows: Vec<(Ident, Window)>,
}

impl Select {
    /// `SELECT items FROM from`
    pub fn of(items: Vec<Item>, from: Vec<FromItem>) -> Self {
        Self {
            distinct: Distinct::No,
            items,
            from,
            filter: None,
            group_by: Vec::new(),
            group_distinct: false,
            having: None,
            windows: Vec::new(),
        }
    }
}

impl Query {
    pub fn of(select: Select) -> Self {
        let body = Body::Select(Box::new(select));
        Self { with: None, body, order_by: Vec::new(), limit: None, offset: None }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    No,
    Rows,
    On(Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Star,
    /// `alias.*`; before resolution also `schema.relation.*`.
    TableStar(Vec<Ident>),
    /// `(expression).*`
    RowStar(Expr),
    Expr {
        expr: Expr,
        alias: Option<Ident>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    Expr(Expr),
    Rollup(Vec<Vec<Expr>>),
    Cube(Vec<Vec<Expr>>),
    Sets(Vec<Vec<Expr>>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    Relation(RelationItem),
    Subquery { lateral: bool, query: Box<Query>, alias: Option<Alias> },
    Function(Box<FunctionItem>),
    Join(Box<Join>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RelationItem {
    /// One to three parts before resolution; `schema.relation` or the name of a CTE after it.
    pub name: Vec<Ident>,
    pub only: bool,
    pub alias: Option<Alias>,
    pub sample: Option<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub method: SampleMethod,
    pub percent: Expr,
    pub seed: Option<String>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum SampleMethod {
    Bernoulli,
    System,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FunctionItem {
    pub call: Call,
    pub ordinality: bool,
    pub alias: Option<Alias>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    pub name: Ident,
    pub columns: Vec<AliasColumn>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AliasColumn {
    pub name: Ident,
    /// A column definition list: `AS t(a integer)`.
    pub type_name: Option<TypeName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub left: FromItem,
    pub right: FromItem,
    pub kind: JoinKind,
    pub on: JoinOn,
    /// Names the joined table, and hides the names inside (PostgreSQL 7.2.1.2).
    pub alias: Option<Alias>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JoinOn {
    Nothing,
    Natural,
    Condition(Expr),
    /// With a name for the row of the joined columns, which hides no other name.
    Using {
        columns: Vec<Ident>,
        alias: Option<Ident>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    pub expr: Expr,
    pub descending: Option<bool>,
    /// `USING <`, instead of ASC and DESC.
    pub using: Option<Operator>,
    pub nulls_first: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// One to three parts before resolution; afterwards `alias.column`, a merged or output `column`, or the
    /// whole row of `alias`.
    Column(Vec<Ident>),
    /// `alias.*` as an argument.
    WholeRow(Vec<Ident>),
    Null,
    Boolean(bool),
    /// Digits as PostgreSQL 14 reads them.
    Number(String),
    String(String),
    /// `B'01'` or `X'1f'`: prefix and digits.
    Bits(char, String),
    Parameter(u32),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Prefix(Operator, Box<Expr>),
    Infix(Box<Expr>, Operator, Box<Expr>),
    Is(Box<Expr>, IsTest, bool),
    IsDistinct(Box<Expr>, Box<Expr>, bool),
    IsJson(Box<Expr>, JsonTest, bool),
    InList(Box<Expr>, Vec<Expr>, bool),
    InQuery(Box<Expr>, Box<Query>, bool),
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
        symmetric: bool,
    },
    Like(Box<Like>),
    /// `left operator ANY (..)` or `ALL`.
    Quantified {
        left: Box<Expr>,
        operator: Operator,
        all: bool,
        right: Box<Quantified>,
    },
    Exists(Box<Query>),
    Subquery(Box<Query>),
    ArrayQuery(Box<Query>),
    Array(Vec<Expr>),
    Row {
        explicit: bool,
        fields: Vec<Expr>,
    },
    Case(Box<Case>),
    Cast(Box<Expr>, TypeName),
    Collate(Box<Expr>, Vec<Ident>),
    Subscript(Box<Expr>, Vec<Subscript>),
    Field(Box<Expr>, Ident),
    Call(Box<Call>),
    /// Forms of the grammar that are no functions: COALESCE, NULLIF, GREATEST, LEAST, GROUPING.
    Special(Special, Vec<Expr>),
    /// `CURRENT_DATE`, `CURRENT_TIMESTAMP(3)`, ..
    Keyword(Keyword, Option<u32>),
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum IsTest {
    Null,
    True,
    False,
    Unknown,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub struct JsonTest {
    pub kind: &'static str,
    pub unique_keys: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Quantified {
    Query(Box<Query>),
    Array(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    pub kind: LikeKind,
    pub negated: bool,
    pub expr: Expr,
    pub pattern: Expr,
    pub escape: Option<Expr>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum LikeKind {
    Like,
    ILike,
    Similar,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub operand: Option<Expr>,
    pub whens: Vec<(Expr, Expr)>,
    pub otherwise: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Subscript {
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// One or two parts before resolution, `schema.function` afterwards.
    pub name: Vec<Ident>,
    pub distinct: bool,
    /// `f(*)`
    pub star: bool,
    pub args: Vec<Arg>,
    pub order_by: Vec<OrderItem>,
    pub within_group: Vec<OrderItem>,
    pub filter: Option<Expr>,
    pub over: Option<Over>,
}

impl Call {
    /// A call of one of PostgreSQL's own functions, as its grammar makes them from special syntax.
    pub fn builtin(name: &str, args: Vec<Expr>) -> Self {
        Self {
            name: vec![Ident::new("pg_catalog"), Ident::new(name)],
            distinct: false,
            star: false,
            args: args.into_iter().map(|value| Arg { variadic: false, name: None, value }).collect(),
            order_by: Vec::new(),
            within_group: Vec::new(),
            filter: None,
            over: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `VARIADIC array`, the last one.
    pub variadic: bool,
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Special {
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Grouping,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Keyword {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentUser,
    CurrentRole,
    SessionUser,
    User,
    CurrentCatalog,
    CurrentSchema,
}

/// A type as it is named: `pg_catalog.numeric(12,2)[]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// One or two parts before resolution, two afterwards.
    pub name: Vec<Ident>,
    pub modifiers: Vec<String>,
    /// The fields of an interval (`DAY TO SECOND`), only for `pg_catalog.interval`.
    pub interval_fields: Option<&'static str>,
    pub array: bool,
}

impl TypeName {
    pub fn is_interval(&self) -> bool {
        matches!(self.name.as_slice(), [schema, name] if schema.text == "pg_catalog" && name.text == "interval")
    }
}
