//! The program. Everything is in the library; see `cli` for the commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgwarden::cli::main()
}
