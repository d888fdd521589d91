//! Who calls: bearer tokens of every kind, and the identity that a transport gives.

mod caller;
mod scope;
pub mod server;
mod tokens;
mod verifier;

pub use caller::{Caller, OwnLogin};
pub use scope::{Scope, Scopes};
pub use tokens::{NewToken, Secret, TokenError, TokenFile, TokenRecord, TokenStore};
pub use verifier::{Admitted, Authenticator, Verdict, Verifier};
