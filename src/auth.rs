//! Who calls: static bearer tokens, and the identity that a transport gives.

mod caller;
mod tokens;

pub use caller::Caller;
pub use tokens::{NewToken, Secret, TokenError, TokenFile, TokenRecord, TokenStore};
