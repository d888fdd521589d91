//! Who calls: static bearer tokens, and the identity that a transport gives.

mod caller;

pub use caller::Caller;
