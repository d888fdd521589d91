//! Resources, prompts, completion and changes.

use std::time::{Duration, Instant};

use rmcp::ServiceError;
use rmcp::model::{
    CompletionContext, GetPromptRequestParams, ReadResourceRequestParams, ResourceContents,
    ServerNotification, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::{Checked, Client, expect, legacy, watch, words};

const TEMPLATE: &str = "postgres://{database}/{schema}/{relation}";
const PATIENCE: Duration = Duration::from_secs(10);

async fn orders(client: &Client) -> Checked<String> {
    let resources = client.list_all_resources().await.map_err(words)?;
    let found = resources.into_iter().find(|one| one.uri.ends_with("/shop/orders"));
    Ok(found.ok_or("no shop.orders among the resources")?.uri)
}

pub(crate) async fn resource(client: &Client) -> Checked<String> {
    let templates = client.list_all_resource_templates().await.map_err(words)?;
    expect(templates.len() == 16, &templates)?;
    let uri = orders(client).await?;
    let page = client.read_resource(ReadResourceRequestParams::new(&uri)).await.map_err(words)?;
    match page.contents.as_slice() {
        [ResourceContents::TextResourceContents { text, .. }] if text.len() > 20 => {}
        other => return Err(format!("{other:?}")),
    }
    match client.read_resource(ReadResourceRequestParams::new(format!("{uri}_not_there"))).await {
        Err(ServiceError::McpError(error)) if [-32002, -32602].contains(&error.code.0) => Ok(uri),
        other => Err(format!("an unknown resource: {other:?}")),
    }
}

pub(crate) async fn prompts(client: &Client) -> Checked<String> {
    let listed = client.list_all_prompts().await.map_err(words)?;
    let names: Vec<&str> = listed.iter().map(|prompt| prompt.name.as_str()).collect();
    let all = "explore_database answer_question explain_slow_query review_schema write_report";
    expect(names.join(" ") == all, &names)?;
    let given = json!({"question": "Which customers buy most?"}).as_object().cloned().unwrap_or_default();
    let prompt = client.get_prompt(GetPromptRequestParams::new("answer_question").with_arguments(given));
    let messages = prompt.await.map_err(words)?.messages;
    let text = messages.first().and_then(|message| message.content.as_text()).ok_or("no text")?;
    expect(text.text.contains("Which customers buy most?") && text.text.contains("`query`"), text)?;
    Ok(names.join(" "))
}

pub(crate) async fn completion(client: &Client) -> Checked<String> {
    let given = [("schema".to_owned(), "shop".to_owned())].into();
    let context = || Some(CompletionContext::with_arguments(given));
    let completed = client.complete_resource_argument(TEMPLATE, "relation", "ord", context()).await;
    let values = completed.map_err(words)?.values;
    expect(values.first().is_some_and(|value| value.starts_with("order")), &values)?;
    Ok(values.join(" "))
}

/// A comment that an administrator sets, until the client hears of it: by a subscription, or by listening.
pub(crate) async fn change(client: &Client, mut heard: UnboundedReceiver<String>) -> Checked<String> {
    let uri = orders(client).await?;
    let mut listening = None;
    if legacy() {
        #[expect(deprecated, reason = "the revision's own way")]
        client.subscribe(SubscribeRequestParams::new(&uri)).await.map_err(words)?;
    } else {
        let wanted = SubscriptionFilter::builder().resource_subscription(&uri).build();
        listening = Some(client.listen(wanted).await.map_err(words)?);
    }
    let admin = watch::admin().await?;
    let comment = format!("COMMENT ON COLUMN shop.orders.channel IS 'seen {}'", watch::mark());
    admin.batch_execute(&comment).await.map_err(words)?;
    let began = Instant::now();
    if let Some(listening) = &mut listening {
        loop {
            match timeout(PATIENCE, listening.next()).await.map_err(words)?.map_err(words)? {
                Some(ServerNotification::ResourceUpdatedNotification(told)) if told.params.uri == uri => {
                    break;
                }
                Some(_) => {}
                None => return Err("the subscription has ended".to_owned()),
            }
        }
        listening.cancel().await.map_err(words)?;
    } else {
        while timeout(PATIENCE, heard.recv()).await.map_err(words)?.as_ref() != Some(&uri) {}
        #[expect(deprecated, reason = "the revision's own way")]
        client.unsubscribe(UnsubscribeRequestParams::new(&uri)).await.map_err(words)?;
    }
    Ok(format!("{} ms", began.elapsed().as_millis()))
}
