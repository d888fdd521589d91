//! `pgwarden man`: the manual pages, one a command, made from the command line itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::arguments::Arguments;
use super::{DENIED, FAILED};
use crate::config;

/// Quoted, so that what follows keeps its place. A date would be that of the build, and two builds would differ.
const NO_DATE: &str = "\"\"";
const VERSION: &str = concat!("pgwarden ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Write the page of every command into this folder, as in ~/.local/share/man/man1, instead of printing pgwarden(1)
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

struct Page {
    /// As in `pgwarden-token-create.1`.
    file: String,
    troff: Vec<u8>,
}

pub(super) fn run(arguments: &ManArguments) -> anyhow::Result<ExitCode> {
    let pages = pages()?;
    match &arguments.to {
        Some(folder) => {
            let unwritten = || format!("`{}` cannot be written", folder.display());
            fs::create_dir_all(folder).with_context(unwritten)?;
            for page in &pages {
                fs::write(folder.join(&page.file), &page.troff).with_context(unwritten)?;
            }
        }
        None => {
            let first = pages.first().map_or(&[][..], |page| &page.troff);
            io::stdout().write_all(first)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// pgwarden(1) is the first.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = vec![page(&program, &of_all_commands())?];
    add_pages_below(&program, &mut pages)?;
    Ok(pages)
}

fn add_pages_below(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    for below in command.get_subcommands() {
        pages.push(page(below, &see_also())?);
        add_pages_below(below, pages)?;
    }
    Ok(())
}

fn page(command: &Command, end: &Roff) -> io::Result<Page> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let man = Man::new(command.clone()).title(name.to_uppercase()).date(NO_DATE).source(VERSION);
    let mut troff = Vec::new();
    man.render(&mut troff)?;
    troff.extend(end.to_roff().into_bytes());
    Ok(Page { file: man.get_filename(), troff })
}

fn of_all_commands() -> Roff {
    let mut end = Roff::new();
    end.control("SH", ["ENVIRONMENT"]);
    end.text([roman(format!(
        "{}. Each stands for the flag of that name where a command has it, but for PGWARDEN_LOG (what is logged), \
         PGWARDEN_PG_BIN (where the demo's PostgreSQL is) and PGWARDEN_STORE_KEY (what seals the store). Another \
         variable that starts with PGWARDEN_ is refused. Where neither a flag, one of these nor the configuration \
         names a database, DATABASE_URL does, or libpq's own variables.",
        config::VARIABLES.join(", ")
    ))]);
    end.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in [
        (0, "It is done."),
        (FAILED, "Something failed: stderr has what, and a hint."),
        (2, "The command line was not understood."),
        (DENIED, "A statement was denied (pgwarden check)."),
    ] {
        end.control("TP", []).text([bold(status.to_string())]).text([roman(meaning)]);
    }
    end
}

fn see_also() -> Roff {
    let mut end = Roff::new();
    end.control("SH", ["SEE ALSO"]).text([bold("pgwarden"), roman("(1)")]);
    end
}

#[cfg(test)]
mod tests {
    use super::{VERSION, pages};

    fn page(file: &str) -> String {
        let page = pages().unwrap().into_iter().find(|page| page.file == file).unwrap();
        String::from_utf8(page.troff).unwrap()
    }

    #[test]
    fn every_command_has_a_page_which_the_page_above_it_names() {
        let files: Vec<String> = pages().unwrap().into_iter().map(|page| page.file).collect();
        assert_eq!(files[0], "pgwarden.1");
        assert!(files.contains(&"pgwarden-token-create.1".to_owned()), "{files:?}");
        for file in &files[1..] {
            let (above, _) = file.rsplit_once('-').unwrap();
            let name = file.trim_end_matches(".1").replace('-', "\\-");
            assert!(page(&format!("{above}.1")).contains(&format!("\n{name}(1)\n")), "{file} is not named");
        }
    }

    #[test]
    fn a_page_has_the_flags_of_its_command_and_says_how_it_ends() {
        let serve = page("pgwarden-serve.1");
        let title = format!("\n.TH PGWARDEN-SERVE 1 \"\" \"{VERSION}\"");
        assert!(serve.contains(&title), "{serve}");
        assert!(serve.contains("\\fB\\-\\-tokens\\-file\\fR \\fI<FILE>\\fR\nBearer tokens, made by"));
        assert!(serve.ends_with(".SH \"SEE ALSO\"\n\\fBpgwarden\\fR(1)\n"), "{serve}");
        let first = page("pgwarden.1");
        assert!(first.contains("PGWARDEN_TOKENS_FILE") && first.contains("\n.TP\n\\fB3\\fR\nA statement"));
    }
}
