//! Window definitions.

use sqlparser::ast::{
    self as sp, NamedWindowDefinition, NamedWindowExpr, WindowFrame, WindowSpec, WindowType,
};

use super::expr::{expr, exprs};
use super::name::{Role, ident};
use super::{Lowered, absent, query};
use crate::sql::ast::{Exclude, Frame, FrameBound, FrameUnit, Ident, Over, Window};
use crate::sql::parse::marker;

pub fn over(over: WindowType) -> Lowered<Over> {
    match over {
        WindowType::WindowSpec(spec) => window(spec).map(|window| Over::Window(Box::new(window))),
        WindowType::NamedWindow(name) => ident(name, Role::Column).map(Over::Name),
    }
}

pub fn named(definition: NamedWindowDefinition) -> Lowered<(Ident, Window)> {
    let NamedWindowDefinition(name, spec) = definition;
    let spec = match spec {
        NamedWindowExpr::WindowSpec(spec) => window(spec)?,
        NamedWindowExpr::NamedWindow(_) => {
            return super::refuse("WINDOW name AS other_name", "write WINDOW name AS (other_name)");
        }
    };
    Ok((ident(name, Role::Column)?, spec))
}

fn window(spec: WindowSpec) -> Lowered<Window> {
    let WindowSpec { window_name, mut partition_by, order_by, window_frame } = spec;
    let exclude = match partition_by.first() {
        Some(sp::Expr::CompoundIdentifier(parts)) => exclude(parts),
        _ => None,
    };
    if exclude.is_some() {
        partition_by.remove(0);
    }
    absent(exclude.is_none() || window_frame.is_some(), "EXCLUDE without a frame")?;
    Ok(Window {
        base: window_name.map(|name| ident(name, Role::Column)).transpose()?,
        partition_by: exprs(partition_by)?,
        order_by: query::order_items(order_by)?,
        frame: window_frame.map(|found| frame(found, exclude)).transpose()?,
    })
}

/// It comes as a key with a mark for its relation.
fn exclude(key: &[sp::Ident]) -> Option<Exclude> {
    let [mark, word] = key else { return None };
    if !marker::is(mark, marker::EXCLUDE) {
        return None;
    }
    Some(match word.value.as_str() {
        "current" => Exclude::CurrentRow,
        "group" => Exclude::Group,
        "ties" => Exclude::Ties,
        _ => Exclude::NoOthers,
    })
}

fn frame(frame: WindowFrame, exclude: Option<Exclude>) -> Lowered<Frame> {
    let WindowFrame { units, start_bound, end_bound } = frame;
    Ok(Frame {
        unit: match units {
            sp::WindowFrameUnits::Rows => FrameUnit::Rows,
            sp::WindowFrameUnits::Range => FrameUnit::Range,
            sp::WindowFrameUnits::Groups => FrameUnit::Groups,
        },
        start: bound(start_bound)?,
        end: end_bound.map(bound).transpose()?,
        exclude,
    })
}

fn bound(bound: sp::WindowFrameBound) -> Lowered<FrameBound> {
    Ok(match bound {
        sp::WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
        sp::WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
        sp::WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
        sp::WindowFrameBound::Preceding(Some(by)) => FrameBound::Preceding(expr(*by)?),
        sp::WindowFrameBound::Following(Some(by)) => FrameBound::Following(expr(*by)?),
    })
}
