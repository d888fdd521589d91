//! Spans as OTLP's JSON (opentelemetry.io, protocol 1.x, `ExportTraceServiceRequest`).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::context::Parent;
use super::span::{Kind, Span, Value};

/// Status code of a span that failed.
const ERROR: u8 = 2;

/// The body of one export. `instance` tells this process from others.
pub(super) fn request(spans: &[Span], instance: &str) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource =
        [("service.name", "pgwarden"), ("service.version", version), ("service.instance.id", instance)];
    let resource = resource.map(|(key, value)| attribute(key, &Value::Text(value.to_owned())));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "pgwarden", "version": version},
            "spans": spans.iter().map(one).collect::<Vec<_>>(),
        }],
    }]})
}

/// What is empty is as good as left out.
fn one(span: &Span) -> Json {
    let attributes: Vec<Json> = span.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    let link = |link: &Parent| json!({"traceId": trace_id(link.trace), "spanId": span_id(link.span)});
    json!({
        "traceId": trace_id(span.context.trace),
        "spanId": span_id(span.context.span),
        "parentSpanId": span.parent.map(span_id).unwrap_or_default(),
        "traceState": span.state.as_deref().unwrap_or_default(),
        "name": span.name,
        "kind": match span.kind { Kind::Server => 2, Kind::Client => 3 },
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes,
        "links": span.link.iter().map(link).collect::<Vec<_>>(),
        "status": if span.failed { json!({"code": ERROR}) } else { json!({}) },
    })
}

fn trace_id(id: u128) -> String {
    format!("{id:032x}")
}

fn span_id(id: u64) -> String {
    format!("{id:016x}")
}

/// 64-bit integers are strings in JSON.
fn attribute(key: &str, value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({"key": key, "value": {"stringValue": text}}),
        Value::Number(number) => json!({"key": key, "value": {"intValue": number.to_string()}}),
    }
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
