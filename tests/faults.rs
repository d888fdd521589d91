//! The table of faults: each test shows first that its fault was injected, then holds pgwarden to its promise, then looks
//! for what the fault may have left behind. `scripts/faults` prints the table.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "support/proxy.rs"]
#[allow(dead_code, reason = "it does more for other test binaries")]
mod proxy;
#[allow(dead_code, unused_imports, reason = "each test binary uses its part")]
mod support;

mod faults {
    mod cancel;
    mod certificates;
    mod client;
    mod clock;
    mod crowd;
    #[path = "../postgres/replicas/fleet.rs"]
    #[allow(dead_code, reason = "replicas have tests of their own")]
    mod fleet;
    mod ground;
    mod hang;
    mod hosts;
    mod kills;
    mod lanes;
    mod network;
    mod nth_read;
    mod nth_store;
    mod nth_task;
    mod nth_write;
    mod pool;
    mod process;
    mod resources;
    mod restart;
    mod row;
    mod served;
}
