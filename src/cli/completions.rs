//! `pgwarden completions`: what lets a shell complete the command line, made from the command line itself.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::Generator as _;
use clap_complete::shells::{Bash, Fish, Zsh};

use super::arguments::Arguments;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Whose script; docs/INSTALL.md says where each goes
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    io::stdout().write_all(&script(arguments.shell)?)?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut command = Arguments::command().bin_name("pgwarden");
    command.build();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => Bash.try_generate(&command, &mut script)?,
        Shell::Zsh => Zsh.try_generate(&command, &mut script)?,
        Shell::Fish => Fish.try_generate(&command, &mut script)?,
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Command, CommandFactory as _, ValueEnum as _};

    use super::{Arguments, Shell, script};

    /// The name and the long flags of every command below this one.
    fn words_below(command: &Command) -> Vec<String> {
        let below = command.get_subcommands();
        let words = below.flat_map(|command| {
            let flags = command.get_arguments().filter_map(|flag| flag.get_long()).map(str::to_owned);
            let mut words = vec![command.get_name().to_owned()];
            words.extend(flags);
            words.extend(words_below(command));
            words
        });
        words.collect()
    }

    #[test]
    fn every_shell_is_told_every_command_and_every_flag() {
        let words = words_below(&Arguments::command());
        assert!(words.contains(&"revoke".to_owned()) && words.contains(&"tokens-file".to_owned()));
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell).unwrap()).unwrap();
            let told: BTreeSet<&str> = script
                .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
                .map(|word| word.trim_start_matches('-'))
                .collect();
            for word in &words {
                assert!(told.contains(word.as_str()), "{shell:?} is not told of `{word}`");
            }
        }
    }
}
