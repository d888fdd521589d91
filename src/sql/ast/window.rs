//! OVER and WINDOW.

use super::{Expr, Ident, OrderItem};

#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    Name(Ident),
    Window(Box<Window>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub base: Option<Ident>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<Frame>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub unit: FrameUnit,
    pub start: FrameBound,
    pub end: Option<FrameBound>,
    pub exclude: Option<Exclude>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Exclude {
    CurrentRow,
    Group,
    Ties,
    NoOthers,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum FrameUnit {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    CurrentRow,
    UnboundedPreceding,
    UnboundedFollowing,
    Preceding(Expr),
    Following(Expr),
}
