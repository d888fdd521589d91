//! Where something stands in the configuration's file, for messages.

use std::sync::Arc;

use crate::policy::Place;

/// The line of `key` in `[section]`, else that of the section, else the first.
pub(super) fn of(file: &str, text: &str, section: &str, key: Option<&str>) -> Place {
    let header = format!("[{section}]");
    let place = |line: usize| Place { file: Arc::from(file), line: line + 1, column: 1 };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(at) = lines.iter().position(|line| line.starts_with(&header)) else { return place(0) };
    let of_section = lines.iter().enumerate().skip(at + 1).take_while(|(_, line)| !line.starts_with('['));
    let is_key =
        |line: &str| key.is_some_and(|key| line.split('=').next().is_some_and(|word| word.trim() == key));
    place(of_section.into_iter().find(|(_, line)| is_key(line)).map_or(at, |(line, _)| line))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_key_a_section_or_the_first_line() {
        let text = "# x\n[limits]\nlisten = 1\n[server]\n  listen = \"a\"\n[databases.shop]\nurl = \"\"\n";
        let line = |section, key| of("p.toml", text, section, key).line;
        assert_eq!(line("server", Some("listen")), 5);
        assert_eq!(line("server", Some("sessions")), 4);
        assert_eq!(line("databases.shop", None), 6);
        assert_eq!(line("store", None), 1);
    }
}
