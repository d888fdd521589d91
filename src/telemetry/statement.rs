//! The text of a statement, for those who print it as their settings say.

use std::fmt;

/// INVARIANT: the text may hold literals, so that it is no part of a log line: Debug shows none of it.
#[derive(Clone, Copy)]
pub enum Statement<'a> {
    /// Nobody had a look at it, or it was refused: as the caller wrote it.
    Asked(&'a str),
    /// Printed from the checked tree.
    Checked(&'a str),
    /// The caller wrote none: the tool looks by itself.
    Absent,
}

impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked(_) => "Asked(..)",
            Self::Checked(_) => "Checked(..)",
            Self::Absent => "Absent",
        })
    }
}
