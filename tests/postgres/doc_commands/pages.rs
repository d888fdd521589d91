//! The commands of the pages: each line of a fenced block that is called `console` or `sh`.

use std::fs;
use std::path::PathBuf;

pub(super) struct Command {
    pub page: String,
    pub text: String,
    /// What the page says that it prints, where the block shows a prompt.
    pub output: Option<String>,
}

/// Of README.md and docs/, in the order of the pages.
pub(super) fn commands() -> Vec<Command> {
    let mut pages: Vec<PathBuf> = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(PathBuf::from("README.md"));
    pages.sort();
    let mut found = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let page = page.display().to_string();
        for language in ["console", "sh"] {
            for block in fenced(&text, language) {
                found.extend(of_block(&page, block));
            }
        }
    }
    found
}

/// What stands in the fenced blocks of that language.
pub(super) fn fenced<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn of_block(page: &str, block: &str) -> Vec<Command> {
    let command = |text: &str, output: Option<String>| Command {
        page: page.to_owned(),
        text: text.trim().to_owned(),
        output,
    };
    if let Some(prompted) = block.strip_prefix("$ ") {
        let (text, output) = prompted.split_once('\n').unwrap();
        return vec![command(text, Some(output.to_owned()))];
    }
    let joined = block.replace("\\\n", " ");
    joined.lines().filter(|line| !line.trim().is_empty()).map(|line| command(line, None)).collect()
}
