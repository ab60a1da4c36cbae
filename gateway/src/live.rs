//! GraphQL over HTTP, Server-Sent Events and WebSocket: how a request comes in and its answers go
//! out. What it means is the schema's business.

pub mod documents;
pub mod media;
mod operation;
mod parameters;
mod protocol;
pub mod sharing;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Name, Request};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, future, stream};
use serde_json::json;

use self::media::{Accepted, Kind};
use self::operation::{Desk, Outcome};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::graphql::{ApiSchema, Caller, Executed, loaders};

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
        return socket::upgrade(Desk { app, schema }, &headers, upgrade);
    }
    let caller = Caller::of(app.auth.caller(&headers)?, &headers)?;
    let mut request = parameters::linked(&uri)?;
    // A link must not change anything.
    if operation(&app, &mut request) == Some(OperationType::Mutation) {
        return Err(ApiError::new(Code::MethodNotAllowed, "a mutation takes POST"));
    }
    answer(Desk { app, schema }, caller, request, &headers).await
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
    media::posted(&headers)?;
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
    answer(Desk { app, schema }, caller, parameters::posted(&body)?, &headers).await
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
    desk: Desk,
    caller: Caller,
    mut request: Request,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let accepted = Accepted::of(headers).any()?;
    let subscribes = operation(&desk.app, &mut request) == Some(OperationType::Subscription);
    // Clients that take whatever comes name the stream too: it is for what only a stream can tell.
    if accepted.events && (subscribes || accepted.kind.is_none()) {
        return events(desk, request, caller).await;
    }
    if subscribes {
        let message = "a subscription takes a WebSocket (graphql-transport-ws), or the header \
                       `Accept: text/event-stream`";
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let executed = Executed::default();
    request.data = data(&desk.app, caller);
    request.data.insert(executed.clone());
    let response = desk.schema.execute(request).await;
    let kind = accepted.kind.unwrap_or(Kind::Json);
    let status = match kind {
        Kind::GraphQl if !executed.is_so() => refused(&response),
        _ => StatusCode::OK,
    };
    let content_type = [(header::CONTENT_TYPE, kind.content_type())];
    let body = body(&response, &executed)?;
    Ok((status, response.http_headers, content_type, body).into_response())
}

/// The status of a request that was not executed: that of its first error's code.
fn refused(response: &async_graphql::Response) -> StatusCode {
    let extensions = response.errors.first().and_then(|error| error.extensions.as_ref());
    let code = match extensions.and_then(|extensions| extensions.get("code")) {
        Some(async_graphql::Value::String(name)) => Code::named(name),
        _ => None,
    };
    code.map_or(StatusCode::BAD_REQUEST, Code::status)
}

/// An answer in JSON. What was not executed has no `data`, not even null.
fn body(response: &async_graphql::Response, executed: &Executed) -> Result<String, ApiError> {
    let shown = match executed.is_so() {
        true => serde_json::to_string(response),
        false => serde_json::to_string(&json!({ "errors": response.errors })),
    };
    shown.map_err(|error| ApiError::internal(&error))
}

/// GraphQL over Server-Sent Events, distinct connections mode: `next` for each answer, then
/// `complete`. (graphql-sse's protocol document.) A subscription stands before the response begins.
/// Where the program stops there is no `complete`: clients come again, and go on.
async fn events(desk: Desk, request: Request, caller: Caller) -> Result<Response, ApiError> {
    let place = desk.app.live.connect()?;
    let (stop, app) = (desk.app.stop.clone(), desk.app.clone());
    let last = stream::iter([Outcome::Complete]);
    let outcomes = desk.begin(request, caller).await.chain(last);
    let mut is_over = false;
    let events = outcomes.take_until(stop.cancelled_owned()).take_while(move |outcome| {
        let was_over = std::mem::replace(&mut is_over, matches!(outcome, Outcome::Complete));
        future::ready(!was_over)
    });
    let events = events.map(move |outcome| {
        // The place is taken as long as the stream lives.
        let _ = &place;
        app.live.pushes(1);
        Ok::<_, Infallible>(event(outcome))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn event(outcome: Outcome) -> Event {
    let next = |data: &str| Event::default().event("next").data(data);
    match outcome {
        Outcome::Next(text) | Outcome::Refused(text) => next(&text),
        Outcome::Over(error) => {
            next(&json!({ "errors": [operation::server_error(error)] }).to_string())
        }
        Outcome::Complete => Event::default().event("complete").data(""),
    }
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
