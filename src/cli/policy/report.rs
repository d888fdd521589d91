//! What became of cases, for people, programs, and what shows tests.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

/// One policy with its cases.
pub(super) struct Suite {
    pub policy: String,
    pub outcomes: Vec<Outcome>,
}

pub(super) struct Outcome {
    pub file: String,
    pub line: usize,
    pub name: String,
    pub failure: Option<String>,
    pub took: Duration,
}

pub(super) fn text(suites: &[Suite]) -> String {
    let mut out = String::new();
    for suite in suites {
        for outcome in &suite.outcomes {
            let Outcome { file, line, name, failure, took: _ } = outcome;
            let Some(failure) = failure else { continue };
            let _ = writeln!(out, "FAIL  {file}:{line}: {name}");
            for line in failure.lines() {
                let _ = writeln!(out, "      {line}");
            }
        }
        let _ = writeln!(out, "{}: {}", suite.policy, counts(&suite.outcomes));
    }
    out.trim_end().to_owned()
}

pub(super) fn json(suites: &[Suite]) -> serde_json::Result<String> {
    let case = |outcome: &Outcome| {
        json!({
            "file": outcome.file,
            "line": outcome.line,
            "name": outcome.name,
            "passed": outcome.failure.is_none(),
            "failure": outcome.failure,
        })
    };
    let suite = |suite: &Suite| json!({ "policy": suite.policy, "cases": suite.outcomes.iter().map(case).collect::<Vec<_>>() });
    serde_json::to_string_pretty(&suites.iter().map(suite).collect::<Vec<_>>())
}

pub(super) fn junit(suites: &[Suite]) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for suite in suites {
        let (all, failed) = (suite.outcomes.len(), failed(&suite.outcomes));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{all}\" failures=\"{failed}\">",
            escaped(&suite.policy)
        );
        for outcome in &suite.outcomes {
            let (name, seconds) = (escaped(&outcome.name), outcome.took.as_secs_f64());
            let place = format!("file=\"{}\" line=\"{}\"", escaped(&outcome.file), outcome.line);
            let class = escaped(&suite.policy);
            let open =
                format!("<testcase classname=\"{class}\" name=\"{name}\" {place} time=\"{seconds:.3}\"");
            let _ = match &outcome.failure {
                None => writeln!(out, "    {open}/>"),
                Some(failure) => {
                    let text = escaped(&format!("{}:{}: {failure}", outcome.file, outcome.line));
                    writeln!(out, "    {open}><failure>{text}</failure></testcase>")
                }
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>");
    out
}

fn failed(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.failure.is_some()).count()
}

fn counts(outcomes: &[Outcome]) -> String {
    let failed = failed(outcomes);
    format!("{} passed, {failed} failed", outcomes.len().saturating_sub(failed))
}

/// XML has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_each_form_whatever_is_in_it() {
        let outcome = |name: &str, failure: Option<&str>| Outcome {
            file: "p.cases.toml".to_owned(),
            line: 7,
            name: name.to_owned(),
            failure: failure.map(str::to_owned),
            took: Duration::from_millis(5),
        };
        let outcomes = vec![outcome("good", None), outcome("<bad> & \"worse\"", Some("a\u{1}\nb"))];
        let suites = [Suite { policy: "p.toml".to_owned(), outcomes }];
        let expected =
            "FAIL  p.cases.toml:7: <bad> & \"worse\"\n      a\u{1}\n      b\np.toml: 1 passed, 1 failed";
        assert_eq!(text(&suites), expected);
        let parsed: serde_json::Value = serde_json::from_str(&json(&suites).unwrap()).unwrap();
        assert_eq!(parsed[0]["cases"][1]["failure"], "a\u{1}\nb");
        let xml = junit(&suites);
        assert!(xml.contains("name=\"&lt;bad&gt; &amp; &quot;worse&quot;\""), "{xml}");
        assert!(xml.contains("tests=\"2\" failures=\"1\"") && !xml.contains('\u{1}'), "{xml}");
    }
}
