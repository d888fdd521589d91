//! A checked query within a transaction that has written: it sees the rows as they are now.

use futures_util::FutureExt as _;
use futures_util::future::join;
use std::sync::Arc;
use std::time::Instant;

use super::{Uncommitted, locks};
use crate::db::envelope::Envelope;
use crate::db::params::TextParam;
use crate::db::rows::{Bounds, Failed, feed};
use crate::db::{Database, Progress, RowSink, RunLimits, error};
use crate::pg::{Diagnostic, Oid};
use crate::sql::{Checked, ResultColumn};

impl Uncommitted {
    /// Runs `checked`. The rows in `sink` may be used only after `Ok`.
    pub async fn query(
        &mut self,
        database: &Arc<Database>,
        checked: &Checked,
        params: &[Option<String>],
        limits: &RunLimits,
        sink: &mut dyn RowSink,
    ) -> Result<(), Diagnostic> {
        let (known, started) = (database.known().await?, Instant::now());
        let bounds = self.bounds.reading_too(checked.reach(), checked.runs_user_code());
        let link = self.lease.link().ok_or_else(error::lost)?;
        let (client, progress) = (link.client(), Progress::default());
        let remaining = limits.deadline.saturating_sub(started.elapsed());
        let mut envelope =
            Envelope::new(database.settings(), known.abilities, checked.operator_schemas(), remaining);
        envelope.set_all(checked.settings());
        let told = |failed: &tokio_postgres::Error| error::without_data(error::diagnostic(failed));
        let (set, statement) = join(envelope.apply(client, &progress), client.prepare(checked.text())).await;
        set.map_err(|e| told(&e))?;
        let statement = statement.map_err(|e| told(&e))?;
        let columns = statement.columns().iter().map(|column| ResultColumn {
            name: column.name().to_owned(),
            type_oid: Oid(column.type_().oid()),
            type_modifier: column.type_modifier(),
        });
        let columns: Vec<ResultColumn> = columns.collect();
        let projected = checked.project(&columns, &known.catalog, limits.rows, limits.field_chars);
        let all: Vec<Option<String>> =
            params.iter().cloned().chain(checked.bound().iter().cloned().map(Some)).collect();
        let given = all.iter().zip(statement.params());
        let given = given.map(|(param, ty)| (TextParam(param.as_deref()), ty.clone()));
        sink.begin(projected.columns());
        let rows = client.query_typed_raw(projected.text(), given).await.map_err(|e| told(&e))?;
        let within = Bounds {
            rows: limits.rows,
            field_chars: limits.field_chars,
            columns: projected.columns(),
            progress: &progress,
        };
        let fed = feed(rows, &within, sink, || std::future::ready(Ok(())).boxed()).await;
        fed.map_err(|failed| match failed {
            Failed::Driver(failed) => told(&failed),
            Failed::Refused(refusal) => refusal,
        })?;
        let held = locks::own(client).await.map_err(|e| told(&e))?;
        held.check(&known.users, &bounds)
    }
}
