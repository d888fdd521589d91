//! What is told of the steps: lines for people, objects for programs, metrics for Prometheus.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Found, Miss};

/// Characters of a reason.
const MOST: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Text,
    Json,
    Prometheus,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Ok,
    Failed,
    Skipped,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

struct Step {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
    reason: String,
}

pub(super) struct Report {
    form: Form,
    /// Of one step.
    limit: Duration,
    steps: Vec<Step>,
    secrets: Vec<Zeroizing<String>>,
}

impl Report {
    pub(super) fn new(form: Form, limit: Duration) -> Self {
        Self { form, limit, steps: Vec::new(), secrets: Vec::new() }
    }

    /// Also where a server says it back.
    pub(super) fn never_print(&mut self, secret: &str) {
        self.secrets.push(Zeroizing::new(secret.to_owned()));
    }

    /// What the step made, if it is ok.
    pub(super) async fn step<T>(
        &mut self,
        name: &'static str,
        step: impl Future<Output = Found<T>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let found = timeout(self.limit, step).await.unwrap_or_else(|_| {
            Err(Miss::Failed(format!("it did not end within {} ms", self.limit.as_millis())))
        });
        let (made, outcome, reason) = match found {
            Ok((made, note)) => (Some(made), Outcome::Ok, note),
            Err(Miss::Failed(reason)) => (None, Outcome::Failed, reason),
            Err(Miss::Skipped(reason)) => (None, Outcome::Skipped, reason),
        };
        self.add(Step { name, outcome, took: begun.elapsed(), reason });
        made
    }

    /// For want of an earlier one.
    pub(super) fn skip<T>(&mut self, name: &'static str, wanted: &str) -> Option<T> {
        let reason = format!("`{wanted}` is not ok");
        self.add(Step { name, outcome: Outcome::Skipped, took: Duration::ZERO, reason });
        None
    }

    fn add(&mut self, step: Step) {
        let reason = self.shown(&step.reason);
        let step = Step { reason, ..step };
        match self.form {
            Form::Text => println!("{}", as_text(&step)),
            Form::Json => println!("{}", as_json(&step)),
            Form::Prometheus => {}
        }
        self.steps.push(step);
    }

    fn shown(&self, reason: &str) -> String {
        let without = self
            .secrets
            .iter()
            .fold(reason.to_owned(), |reason, secret| reason.replace(secret.as_str(), "***"));
        without.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect()
    }

    fn is_ok(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::Failed)
    }

    /// Nothing has failed.
    pub(super) fn finish(&self) -> bool {
        if self.form == Form::Prometheus {
            print!("{}", self.as_metrics());
        }
        self.is_ok()
    }

    /// Of a skipped step there is nothing to measure.
    fn as_metrics(&self) -> String {
        let run = || self.steps.iter().filter(|step| step.outcome != Outcome::Skipped);
        let mut text = "# HELP pgwarden_probe_success Whether the step of the probe was ok.\n\
                        # TYPE pgwarden_probe_success gauge\n"
            .to_owned();
        for step in run() {
            let ok = u8::from(step.outcome == Outcome::Ok);
            text.push_str(&format!("pgwarden_probe_success{{step=\"{}\"}} {ok}\n", step.name));
        }
        text.push_str(&format!("pgwarden_probe_success{{step=\"all\"}} {}\n", u8::from(self.is_ok())));
        text.push_str(
            "# HELP pgwarden_probe_duration_seconds How long the step of the probe took.\n\
             # TYPE pgwarden_probe_duration_seconds gauge\n",
        );
        for step in run() {
            let seconds = step.took.as_secs_f64();
            text.push_str(&format!(
                "pgwarden_probe_duration_seconds{{step=\"{}\"}} {seconds:.6}\n",
                step.name
            ));
        }
        text
    }
}

fn as_text(step: &Step) -> String {
    let (outcome, took) = (step.outcome.word(), step.took.as_millis());
    format!("{outcome:<8} {:<10} {took:>6} ms  {}", step.name, step.reason).trim_end().to_owned()
}

fn as_json(step: &Step) -> String {
    let took = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
    let (step, outcome, reason) = (step.name, step.outcome.word(), &step.reason);
    json!({"step": step, "outcome": outcome, "milliseconds": took, "reason": reason}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_is_timed_and_what_takes_too_long_has_failed() {
        let mut report = Report::new(Form::Prometheus, Duration::from_millis(50));
        assert_eq!(report.step("query", async { Ok((7, "fine".to_owned())) }).await, Some(7));
        report.step("task", std::future::pending::<Found<()>>()).await;
        report.skip::<()>("cancel", "task");
        let metrics = report.as_metrics();
        for line in [
            "pgwarden_probe_success{step=\"query\"} 1",
            "pgwarden_probe_success{step=\"task\"} 0",
            "pgwarden_probe_success{step=\"all\"} 0",
            "pgwarden_probe_duration_seconds{step=\"task\"} 0.0",
        ] {
            assert!(metrics.lines().any(|found| found.starts_with(line)), "{line} in\n{metrics}");
        }
        assert!(!metrics.contains("cancel") && !report.finish(), "{metrics}");
    }

    #[test]
    fn no_secret_and_no_second_line_is_in_a_reason() {
        let mut report = Report::new(Form::Json, Duration::from_secs(1));
        report.never_print("hunter2");
        assert_eq!(report.shown("it said\nhunter2!"), "it said ***!");
        assert_eq!(report.shown(&"x".repeat(1_000)).len(), MOST);
    }

    #[test]
    fn a_skipped_step_is_no_failure_and_each_is_one_object() {
        let step = Step {
            name: "task",
            outcome: Outcome::Skipped,
            took: Duration::from_millis(12),
            reason: "no tasks".to_owned(),
        };
        assert_eq!(
            as_json(&step),
            r#"{"step":"task","outcome":"skipped","milliseconds":12,"reason":"no tasks"}"#
        );
        assert_eq!(as_text(&step), "skipped  task           12 ms  no tasks");
        let mut report = Report::new(Form::Prometheus, Duration::from_secs(1));
        report.add(step);
        assert!(report.finish());
    }
}
