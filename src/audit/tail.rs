//! The end of a file of lines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Longer lines are none of ours.
const LONGEST: u64 = 1024 * 1024;

/// What a file ends with.
#[derive(PartialEq, Debug)]
pub(super) struct Tail {
    /// The last whole line, without its end.
    pub(super) line: Option<Vec<u8>>,
    /// What stands behind it: the beginning of a line.
    pub(super) torn: Vec<u8>,
}

impl Tail {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let wanted = length.min(2 * LONGEST);
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(0)];
        file.read_exact_at(&mut bytes, length.saturating_sub(wanted))?;
        let mut lines = bytes.rsplitn(3, |byte| *byte == b'\n');
        let torn = lines.next().unwrap_or_default().to_vec();
        Ok(Self { line: lines.next().map(<[u8]>::to_vec), torn })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_last_line_and_what_is_behind_it() {
        let tail = |text: &str| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let Tail { line, torn } = Tail::of(&file).unwrap();
            let shown = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (line.map(shown), shown(torn))
        };
        let line = |text: &str| Some(text.to_owned());
        assert_eq!(tail(""), (None, String::new()));
        assert_eq!(tail("abc"), (None, "abc".to_owned()));
        assert_eq!(tail("abc\n"), (line("abc"), String::new()));
        assert_eq!(tail("abc\ndef\ngh"), (line("def"), "gh".to_owned()));
        assert_eq!(tail("abc\n\n"), (line(""), String::new()));
    }
}
