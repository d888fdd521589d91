//! Running a write: checked again, run, and committed.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::asked::Asked;
use super::{PreparedFacts, WriteRequest, Written, failure};
use crate::approvals::ApprovalId;
use crate::auth::Caller;
use crate::db::Uncommitted;
use crate::gateway::output::Encoder;
use crate::gateway::query::{Cut, Rest, repaired, reply};
use crate::gateway::{Format, Gateway, QueryOutput};
use crate::pg::{Diagnostic, SqlState};
use crate::store::before::{About, BeforeImages, ImageId};

/// Of a write whose end is not recorded yet.
const LATE: &str = "the audit log cannot be written at the moment: that this was done is not in it yet";

impl Gateway {
    /// Checks `request` under the policy of now, asks `allowed` about what the check found, then runs and commits it. Until
    /// COMMIT is sent, `cancel` and the deadline undo it, and so does dropping the future; from there on it goes on by itself.
    pub async fn run_write(
        &self,
        caller: &Caller,
        request: &WriteRequest,
        allowed: &(dyn Fn(&PreparedFacts) -> Result<(), Diagnostic> + Sync),
        cancel: &CancellationToken,
    ) -> Result<Written, Diagnostic> {
        self.run_approved_write(caller, request, None, allowed, cancel).await
    }

    /// The same for one that has an approval.
    pub(in crate::gateway) async fn run_approved_write(
        &self,
        caller: &Caller,
        request: &WriteRequest,
        approval: Option<ApprovalId>,
        allowed: &(dyn Fn(&PreparedFacts) -> Result<(), Diagnostic> + Sync),
        cancel: &CancellationToken,
    ) -> Result<Written, Diagnostic> {
        let asked = Asked::begin(self, caller, request, |_| false, allowed, cancel).await?;
        let stop = cancel.child_token();
        let _undone = stop.clone().drop_guard();
        let running = async move {
            let began = Instant::now();
            // INVARIANT: the record that it is about to run is there to stay before it does.
            let written = match asked.announce(approval).await {
                Ok(()) => {
                    let running = Box::pin(asked.run(&stop));
                    asked.served.policies.guard(asked.doing(), &stop, running).await
                }
                Err(unrecorded) => Err(unrecorded),
            };
            let mut written = written.map_err(|error| {
                let visible = asked.visible();
                asked.named(repaired(failure::told(error, &visible), &visible))
            });
            let rows = written.as_ref().map(|written| written.rows);
            let recorded = asked.record_run(rows, began.elapsed(), &stop).await;
            // It has happened: the caller hears so.
            if let (Ok(written), Err(_)) = (&mut written, recorded) {
                written.notices.push(LATE.to_owned());
            }
            written
        };
        let running = self.desk.runs().spawn(running.in_current_span());
        running.await.unwrap_or_else(|_| {
            Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "a statement that writes ended unexpectedly"))
        })
    }
}

/// Where the old rows of one statement are kept.
struct Image<'g> {
    images: &'g BeforeImages,
    id: ImageId,
}

impl Asked {
    async fn run(&self, cancel: &CancellationToken) -> Result<Written, Diagnostic> {
        let _share = self.share(cancel).await?;
        let database = &self.served.database;
        let mut encoder = Encoder::new(Format::Json, self.within.characters, self.within.field_characters);
        let besides = (&self.effects, self.events());
        let ran =
            database.write(&self.write, besides, &self.params, &self.limits(), &mut encoder, cancel).await?;
        let (rows, mut notices) = (ran.rows(), self.write.notices().to_vec());
        notices.extend(ran.notices().iter().cloned());
        let mut written = Written {
            kind: self.write.kind(),
            relation: self.write.target().clone(),
            rows,
            returned: None,
            before: None,
            notices: notices.iter().map(|notice| notice.message.clone()).collect(),
            query_id: self.query_id.clone(),
        };
        if self.write.returns() > 0 {
            match self.returned(&ran, encoder) {
                Ok(output) => written.returned = Some(output),
                // Nobody is told that what happened has not.
                Err(error) => {
                    written.notices.push(format!("the rows of RETURNING are not shown: {}", error.message))
                }
            }
        }
        let image = self.keep(&ran, cancel).await?;
        match ran.commit().await {
            Ok(()) => {
                if let Some(image) = image {
                    written.before = Some(image.id.to_string());
                    image.committed().await;
                }
                Ok(written)
            }
            Err(error) => {
                if let Some(image) =
                    image.filter(|_| error.sqlstate != SqlState::TRANSACTION_RESOLUTION_UNKNOWN)
                {
                    image.remove().await;
                }
                Err(error)
            }
        }
    }

    fn returned(&self, ran: &Uncommitted, encoder: Encoder) -> Result<QueryOutput, Diagnostic> {
        let cut = (ran.untaken() > 0).then_some(Cut::Reply);
        let (about, counts) = (Some(ran.rows()), &self.gateway.telemetry);
        let rest = Rest { cut, notices: &[], next: None, about, tool: None, counts };
        reply(&rest, encoder, self.within.rows, &self.within)
    }

    /// Keeps the old rows, where the policy says so and there are any.
    async fn keep(
        &self,
        ran: &Uncommitted,
        cancel: &CancellationToken,
    ) -> Result<Option<Image<'_>>, Diagnostic> {
        let Some(keep) = self.policy.writes().before.filter(|_| !ran.old().is_empty()) else {
            return Ok(None);
        };
        let images = self.gateway.before.as_ref().ok_or_else(nowhere)?;
        let about = About {
            database: self.served.name().to_owned(),
            relation: self.write.target().to_string(),
            kind: self.write.kind().word().to_owned(),
            rows: ran.rows(),
            subject: self.caller.subject.clone(),
            query_id: self.query_id.clone(),
        };
        let image = Image { images, id: images.add(&about, ran.old(), keep).await? };
        if cancel.is_cancelled() {
            image.remove().await;
            return Err(Diagnostic::refused(
                SqlState::QUERY_CANCELED,
                "the statement was canceled by the client: nothing was changed",
            ));
        }
        Ok(Some(image))
    }
}

impl Image<'_> {
    async fn committed(&self) {
        if let Err(error) = self.images.committed(self.id).await {
            tracing::warn!(image = %self.id, "an image of old rows is not marked as committed: {}", error.message);
        }
    }

    async fn remove(&self) {
        if let Err(error) = self.images.remove(self.id).await {
            tracing::warn!(image = %self.id, "an image of a write that did not happen is still there: {}", error.message);
        }
    }
}

fn nowhere() -> Diagnostic {
    let message =
        "the policy keeps rows as they were, and this process has no place for them: nothing was changed";
    Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message).rule("limits.before")
}

impl Gateway {
    /// Keeps rows as they were before a statement changed them, where a policy says so.
    pub fn with_before_images(self, images: Arc<BeforeImages>) -> Self {
        Self { before: Some(images), ..self }
    }
}
