//! The program. Everything is in the library; see `cli` for the commands.

use std::process::ExitCode;

/// A check makes some thousand small allocations; the system's allocator takes a third of its time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pgwarden::cli::main()
}
