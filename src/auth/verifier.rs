//! Bearer tokens to callers: each kind of token has its verifier, and several can be on at once.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Caller, ClientAddress};

/// A caller whose token is good now.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub caller: Caller,
    /// Fires once the token is revoked or stands for somebody else.
    pub ended: CancellationToken,
}

/// What one verifier says of a token.
#[derive(Debug)]
pub enum Verdict {
    Admitted(Box<Admitted>),
    /// Not a token of this kind: another verifier may know it.
    Foreign,
    /// Of this kind, and not valid.
    Invalid,
    /// Cannot be told at the moment: the provider does not answer. Never the caller's fault.
    Unavailable,
}

/// Verifies one kind of token. What it says goes to logs without the token.
pub trait Verifier: Send + Sync + fmt::Debug {
    /// `from`: where the request came from, as far as that is known.
    fn verify<'a>(&'a self, presented: &'a str, from: Option<ClientAddress>) -> BoxFuture<'a, Verdict>;

    /// What was seen before is not enough for the next answer, as far as that is here.
    fn look_anew(&self) {}
}

/// The verifiers that are on, in order. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Authenticator(Arc<[Arc<dyn Verifier>]>);

impl Authenticator {
    pub fn new(verifiers: Vec<Arc<dyn Verifier>>) -> Self {
        Self(verifiers.into())
    }

    /// As [`Self::verify`], of what holds right now: for what must not happen by a token that was taken back a moment ago.
    pub async fn verify_anew(&self, presented: &str, from: Option<ClientAddress>) -> Verdict {
        self.0.iter().for_each(|verifier| verifier.look_anew());
        self.verify(presented, from).await
    }

    pub async fn verify(&self, presented: &str, from: Option<ClientAddress>) -> Verdict {
        for verifier in self.0.iter() {
            match verifier.verify(presented, from).await {
                Verdict::Foreign => {}
                verdict => return verdict,
            }
        }
        Verdict::Invalid
    }
}
