//! Fail the n-th message, for n = 1, 2, 3 .. until nothing fails any more: what each of these tests goes through.

use std::time::Duration;

use crate::proxy::{After, Fault, Proxy, Way};

/// One direction and one fault, over every `step`-th message from `first` on. Lanes wait for deadlines side by side.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub number: i32,
    pub way: Way,
    pub fault: Fault,
    pub first: u64,
    pub step: u64,
}

/// `parts`: how many lanes share the messages of a black hole, each of which costs a deadline.
pub fn lanes(parts: u64) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for way in [Way::ToServer, Way::ToClient] {
        for (fault, step) in [(Fault::Cut, 1), (Fault::Reset, 1), (Fault::BlackHole, parts)] {
            for first in 1..=step {
                let number = i32::try_from(lanes.len()).unwrap() + 1;
                lanes.push(Lane { number, way, fault, first, step });
            }
        }
    }
    lanes
}

/// What came of all of them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub right: u32,
    pub errors: u32,
    pub unknown: u32,
    pub faults: u64,
    pub to_server: u64,
    pub to_client: u64,
    pub longest: Duration,
}

impl Tally {
    pub fn add(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            errors: self.errors + other.errors,
            unknown: self.unknown + other.unknown,
            faults: self.faults + other.faults,
            to_server: self.to_server.max(other.to_server),
            to_client: self.to_client.max(other.to_client),
            longest: self.longest.max(other.longest),
        }
    }

    pub fn proof(&self) -> String {
        format!("the proxy counted {} cut, reset and swallowed connections", self.faults)
    }

    pub fn words(&self) -> String {
        format!(
            "n to {} to the server, to {} to the client: {} right, {} errors, {} unknown; the longest answer {:.1} s",
            self.to_server,
            self.to_client,
            self.right,
            self.errors,
            self.unknown,
            self.longest.as_secs_f64()
        )
    }
}

impl Lane {
    pub fn arm(&self, proxy: &Proxy, n: u64) {
        proxy.arm(self.way, After::Messages(n), self.fault);
    }

    /// Whether the fault happened, also while the connection was being reset. Without, the lane is at its end.
    pub async fn happened(&self, proxy: &Proxy) -> bool {
        for _ in 0..10 {
            if !proxy.is_armed() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        proxy.disarm()
    }

    pub fn counted(&self, n: u64, tally: &mut Tally) {
        let most = match self.way {
            Way::ToServer => &mut tally.to_server,
            Way::ToClient => &mut tally.to_client,
        };
        *most = n;
        tally.faults += 1;
    }
}
