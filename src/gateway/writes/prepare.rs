//! The tool `preview`: what a statement would do. Checked and planned, or run and rolled back; nothing is changed.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::asked::Asked;
use super::{PreparedWrite, WritePreview, WriteRequest, effects, failure, sample};
use crate::auth::Caller;
use crate::gateway::Gateway;
use crate::gateway::visible::Visible;
use crate::pg::Diagnostic;
use crate::policy::{Policy, Preview};

impl Gateway {
    /// Checks `request` and says what it would do. Nothing is changed.
    pub async fn prepare_write(
        &self,
        caller: &Caller,
        request: &WriteRequest,
        cancel: &CancellationToken,
    ) -> Result<PreparedWrite, Diagnostic> {
        let keys = |policy: &Policy| policy.writes().preview == Preview::Run;
        let asked = Asked::begin(self, caller, request, keys, &|_| Ok(()), cancel).await?;
        let _share = asked.share(cancel).await?;
        let began = Instant::now();
        let stop = cancel.child_token();
        let previewing = Box::pin(asked.preview(&stop));
        let previewed = asked.served.policies.guard(asked.doing(), &stop, previewing).await;
        let previewed = previewed.map_err(|error| failure::told(error, &asked.visible()));
        asked.report_run(previewed.as_ref().map(|_| 0), began.elapsed(), cancel);
        let preview = previewed.map_err(|error| asked.named(error))?;
        Ok(PreparedWrite { facts: asked.facts(), preview, characters: asked.within.characters })
    }
}

impl Asked {
    async fn preview(&self, cancel: &CancellationToken) -> Result<WritePreview, Diagnostic> {
        let visible = self.visible();
        let mut preview = effects::shown(&self.effects, self.events(), self.write.target_oid(), &visible);
        preview.notices = self.write.notices().iter().map(|notice| notice.message.clone()).collect();
        match self.policy.writes().preview {
            Preview::Plan => {
                let (database, limits) = (&self.served.database, self.limits());
                let rows = database.plan_write(&self.write, &self.params, &limits, cancel).await?;
                preview.rows = self.tells_estimates(&visible).then_some(rows);
            }
            Preview::Run => self.ran(&mut preview, cancel).await?,
        }
        Ok(preview)
    }

    /// Runs it in a transaction that is rolled back.
    async fn ran(&self, preview: &mut WritePreview, cancel: &CancellationToken) -> Result<(), Diagnostic> {
        let mut first = sample::First::default();
        let (database, besides, limits) =
            (&self.served.database, (&self.effects, self.events()), self.limits());
        let ran = database.write(&self.write, besides, &self.params, &limits, &mut first, cancel);
        let mut ran = ran.await?;
        preview.ran = true;
        preview.rows = Some(ran.rows());
        let Some(by_key) = self.by_key(&ran) else {
            preview.sample = first.returned();
            return ran.roll_back().await;
        };
        // A sample that fails is none: the statement itself is well.
        let after = self.after(&mut ran, &by_key).await.ok();
        ran.roll_back().await?;
        let before = self.before(&by_key, cancel).await.ok();
        preview.sample = sample::sample(before, after);
        Ok(())
    }

    /// Estimates are made from hidden rows too, and from what stands behind functions.
    fn tells_estimates(&self, visible: &Visible<'_>) -> bool {
        let mut reached = self.write.reach().iter().filter_map(|oid| self.catalog.relation_by_oid(*oid));
        !self.write.runs_user_code()
            && reached.all(|relation| {
                let shown = relation.is_partition
                    || relation.columns.is_empty()
                    || visible.by_oid(relation.oid).is_some();
                shown && visible.shows_estimates(relation)
            })
    }
}
