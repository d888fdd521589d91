//! What `serve` tells of itself: metrics on an address of their own, spans to their collector.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::setup::Setup;
use crate::config::MetricsSection;
use crate::gateway::Gateway;
use crate::mcp;
use crate::telemetry::metrics::{Metrics, Source};
use crate::telemetry::trace::{Exporter, Tracing};

/// Before the gateway: it is told where its events go.
pub(super) struct Observing {
    metrics: Option<(Arc<Metrics>, String)>,
    exporter: Option<Exporter>,
}

impl Observing {
    /// Has the events of `setup` counted and its calls traced, as far as the configuration asks for it.
    pub(super) fn of(setup: &mut Setup) -> anyhow::Result<Self> {
        let mut observing = Self { metrics: None, exporter: None };
        if let MetricsSection { listen: Some(listen), .. } = &setup.config.metrics {
            let metrics = Arc::new(Metrics::default());
            setup.telemetry = setup.telemetry.clone().with_sink(Arc::clone(&metrics) as _);
            observing.metrics = Some((metrics, listen.clone()));
        }
        if let Some(section) = &setup.config.tracing {
            let (queue, exporter) =
                Exporter::new(&section.otlp, section.ca_file.as_deref()).context("`[tracing]`")?;
            setup.telemetry.watch(&(Arc::new(queue.clone()) as Arc<dyn Source>));
            let tracing =
                Tracing { millionths: section.millionths, comment: section.comment, queue: Some(queue) };
            setup.telemetry = setup.telemetry.clone().with_tracing(tracing);
            observing.exporter = Some(exporter);
        }
        Ok(observing)
    }

    /// Serves and sends until `stop` fires. The handles end soon after.
    pub(super) async fn start(
        self,
        setup: &Setup,
        gateway: &Gateway,
        stop: &CancellationToken,
    ) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let mut started = Vec::new();
        if let Some((metrics, address)) = self.metrics {
            gateway.telemetry().watch(&gateway.gauges());
            let listener = TcpListener::bind(&address)
                .await
                .with_context(|| format!("cannot listen on `{address}` for metrics"))?;
            let (settings, address) = (setup.config.metrics.settings.clone(), listener.local_addr()?);
            mcp::may_show_metrics(address, &settings)?;
            info!(%address, "metrics on http://{address}/metrics");
            let stop = stop.clone();
            started.push(tokio::spawn(mcp::serve_metrics(metrics, listener, settings, stop)));
        }
        if let Some(exporter) = self.exporter {
            started.push(tokio::spawn(exporter.run(stop.clone())));
        }
        Ok(started)
    }
}
