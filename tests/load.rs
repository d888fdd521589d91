//! The real program under attack and under load, seen from outside: what a neighbour feels of it, and what is left behind.
//!
//! Each test takes the machine for itself. `PGWARDEN_LOAD_SECONDS` makes each attack longer, `PGWARDEN_SOAK_SECONDS` the
//! soak; `scripts/soak load` and `scripts/soak long` set them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, unused_imports, reason = "each of the test binaries uses its part")]
mod support;

mod load {
    mod connections;
    mod fairness;
    mod frames;
    mod level;
    mod neighbour;
    mod program;
    mod readers;
    mod soak;
    mod stage;
    mod statements;
    mod streams;
    mod tasks;
    mod wire;
}
