//! `pgwarden notes`: a draft of a file of notes, and its schema for editors.

mod draft;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::arguments::Target;
use super::setup::{Setup, environment};

const SCHEMA: &str = include_str!("../../policies/notes.schema.json");

#[derive(Debug, Subcommand)]
pub(super) enum NotesCommand {
    /// Write a draft for a database into a new file: its relations and columns, those without comments first
    Init(InitArguments),
    /// Print the JSON Schema of notes, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    #[command(flatten)]
    target: Target,
    /// The entry of the configuration, where there are several
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// The file to write; one that exists is left as it is
    #[arg(value_name = "FILE", default_value = "notes.toml")]
    file: PathBuf,
}

pub(super) async fn run(command: NotesCommand) -> anyhow::Result<ExitCode> {
    match command {
        NotesCommand::Init(arguments) => init(arguments).await,
        NotesCommand::Schema => {
            print!("{SCHEMA}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn init(arguments: InitArguments) -> anyhow::Result<ExitCode> {
    if arguments.file.exists() {
        return Err(exists(&arguments.file));
    }
    // Whoever writes notes may see what the login sees: policies are not asked.
    let setup = Setup::without_policies(&arguments.target, &environment)?;
    let catalog = setup.one(arguments.entry.as_deref())?.database.ready().await?;
    write(&arguments.file, &draft::draft(&catalog))?;
    setup.close().await;
    println!("{}: fill in what helps, and name it in the entry: notes = \"..\"", arguments.file.display());
    Ok(ExitCode::SUCCESS)
}

/// Makes the file, or fails: whatever has been written into it since is somebody's work.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut made = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(file)),
        made => made.with_context(|| format!("`{}` cannot be made", file.display()))?,
    };
    made.write_all(text.as_bytes()).with_context(|| format!("`{}` cannot be written", file.display()))
}

fn exists(file: &Path) -> anyhow::Error {
    anyhow::anyhow!("`{}` exists: it is left as it is; name another file", file.display())
}
