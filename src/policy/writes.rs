//! `[writes]`: what comes before a change of rows, and what is kept of it.

use std::time::Duration;

use super::document;

/// A policy that includes another has the stricter of both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writes {
    pub approval: Approval,
    /// Rows that one statement may change.
    pub rows: u64,
    pub preview: Preview,
    /// How long the old rows are kept.
    pub before: Option<Duration>,
}

/// Whose word a statement that writes needs. From the least to the strictest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Approval {
    /// It runs at once.
    None,
    /// The person's who asked.
    Requester,
    /// Anybody's with the scope `approve`.
    Approver,
    /// Two people's: two with that scope, or one and who asked.
    Two,
}

/// How a statement that writes is shown before it runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Preview {
    /// By its plan: nothing runs.
    Plan,
    /// By running it and rolling back: triggers run too.
    Run,
}

impl Writes {
    /// Where no file has the section.
    pub const fn unwritten() -> Self {
        Self { approval: Approval::Requester, rows: 100, preview: Preview::Plan, before: None }
    }

    pub(super) fn read(written: &document::Writes) -> Result<Self, String> {
        let document::Writes { approval, rows, preview, before } = written;
        if *rows == 0 {
            return Err("`rows` is 1 or more".to_owned());
        }
        Ok(Self {
            approval: Approval::read(approval)?,
            rows: *rows,
            preview: preview.as_deref().map_or(Ok(Preview::Plan), Preview::read)?,
            before: before.as_deref().map(duration).transpose()?,
        })
    }

    /// A plan runs nothing, so it is the narrower; the longest time that any of them promises is kept.
    pub(super) fn stricter(self, other: Self) -> Self {
        Self {
            approval: self.approval.max(other.approval),
            rows: self.rows.min(other.rows),
            preview: self.preview.min(other.preview),
            before: self.before.max(other.before),
        }
    }
}

impl Approval {
    pub const ALL: [Self; 4] = [Self::None, Self::Requester, Self::Approver, Self::Two];

    /// As a policy writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requester => "requester",
            Self::Approver => "approver",
            Self::Two => "two",
        }
    }

    fn read(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|approval| approval.word() == word);
        found.ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            format!("`approval` is one of {words}")
        })
    }
}

impl Preview {
    /// As a policy writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Run => "run",
        }
    }

    fn read(word: &str) -> Result<Self, String> {
        let found = [Self::Plan, Self::Run].into_iter().find(|preview| preview.word() == word);
        found.ok_or_else(|| "`preview` is one of plan, run".to_owned())
    }
}

/// `30m`, `12h`, `90d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "`before` is a number and a unit, as in \"30m\", \"12h\" or \"90d\"".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    let plain = digits.chars().all(|c| c.is_ascii_digit());
    let number = digits.parse::<u32>().ok().filter(|number| plain && *number > 0).ok_or_else(wrong)?;
    Ok(Duration::from_secs(u64::from(number).saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        approval: &str,
        rows: u64,
        preview: Option<&str>,
        before: Option<&str>,
    ) -> Result<Writes, String> {
        Writes::read(&document::Writes {
            approval: approval.to_owned(),
            rows,
            preview: preview.map(str::to_owned),
            before: before.map(str::to_owned),
        })
    }

    #[test]
    fn a_section_is_read_word_by_word() {
        let writes = read("two", 7, Some("run"), Some("90d")).unwrap();
        let before = Some(Duration::from_secs(90 * 86_400));
        assert_eq!(writes, Writes { approval: Approval::Two, rows: 7, preview: Preview::Run, before });
        assert_eq!(read("none", 1, None, Some("30m")).unwrap().before, Some(Duration::from_secs(1_800)));
        assert_eq!(read("none", 1, None, Some("12h")).unwrap().before, Some(Duration::from_secs(43_200)));
        assert!(read("nobody", 7, None, None).unwrap_err().contains("none, requester, approver, two"));
        assert!(read("none", 0, None, None).unwrap_err().contains("1 or more"));
        assert!(read("none", 1, Some("ran"), None).unwrap_err().contains("plan, run"));
        for wrong in ["", "d", "7", "0d", "-1d", "+1d", "1.5h", "7 d", "7w", "99999999999d", "7dé"] {
            assert!(read("none", 1, None, Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_two_the_stricter_holds() {
        let one = read("none", 50, Some("run"), Some("7d")).unwrap();
        let other = read("approver", 80, Some("plan"), None).unwrap();
        for both in [one.clone().stricter(other.clone()), other.stricter(one)] {
            assert_eq!((both.approval, both.rows, both.preview), (Approval::Approver, 50, Preview::Plan));
            assert_eq!(both.before, Some(Duration::from_secs(7 * 86_400)));
        }
    }
}
