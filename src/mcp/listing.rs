//! Which tools a caller has, with their client.

use std::borrow::Cow;

use rmcp::model::Tool;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::handler::Handler;
use super::tools::{Listed, saved};
use super::{reply, sampling};
use crate::auth::Caller;

impl Handler {
    /// The client's model can be asked.
    pub(super) fn samples(&self, cx: &RequestContext<RoleServer>) -> bool {
        sampling::way(self, cx).is_some()
    }

    /// The tools that the caller has somewhere, and their saved queries. `samples`: also those that ask the client's model.
    pub(super) async fn listed(&self, caller: &Caller, samples: bool) -> Vec<Listed> {
        let groups = self.gateway.tool_groups(caller);
        let is_there = |listed: &&Listed| {
            caller.scopes.has(listed.scope)
                && listed.group.is_none_or(|group| groups.contains(&group))
                && (samples || !listed.samples)
        };
        let built_in = self.tools.iter().filter(is_there).cloned();
        #[cfg(feature = "conformance-fixtures")]
        let built_in = built_in.chain(super::fixtures::listed(&self.fixtures));
        built_in.chain(saved::listed(&self.gateway, caller).await).collect()
    }

    /// The tool of that name: one that is always there, or a saved query of the caller's; `samples` as in [`Self::listed`].
    pub(super) async fn tool(
        &self,
        caller: &Caller,
        name: &str,
        samples: bool,
    ) -> Result<Cow<'_, Listed>, ErrorData> {
        match self.tools.named(name) {
            Some(built_in) if built_in.samples && !samples => return Err(self.unknown_tool(name)),
            Some(built_in) => return Ok(Cow::Borrowed(built_in)),
            None => {}
        }
        let saved = saved::named(&self.gateway, caller, name).await;
        saved.map(Cow::Owned).ok_or_else(|| self.unknown_tool(name))
    }

    /// Those that the caller has in one database; without a name, somewhere.
    pub(super) fn listed_in(&self, caller: &Caller, database: Option<&str>) -> impl Iterator<Item = &Tool> {
        let groups = self.gateway.tool_groups(caller);
        let has = move |group| match database {
            Some(name) => self.gateway.has_tools(caller, Some(name), group).is_ok(),
            None => groups.contains(&group),
        };
        let scopes = caller.scopes;
        let is_there = move |listed: &&Listed| {
            scopes.has(listed.scope) && listed.group.is_none_or(&has) && !listed.samples
        };
        self.tools.iter().filter(is_there).map(|listed| &listed.tool)
    }

    pub(super) fn unknown_tool(&self, name: &str) -> ErrorData {
        reply::unknown_tool(
            name,
            self.tools.iter().filter(|listed| !listed.samples).map(|listed| listed.tool.name.as_ref()),
        )
    }
}
