//! Who calls: the transport knows.

use std::borrow::Cow;

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::model::{Extensions, Implementation};

use super::reply;
use crate::auth::Caller;

/// Where the caller of a request is found.
#[derive(Clone)]
pub(super) enum Callers {
    /// stdio: whoever started the process.
    Fixed(Caller),
    /// HTTP: what the endpoint put into the request's extensions, who is the same for all where nobody is asked for a token.
    Request { authenticated: bool },
}

impl Callers {
    /// Who sent a request or a notification.
    pub(super) fn find(
        &self,
        extensions: &Extensions,
        client: Option<Implementation>,
    ) -> Result<Caller, ErrorData> {
        let mut caller = match self {
            Self::Fixed(caller) => caller.clone(),
            Self::Request { .. } => {
                let parts = extensions.get::<Parts>();
                parts
                    .and_then(|parts| parts.extensions.get::<Caller>())
                    .cloned()
                    .ok_or_else(reply::no_caller)?
            }
        };
        caller.client = client.and_then(|client| client_name(&client));
        Ok(caller)
    }
}

/// The client as it names itself, bounded and printable: it ends up in logs and in `application_name`.
pub(super) fn client_name(client: &Implementation) -> Option<String> {
    let name = Cow::from(format!("{}/{}", client.name, client.version));
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    // rmcp makes itself up as the client where a stateless request of an older revision names none.
    (client.name != "rmcp" && !client.name.is_empty()).then_some(name)
}
