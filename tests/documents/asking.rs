//! How documents are sent: by POST, in a URL, over a WebSocket; and what holds of every answer.

use std::collections::BTreeSet;
use std::time::Duration;

use gateway::error::{Code, Fault};
use harness::socket::Heard;
use harness::{Client, Dice, Socket};
use serde_json::{Value, json};

use super::writing::Asked;

/// So long an answer may take, of a program that is not optimized, beside others.
const WITHIN: Duration = Duration::from_secs(5);
/// So long a subscription is listened to.
const LISTENING: Duration = Duration::from_millis(40);
const STREAMING: Duration = Duration::from_millis(300);

const ACCEPTED: [&str; 5] = [
    "*/*",
    "application/json",
    "application/graphql-response+json",
    "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
    "text/html",
];

/// Whoever sends, and what they say who they are.
pub(super) struct Asker {
    pub(super) client: Client,
    pub(super) greeting: Value,
    pub(super) socket: Option<Socket>,
}

impl Asker {
    /// Sends a body as it is.
    pub(super) async fn bytes(&self, body: Vec<u8>) -> Result<Value, String> {
        let json = [("content-type", "application/json")];
        let sent = self.client.send("POST", "/graphql", &json, body);
        let (status, _, text) = in_time(sent).await?;
        answered(status, &text)
    }

    /// Sends a document some way.
    pub(super) async fn ask(&mut self, asked: &Asked, dice: &mut Dice) -> Result<Value, String> {
        let (query, variables) = (&asked.query, &asked.variables);
        let headers = [("content-type", "application/json"), ("accept", dice.pick(&ACCEPTED))];
        let by = dice.below(10);
        if by < 2 {
            return self.over_socket(asked).await;
        }
        let fits_a_link = query.len() + variables.len() < 8_000;
        let (method, path, body) = match by < 4 && fits_a_link {
            true => {
                let [query, variables] = [query, variables].map(|text| encoded(text));
                ("GET", format!("/graphql?query={query}&variables={variables}"), String::new())
            }
            false => ("POST", "/graphql".to_owned(), body(asked)),
        };
        let sent = self.client.send(method, &path, &headers, body.into_bytes());
        // A stream of changes does not end by itself.
        let streams = headers[1].1.contains("event") && query.contains("subscription");
        let (status, _, text) = match streams {
            false => in_time(sent).await?,
            true => match tokio::time::timeout(STREAMING, sent).await {
                Ok(answer) => answer,
                Err(_) => return Ok(Value::Null),
            },
        };
        // A subscription of which everything is skipped has nothing to tell.
        if text.starts_with("event: complete") {
            return Ok(Value::Null);
        }
        match text.strip_prefix("event: next\ndata: ") {
            Some(event) => answered(status, event.lines().next().unwrap_or_default()),
            None => answered(status, &text),
        }
    }

    async fn over_socket(&mut self, asked: &Asked) -> Result<Value, String> {
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => Socket::ready(&self.client.url, self.greeting.clone()).await,
        };
        let payload = body(asked);
        // What is no JSON is no message: that closes the socket.
        let is_message = serde_json::from_str::<Value>(&payload).is_ok();
        let message = format!(r#"{{"type":"subscribe","id":"1","payload":{payload}}}"#);
        socket.text(&message).await;
        let watches = asked.query.contains("subscription");
        let mut found = Value::Null;
        if watches && is_message {
            tokio::time::sleep(LISTENING).await;
            socket.send(json!({ "type": "complete", "id": "1" })).await;
            socket.send(json!({ "type": "ping" })).await;
        }
        loop {
            match in_time(socket.heard()).await? {
                Heard::Message(message) => match message["type"].as_str() {
                    Some("next") => found = judged(message["payload"].clone())?,
                    Some("error") => {
                        found = judged(json!({ "errors": message["payload"] }))?;
                        if !watches {
                            break;
                        }
                    }
                    Some("complete") if !watches => break,
                    Some("pong") => break,
                    _ => {}
                },
                Heard::Closed(4400, _) if !is_message => return Ok(found),
                other => return Err(format!("{other:?} instead of a message")),
            }
        }
        self.socket = Some(socket);
        Ok(found)
    }
}

fn body(asked: &Asked) -> String {
    format!(r#"{{"query":{},"variables":{}}}"#, Value::from(&*asked.query), asked.variables)
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(WITHIN, answer).await.map_err(|_| format!("no answer within {WITHIN:?}"))
}

/// What holds of every answer over HTTP.
fn answered(status: u16, text: &str) -> Result<Value, String> {
    if status >= 500 && status != 503 {
        return Err(format!("{status}: {text}"));
    }
    let answer = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
    let answer = judged(answer)?;
    let is_refused = answer.get("data").is_none();
    // Over a WebSocket the library says `data: null` of what was not executed too.
    let placed = |error: &Value| error["path"].as_array().is_some_and(|path| !path.is_empty());
    let errors = answer["errors"].as_array();
    if !is_refused && !errors.into_iter().flatten().all(placed) {
        return Err(format!("an error of a request that was executed has no path: {answer}"));
    }
    match status {
        200 => Ok(answer),
        _ if is_refused => Ok(answer),
        _ => Err(format!("{status}, and yet it was executed: {text}")),
    }
}

/// What holds of every answer: whatever is wrong, it is none of our mistakes, and has a code.
fn judged(answer: Value) -> Result<Value, String> {
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let errors = answer["errors"].as_array();
    for error in errors.into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("no code");
        let fault = Code::named(code).map(Code::fault);
        let is_away = ["UNAVAILABLE", "UNANSWERED", "TIMEOUT", "BUSY"].contains(&code);
        if !known.contains(code) || fault == Some(Fault::Ours) || is_away {
            return Err(format!("{code}: {answer}"));
        }
    }
    if errors.is_none() && !answer["data"].is_object() {
        return Err(format!("neither data nor errors: {answer}"));
    }
    Ok(answer)
}
