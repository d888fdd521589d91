//! Who calls: bearer tokens of every kind, and the identity that a transport gives.

mod address;
mod caller;
mod credentials;
pub mod external;
mod issuer;
mod public_url;
mod scope;
pub mod server;
mod tokens;
mod verifier;

pub use address::ClientAddress;
pub use caller::{Caller, OwnLogin};
pub use credentials::{AskView, Asked, Bearer, CredentialId, Credentials, Ending, GiveError, Target};
pub use issuer::Issuer;
pub use public_url::PublicUrl;
pub use scope::{Scope, Scopes};
pub use tokens::{NewToken, Secret, TokenError, TokenFile, TokenRecord, TokenStore};
pub use verifier::{Admitted, Authenticator, Verdict, Verifier};
