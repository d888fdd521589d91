//! Each kind of work that is measured.

mod callers;
mod cancel;
mod rows;
mod single;
mod start;

pub use callers::{Asker, Load, told};
pub use rows::through_pages;

use crate::figures::Figures;
use crate::ground::Ground;
use crate::program::Program;

/// How much of each.
#[derive(Clone, Copy)]
pub struct Scale {
    pub starts: usize,
    /// Of single calls, by rounds of 200 each.
    pub rounds: usize,
    /// Of 32 callers, each kind.
    pub seconds: u32,
    pub cancels: usize,
    /// The large answer, too.
    pub million: bool,
}

impl Scale {
    pub const WHOLE: Self = Self { starts: 30, rounds: 15, seconds: 6, cancels: 100, million: true };
    /// Of one build in one round of a comparison.
    pub const ROUND: Self = Self { starts: 10, rounds: 4, seconds: 2, cancels: 0, million: false };
    pub const BRIEF: Self = Self { starts: 5, rounds: 2, seconds: 1, cancels: 10, million: true };
}

pub async fn everything(program: &Program, ground: &Ground, scale: Scale) -> Figures {
    let mut figures = Figures::default();
    figures.extend(start::measure(program, scale).await);
    figures.extend(single::measure(program, ground, scale).await);
    figures.extend(callers::measure(program, ground, scale).await);
    figures.extend(rows::measure(program, ground, scale).await);
    if scale.cancels > 0 {
        figures.extend(cancel::measure(program, ground, scale).await);
    }
    figures
}
