//! Batches of 2025-03-26: each member goes to rmcp as a request of its own, the answers leave as one array.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::join_all;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, request::Parts};
use rmcp::model::{ClientRequest, JsonRpcMessage};
use serde_json::value::RawValue;

use super::body;
use super::endpoint::Endpoint;
use crate::mcp::edge::{self, Fault};

pub(super) async fn answer(endpoint: &Endpoint, parts: &Parts, members: &[&RawValue]) -> Response {
    let answers = join_all(members.iter().map(|member| one(endpoint, parts, member))).await;
    let answers: Vec<String> = answers.into_iter().flatten().collect();
    if answers.is_empty() {
        return StatusCode::ACCEPTED.into_response();
    }
    let mut response = Response::new(Body::from(format!("[{}]", answers.join(","))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn one(endpoint: &Endpoint, parts: &Parts, member: &RawValue) -> Vec<String> {
    match edge::message(member.get()) {
        Err(fault) => vec![fault.to_json(None).to_string()],
        Ok(JsonRpcMessage::Request(request))
            if matches!(request.request, ClientRequest::InitializeRequest(_)) =>
        {
            let fault = Fault::invalid_request("`initialize` must not be part of a batch");
            let id = Some(request.id);
            vec![Fault { id, ..fault }.to_json(None).to_string()]
        }
        Ok(message) => {
            let id = match message {
                JsonRpcMessage::Request(request) => Some(request.id),
                _ => None,
            };
            let response = endpoint.forward(parts.clone(), member.get().to_owned().into()).await;
            body::answers(response, id).await
        }
    }
}
