//! What one scrape reads, and how it is written: Prometheus' text format 0.0.4, or OpenMetrics 1.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::family::{Labels, Sample};
use super::histogram::{Counted, Histogram, in_units};
use super::series::{ALL, Kind, Series};

/// In which words a page is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    /// What the scraper's `Accept` asks for. Without a word about it: Prometheus'.
    pub fn asked(accept: Option<&str>) -> Self {
        match accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Of a sample, without what stands behind the name of a whole family there.
    fn family(self, series: &Series) -> &'static str {
        let suffix = match (self, series.kind) {
            (Self::OpenMetrics, Kind::Counter) => "_total",
            (Self::OpenMetrics, Kind::Info) => "_info",
            _ => "",
        };
        series.name.strip_suffix(suffix).unwrap_or(series.name)
    }

    fn kind(self, kind: Kind) -> &'static str {
        match kind {
            Kind::Counter => "counter",
            Kind::Info if self == Self::OpenMetrics => "info",
            Kind::Info | Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// Samples by the name of their series.
#[derive(Debug, Default)]
pub struct Page(BTreeMap<&'static str, Vec<(Labels, Sample)>>);

impl Page {
    pub fn set(&mut self, series: &'static Series, labels: &[&str], value: f64) {
        let labels = labels.iter().map(|label| Box::from(*label)).collect();
        self.extend(series, vec![(labels, Sample::Number(value))]);
    }

    /// A count of things.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    pub fn count(&mut self, series: &'static Series, labels: &[&str], count: usize) {
        self.set(series, labels, count as f64);
    }

    pub fn counted(&mut self, series: &'static Series, labels: &[&str], histogram: &Histogram) {
        let labels = labels.iter().map(|label| Box::from(*label)).collect();
        self.extend(series, vec![(labels, Sample::Counted(histogram.counted()))]);
    }

    pub(super) fn extend(&mut self, series: &'static Series, samples: Vec<(Labels, Sample)>) {
        self.0.entry(series.name).or_default().extend(samples);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (name, samples) in other.0 {
            self.0.entry(name).or_default().extend(samples);
        }
    }

    pub fn write(&self, format: Format) -> String {
        let mut out = String::new();
        for series in ALL {
            let Some(samples) = self.0.get(series.name).filter(|samples| !samples.is_empty()) else {
                continue;
            };
            let (name, kind) = (format.family(series), format.kind(series.kind));
            // Writing into a String does not fail.
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", series.help);
            for (labels, sample) in samples {
                match sample {
                    Sample::Number(number) => line(&mut out, series.name, series, (labels, None), *number),
                    Sample::Counted(counted) => histogram(&mut out, series, labels, counted),
                }
            }
        }
        if format == Format::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
fn histogram(out: &mut String, series: &Series, labels: &Labels, counted: &Counted) {
    let Kind::Histogram(bounds) = series.kind else { return };
    let bucket = format!("{}_bucket", series.name);
    let mut below = 0;
    for (bound, count) in bounds.iter().zip(&counted.buckets) {
        below += count;
        // OpenMetrics wants a float.
        let le = format!("{:?}", in_units(*bound));
        line(out, &bucket, series, (labels, Some(&le)), below as f64);
    }
    line(out, &bucket, series, (labels, Some("+Inf")), counted.count as f64);
    line(out, &format!("{}_sum", series.name), series, (labels, None), counted.sum);
    line(out, &format!("{}_count", series.name), series, (labels, None), counted.count as f64);
}

fn line(out: &mut String, name: &str, series: &Series, (labels, le): (&Labels, Option<&str>), value: f64) {
    out.push_str(name);
    let named = series.labels.iter().copied().zip(labels.iter().map(AsRef::as_ref));
    let mut between = '{';
    for (label, value) in named.chain(le.map(|le| ("le", le))) {
        let _ = write!(out, "{between}{label}=\"");
        for character in value.chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                other => out.push(other),
            }
        }
        out.push('"');
        between = ',';
    }
    if between == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

#[cfg(test)]
mod tests {
    use super::super::series::{BUILD, DECISIONS, POOL_WAIT, SESSIONS};
    use super::*;

    fn page() -> Page {
        let mut page = Page::default();
        page.set(&DECISIONS, &["shop", "query", "deny", "a\"b\\c\nd"], 2.0);
        page.set(&BUILD, &["0.1.0"], 1.0);
        page.count(&SESSIONS, &[], 3);
        page
    }

    #[test]
    fn prometheus_text_has_families_by_their_samples_names() {
        let text = page().write(Format::Prometheus);
        assert!(text.contains("# TYPE pgwarden_policy_decisions_total counter\n"));
        let sample = r#"pgwarden_policy_decisions_total{database="shop",kind="query",decision="deny",rule="a\"b\\c\nd"} 2"#;
        assert!(text.lines().any(|line| line == sample), "{text}");
        assert!(
            text.contains("# TYPE pgwarden_build_info gauge\npgwarden_build_info{version=\"0.1.0\"} 1\n")
        );
        assert!(text.contains("\npgwarden_sessions_open 3\n") && !text.contains("EOF"));
    }

    #[test]
    fn openmetrics_has_families_without_suffix_and_an_end() {
        let text = page().write(Format::OpenMetrics);
        assert!(text.contains("# TYPE pgwarden_policy_decisions counter\npgwarden_policy_decisions_total{"));
        assert!(text.contains("# TYPE pgwarden_build info\npgwarden_build_info{"));
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn buckets_are_cumulative_and_the_last_one_holds_all() {
        let Kind::Histogram(bounds) = POOL_WAIT.kind else { panic!("a histogram") };
        let histogram = Histogram::new(bounds);
        for value in [0.002, 0.002, 5_000.0] {
            histogram.observe(value);
        }
        let mut page = Page::default();
        page.counted(&POOL_WAIT, &["shop", "statements"], &histogram);
        let text = page.write(Format::Prometheus);
        let of = |le: &str| {
            format!(r#"pgwarden_pool_wait_seconds_bucket{{database="shop",pool="statements",le="{le}"}}"#)
        };
        assert!(text.contains(&format!("{} 0\n", of("0.001"))), "{text}");
        assert!(text.contains(&format!("{} 2\n", of("0.005"))));
        assert!(text.contains(&format!("{} 2\n", of("600.0"))));
        assert!(text.contains(&format!("{} 3\n", of("+Inf"))));
        assert!(
            text.contains(r#"pgwarden_pool_wait_seconds_sum{database="shop",pool="statements"} 5000.004"#)
        );
        assert!(text.contains(r#"pgwarden_pool_wait_seconds_count{database="shop",pool="statements"} 3"#));
    }

    #[test]
    fn openmetrics_is_for_who_asks_for_it() {
        let asked = |accept| Format::asked(Some(accept));
        assert_eq!(asked("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Format::OpenMetrics);
        assert_eq!(asked("text/plain;version=0.0.4"), Format::Prometheus);
        assert_eq!(Format::asked(None), Format::Prometheus);
    }
}
