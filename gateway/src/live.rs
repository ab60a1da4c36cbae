//! GraphQL over HTTP, Server-Sent Events and WebSocket: how a request comes in and its answers go
//! out. What it means is the schema's business.

pub mod documents;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Name, Request, Variables};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::graphql::{ApiSchema, Caller, loaders};

type Gateway = State<(Arc<App>, ApiSchema)>;

/// A query in the URL, or a WebSocket.
///
/// # Errors
/// If the caller is nobody, or the request is none.
pub async fn get(
    State((app, schema)): Gateway,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    if headers.contains_key(header::UPGRADE) {
        let upgrade = upgrade
            .map_err(|rejection| ApiError::new(Code::InvalidQuery, rejection.body_text()))?;
        return socket::upgrade(app, schema, &headers, upgrade);
    }
    let caller = Caller::of(app.auth.caller(&headers)?, &headers)?;
    let mut request = linked(&uri)?;
    // A link must not change anything.
    if operation(&app, &mut request) == Some(OperationType::Mutation) {
        return Err(ApiError::new(Code::MethodNotAllowed, "a mutation takes POST"));
    }
    answer(&app, &schema, caller, request, &headers).await
}

/// The parameters of a query in the URL (GraphQL over HTTP).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
}

fn linked(uri: &Uri) -> Result<Request, ApiError> {
    let refused = |error: String| ApiError::new(Code::InvalidQuery, error);
    let Query(link) = Query::<Link>::try_from_uri(uri).map_err(|e| refused(e.body_text()))?;
    let variables = link.variables.as_deref().map(serde_json::from_str::<Variables>).transpose();
    let variables = variables.map_err(|error| refused(format!("`variables`: {error}")))?;
    let mut request = Request::new(link.query).variables(variables.unwrap_or_default());
    request.operation_name = link.operation_name;
    Ok(request)
}

/// A query, a mutation, or a subscription whose answers go out as Server-Sent Events.
///
/// # Errors
/// If the caller is nobody, or the request is none.
pub async fn post(
    State((app, schema)): Gateway,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let caller = Caller::of(app.auth.caller(&headers)?, &headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = app.config.server.body_bytes_max;
            let message = format!(
                "the request body is larger than {limit} bytes; split it, or raise \
                 `server.body_bytes_max`",
            );
            ApiError::new(Code::PayloadTooLarge, message)
        }
        _ => ApiError::new(Code::InvalidQuery, rejection.body_text()),
    })?;
    answer(&app, &schema, caller, posted(&body)?, &headers).await
}

/// The request in a body. A list of several is refused: every limit is that of one request.
fn posted(body: &[u8]) -> Result<Request, ApiError> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let parsed = match is_list {
        true => Err("it is a list, and requests come one by one".to_owned()),
        false => serde_json::from_slice(body).map_err(|error| error.to_string()),
    };
    parsed.map_err(|error| {
        let message = format!(
            "the body is no GraphQL request: {error}; \
             send JSON: {{\"query\": …, \"variables\": …}}",
        );
        ApiError::new(Code::InvalidQuery, message)
    })
}

/// What every operation of a caller is given.
fn data(app: &App, caller: Caller) -> Data {
    tracing::Span::current().record("correlation", tracing::field::display(caller.correlation));
    let mut data = Data::default();
    data.insert(loaders::new(app.reader.clone()));
    data.insert(caller);
    data
}

async fn answer(
    app: &App,
    schema: &ApiSchema,
    caller: Caller,
    mut request: Request,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if request.query.trim().is_empty() {
        let message = "there is no query; send JSON: {\"query\": …, \"variables\": …}";
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let subscribes = operation(app, &mut request) == Some(OperationType::Subscription);
    request.data = data(app, caller);
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(events(app, schema, request).await);
    }
    if subscribes {
        let message = "a subscription takes a WebSocket (graphql-transport-ws), or the header \
                       `Accept: text/event-stream`";
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let response = schema.execute(request).await;
    let headers = response.http_headers.clone();
    Ok((headers, Json(response)).into_response())
}

/// GraphQL over Server-Sent Events, distinct connections mode: `next` for each answer, then
/// `complete`. (graphql-sse's protocol document.) A subscription stands before the response begins,
/// unless its organization has to be looked up.
async fn events(app: &App, schema: &ApiSchema, request: Request) -> Response {
    let stop = app.stop.clone();
    let answers = schema.execute_stream(request).take_until(stop.cancelled_owned());
    let mut answers = Box::pin(answers.fuse());
    let at_once = match futures_util::poll!(answers.next()) {
        Poll::Ready(answer) => answer,
        Poll::Pending => None,
    };
    let next = futures_util::stream::iter(at_once).chain(answers).map(|answer| {
        let data = serde_json::to_string(&answer).unwrap_or_default();
        Ok::<_, Infallible>(Event::default().event("next").data(data))
    });
    let complete =
        futures_util::stream::once(async { Ok(Event::default().event("complete").data("")) });
    Sse::new(next.chain(complete)).keep_alive(KeepAlive::default()).into_response()
}

/// What a request asks for, if it can be told: the schema refuses what cannot. What is parsed here
/// is not parsed again.
fn operation(app: &App, request: &mut Request) -> Option<OperationType> {
    let wanted = request.operation_name.clone();
    let mut operations = app.documents.of(request)?.operations.iter();
    let is_wanted =
        |name: Option<&Name>| wanted.is_none() || name.map(Name::as_str) == wanted.as_deref();
    operations.find(|(name, _)| is_wanted(*name)).map(|(_, operation)| operation.node.ty)
}
