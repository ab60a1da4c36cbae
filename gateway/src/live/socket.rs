//! GraphQL over WebSocket (`graphql-transport-ws`): one connection from its first message to its
//! polite end. Nothing piles up here: what cannot be sent is waited for, and not for ever.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::StreamMap;

use super::operation::{Desk, Outcome, Outcomes};
use super::parameters;
use super::protocol::{self, Closing, PROTOCOL, Said};
use super::sharing::Place;
use crate::error::{ApiError, Code};
use crate::graphql::Caller;

/// The longest reason that a close frame takes (RFC 6455).
const REASON_BYTES_MAX: usize = 123;
/// What is read at once from a client, and what may wait to be written, in bytes: clients say
/// little, and there are many of them.
const BUFFER_BYTES: usize = 4 << 10;
/// Messages that are sent in one go.
const MESSAGES_MAX: usize = 64;
/// How long a last word may take.
const FAREWELL_WAIT: Duration = Duration::from_secs(1);

/// Takes a WebSocket that speaks the protocol. Who calls is told by the headers or, as browsers
/// cannot set them, by the same names in the payload of `connection_init`.
pub(super) fn upgrade(
    desk: Desk,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    let spoken = offered.is_some_and(|all| all.split(',').any(|one| one.trim() == PROTOCOL));
    if !spoken {
        let message = format!("the WebSocket has to offer the sub-protocol `{PROTOCOL}`");
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let place = desk.app.live.connect()?;
    let headers = Box::new(headers.clone());
    let bytes_max = desk.app.config.server.body_bytes_max;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(bytes_max)
        .max_frame_size(bytes_max)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| serve(desk, headers, socket, place).boxed()))
}

async fn serve(desk: Desk, headers: Box<HeaderMap>, socket: WebSocket, place: Place) {
    let stalled_max = Duration::from_millis(desk.app.config.live.stalled_wait_max_ms);
    let mut connection = Connection::new(desk, socket, stalled_max);
    let ended = match connection.welcome(*headers).await {
        Ok(caller) => connection.serve(caller).await,
        Err(ended) => ended,
    };
    match ended {
        Ended::Gone => {}
        Ended::Left => connection.part().await,
        Ended::Closed(code, reason) => connection.close(code, &reason).await,
    }
    drop(place);
}

/// How a connection ends.
enum Ended {
    /// The client cannot be reached.
    Gone,
    /// The client closes it.
    Left,
    /// It is closed, for a reason.
    Closed(Closing, String),
}

fn closed<T>(code: Closing, reason: impl Into<String>) -> Result<T, Ended> {
    Err(Ended::Closed(code, reason.into()))
}

/// A client.
struct Connection {
    desk: Desk,
    socket: WebSocket,
    operations: StreamMap<String, Outcomes>,
    stalled_max: Duration,
}

/// What happens next.
enum Event {
    Heard(Option<Result<Message, axum::Error>>),
    Came(String, Outcome),
    Ping,
    Stop,
}

impl Connection {
    fn new(desk: Desk, socket: WebSocket, stalled_max: Duration) -> Self {
        Self { desk, socket, operations: StreamMap::new(), stalled_max }
    }

    /// Waits for `connection_init`, and acknowledges it; who calls.
    async fn welcome(&mut self, headers: HeaderMap) -> Result<Caller, Ended> {
        let app = self.desk.app.clone();
        let late = sleep(Duration::from_millis(app.config.server.connection_init_wait_max_ms));
        tokio::pin!(late);
        loop {
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = &mut late => {
                    return closed(Closing::InitTimeout, "Connection initialisation timeout");
                }
                () = app.stop.cancelled() => return closed(Closing::GoingAway, "Going away"),
            };
            match said(message)? {
                None | Some(Said::Pong | Said::Complete { .. }) => {}
                Some(Said::Ping(payload)) => self.say(protocol::pong(payload.as_ref())).await?,
                Some(Said::Subscribe { .. }) => {
                    return closed(Closing::Unauthorized, "Unauthorized");
                }
                Some(Said::Init(payload)) => {
                    let headers = joined(headers, payload.as_ref());
                    let actor = app.auth.caller(&headers);
                    let caller = match actor.and_then(|actor| Caller::of(actor, &headers)) {
                        Ok(caller) => caller,
                        Err(error) => return closed(Closing::Forbidden, error.message),
                    };
                    self.say(protocol::ACKNOWLEDGED.to_owned()).await?;
                    return Ok(caller);
                }
            }
        }
    }

    /// Answers and pushes, until it ends.
    async fn serve(&mut self, caller: Caller) -> Ended {
        let every = Duration::from_millis(self.desk.app.config.live.ping_every_ms);
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_silent = false;
        loop {
            let event = self.event(&mut pings).await;
            let handled = match event {
                Event::Heard(message) => {
                    is_silent = false;
                    self.hear(message, &caller).await
                }
                Event::Came(id, outcome) => self.bring(id, outcome).await,
                Event::Ping if is_silent => {
                    closed(Closing::TryAgainLater, "no answer to a ping; are you still there?")
                }
                Event::Ping => {
                    is_silent = true;
                    self.send(Message::Ping(Default::default())).await
                }
                Event::Stop => closed(Closing::GoingAway, "Going away"),
            };
            if let Err(ended) = handled {
                return ended;
            }
        }
    }

    async fn event(&mut self, pings: &mut Interval) -> Event {
        tokio::select! {
            message = self.socket.recv() => Event::Heard(message),
            Some((id, outcome)) = self.operations.next() => Event::Came(id, outcome),
            _ = pings.tick() => Event::Ping,
            () = self.desk.app.stop.cancelled() => Event::Stop,
        }
    }

    async fn hear(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        caller: &Caller,
    ) -> Result<(), Ended> {
        match said(message)? {
            None | Some(Said::Pong) => Ok(()),
            Some(Said::Ping(payload)) => self.say(protocol::pong(payload.as_ref())).await,
            Some(Said::Init(_)) => {
                closed(Closing::TooManyInits, "Too many initialisation requests")
            }
            Some(Said::Complete { id }) => {
                self.operations.remove(&id);
                Ok(())
            }
            Some(Said::Subscribe { id, request }) => self.begin(id, &request, caller).await,
        }
    }

    async fn begin(
        &mut self,
        id: String,
        request: &RawValue,
        caller: &Caller,
    ) -> Result<(), Ended> {
        if self.operations.contains_key(&id) {
            let reason = format!("Subscriber for {id} already exists");
            return closed(Closing::SubscriberExists, reason);
        }
        let max = self.desk.app.config.live.operations_per_connection_max;
        let request = if self.operations.len() >= max {
            let message = format!(
                "{max} operations are under way on this connection; complete one first, or raise \
                 `live.operations_per_connection_max`"
            );
            Err(ApiError::new(Code::Busy, message))
        } else {
            parameters::posted(request.get().as_bytes())
        };
        match request {
            Ok(request) => {
                let outcomes = self.desk.begin(request, caller.clone()).await;
                self.operations.insert(id, outcomes);
                Ok(())
            }
            Err(error) => {
                let errors = serde_json::to_string(&[super::operation::server_error(error)]);
                self.say(protocol::error(&id, &errors.unwrap_or_default())).await
            }
        }
    }

    /// Brings what came of operations: this, and what else has come by now.
    async fn bring(&mut self, id: String, outcome: Outcome) -> Result<(), Ended> {
        let (mut came, mut count) = (Some((id, outcome)), 0);
        while let Some((id, outcome)) = came {
            count += 1;
            let text = match outcome {
                Outcome::Next(answer) => protocol::next(&id, &answer),
                Outcome::Refused(answer) => {
                    self.operations.remove(&id);
                    protocol::error(&id, errors_in(&answer).get())
                }
                Outcome::Over(error) => return closed(Closing::TryAgainLater, error.message),
                Outcome::Complete => {
                    self.operations.remove(&id);
                    protocol::complete(&id)
                }
            };
            let feeding = timeout(self.stalled_max, self.socket.feed(Message::Text(text.into())));
            fed(feeding.await)?;
            came = match count < MESSAGES_MAX {
                true => self.operations.next().now_or_never().flatten(),
                false => None,
            };
        }
        self.desk.app.live.pushes(count);
        fed(timeout(self.stalled_max, self.socket.flush()).await)
    }

    async fn say(&mut self, text: String) -> Result<(), Ended> {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Ended> {
        fed(timeout(self.stalled_max, self.socket.send(message)).await)
    }

    /// Says why it ends, if the client still listens.
    async fn close(&mut self, code: Closing, reason: &str) {
        // What is watched for the client ends at once.
        self.operations.clear();
        let reason = reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].into();
        let frame = CloseFrame { code: code as u16, reason };
        let closing = async {
            self.socket.send(Message::Close(Some(frame))).await?;
            // Until it says so too: what lay here unread would cut the last word off.
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        // Who does not listen learns it by the end of the connection.
        let _ = timeout(FAREWELL_WAIT, closing).await;
    }

    /// Sends the answer to the client's own last word, which lies ready (RFC 6455, 5.5.1).
    async fn part(&mut self) {
        let _ = timeout(FAREWELL_WAIT, self.socket.flush()).await;
    }
}

fn fed<E>(sent: Result<Result<(), E>, tokio::time::error::Elapsed>) -> Result<(), Ended> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ended::Gone),
        Err(_) => closed(Closing::TryAgainLater, "too slow: nothing was taken for too long"),
    }
}

/// What a message of the client says; none: nothing of the protocol's.
fn said(message: Option<Result<Message, axum::Error>>) -> Result<Option<Said>, Ended> {
    let text = match message {
        Some(Ok(Message::Text(text))) => text.into(),
        Some(Ok(Message::Binary(bytes))) => bytes,
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
        Some(Ok(Message::Close(_))) => return Err(Ended::Left),
        Some(Err(error)) => return closed(Closing::BadRequest, error.to_string()),
        None => return Err(Ended::Gone),
    };
    Said::read(&text).map(Some).or_else(|error| closed(Closing::BadRequest, error))
}

/// The errors of an answer, as JSON.
fn errors_in(answer: &str) -> Box<RawValue> {
    #[derive(serde::Deserialize)]
    struct Answer {
        errors: Box<RawValue>,
    }
    serde_json::from_str::<Answer>(answer).map(|answer| answer.errors).unwrap_or_default()
}

/// The headers of a connection: the payload's entries are headers too, and count before them.
fn joined(mut headers: HeaderMap, payload: Option<&Value>) -> HeaderMap {
    for (name, value) in payload.and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::try_from(name.to_ascii_lowercase());
        let value = value.as_str().map(HeaderValue::try_from);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            headers.insert(name, value);
        }
    }
    headers
}
