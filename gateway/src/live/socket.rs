//! GraphQL over WebSocket (`graphql-transport-ws`): one connection, its time limit for
//! `connection_init`, and its polite end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::Data;
use async_graphql::http::{WebSocket, WebSocketProtocols, WsMessage};
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt, future};
use serde_json::Value;

use super::data;
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::graphql::{ApiSchema, Caller};

const PROTOCOL: &str = "graphql-transport-ws";
/// The program stops (RFC 6455).
const GOING_AWAY: u16 = 1001;
/// The codes of graphql-transport-ws: no message of the protocol; an operation before
/// `connection_init` or its acknowledgement; a `connection_init` that is refused, or too late.
const INVALID_MESSAGE: u16 = 4400;
const UNAUTHORIZED: u16 = 4401;
const FORBIDDEN: u16 = 4403;
const INIT_TIMEOUT: u16 = 4408;
/// The longest reason that a close frame takes (RFC 6455).
const REASON_BYTES_MAX: usize = 123;

/// Takes a WebSocket that speaks the protocol. Who calls is told by the headers or, as browsers
/// cannot set them, by the same names in the payload of `connection_init`.
pub(super) fn upgrade(
    app: Arc<App>,
    schema: ApiSchema,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    let spoken = offered.is_some_and(|all| all.split(',').any(|one| one.trim() == PROTOCOL));
    if !spoken {
        let message = format!("the WebSocket has to offer the sub-protocol `{PROTOCOL}`");
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let headers = headers.clone();
    let bytes_max = app.config.server.body_bytes_max;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(bytes_max);
    Ok(upgrade.on_upgrade(move |socket| serve(app, schema, headers, socket)))
}

async fn serve(
    app: Arc<App>,
    schema: ApiSchema,
    headers: HeaderMap,
    socket: axum::extract::ws::WebSocket,
) {
    let (mut outgoing, incoming) = socket.split();
    let messages = incoming
        .take_while(|message| future::ready(message.is_ok()))
        .filter_map(|message| future::ready(message.ok().map(Message::into_data)));
    let (begun, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (init_app, init_begun, init_refused) = (app.clone(), begun.clone(), refused.clone());
    let answers = WebSocket::new(schema, messages, WebSocketProtocols::GraphQLWS)
        .on_connection_init(move |payload| async move {
            init_begun.store(true, Ordering::Relaxed);
            let data = init(&init_app, headers, &payload);
            init_refused.store(data.is_err(), Ordering::Relaxed);
            Ok(data?)
        });
    let init_wait = Duration::from_millis(app.config.server.connection_init_wait_max_ms);
    let late = tokio::time::sleep(init_wait);
    tokio::pin!(answers, late);
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            () = app.stop.cancelled() => Some(close(GOING_AWAY, "Going away")),
            () = &mut late, if !begun.load(Ordering::Relaxed) => {
                Some(close(INIT_TIMEOUT, "Connection initialisation timeout"))
            }
        };
        let (message, ends) = match answer {
            None => break,
            Some(WsMessage::Text(text)) => (Message::Text(text.into()), false),
            Some(WsMessage::Close(code, reason)) => {
                let code = protocol_code(code, refused.load(Ordering::Relaxed));
                let end = reason.floor_char_boundary(REASON_BYTES_MAX);
                let reason = reason[..end].into();
                (Message::Close(Some(CloseFrame { code, reason })), true)
            }
        };
        // A slow reader is waited for: nothing piles up here.
        if outgoing.send(message).await.is_err() || ends {
            break;
        }
    }
}

/// The protocol's code for one of async-graphql's.
fn protocol_code(code: u16, refused: bool) -> u16 {
    match code {
        1002 if refused => FORBIDDEN,
        1002 => INVALID_MESSAGE,
        1011 => UNAUTHORIZED,
        other => other,
    }
}

fn close(code: u16, reason: &str) -> WsMessage {
    WsMessage::Close(code, reason.to_owned())
}

/// Who calls: the payload's entries are headers too, and count before them.
fn init(app: &App, mut headers: HeaderMap, payload: &Value) -> Result<Data, ApiError> {
    for (name, value) in payload.as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name.to_ascii_lowercase());
        let value = value.as_str().map(HeaderValue::try_from);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            headers.insert(name, value);
        }
    }
    Ok(data(app, Caller::of(app.auth.caller(&headers)?, &headers)?))
}
