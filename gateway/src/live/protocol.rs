//! The messages of `graphql-transport-ws`, and the codes that a WebSocket is closed with. (The
//! protocol document of graphql-ws.) When which is said is the socket's business.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The sub-protocol.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// Why a WebSocket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// The program stops (RFC 6455).
    GoingAway = 1001,
    /// Somebody takes nothing, or too slowly, or says nothing: come again (IANA's registry).
    TryAgainLater = 1013,
    /// No message of the protocol.
    BadRequest = 4400,
    /// An operation before `connection_init` was acknowledged.
    Unauthorized = 4401,
    /// A `connection_init` that is refused.
    Forbidden = 4403,
    /// No `connection_init` in time.
    InitTimeout = 4408,
    /// A subscription with an id that one has that is under way.
    SubscriberExists = 4409,
    /// A second `connection_init`.
    TooManyInits = 4429,
}

/// What a client says.
#[derive(Debug)]
pub(super) enum Said {
    Init(Option<Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe { id: String, request: Box<RawValue> },
    Complete { id: String },
}

/// A message as it comes.
#[derive(Deserialize)]
struct Message {
    r#type: String,
    id: Option<String>,
    payload: Option<Box<RawValue>>,
}

impl Said {
    /// What a message says; or what is wrong with it.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        // Who reads structs takes lists of their fields too.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err("no message: it is no object in JSON".to_owned());
        }
        let Message { r#type, id, payload } =
            serde_json::from_slice(text).map_err(|error| format!("no message: {error}"))?;
        let object = || {
            let value: Option<Value> =
                payload.as_ref().and_then(|payload| serde_json::from_str(payload.get()).ok());
            match value {
                None | Some(Value::Null) => Ok(None),
                Some(Value::Object(fields)) => Ok(Some(Value::Object(fields))),
                Some(_) => Err(format!("the payload of `{type}` is no object", type = r#type)),
            }
        };
        let named = || match id.clone() {
            Some(id) if !id.is_empty() => Ok(id),
            _ => Err(format!("`{type}` has no id", type = r#type)),
        };
        match r#type.as_str() {
            "connection_init" => Ok(Self::Init(object()?)),
            "ping" => Ok(Self::Ping(object()?)),
            "pong" => object().map(|_| Self::Pong),
            "complete" => Ok(Self::Complete { id: named()? }),
            "subscribe" => {
                let (id, asked) = (named()?, object()?);
                let has_query = asked.as_ref().is_some_and(|asked| asked["query"].is_string());
                match payload.filter(|_| has_query) {
                    Some(request) => Ok(Self::Subscribe { id, request }),
                    None => Err("the payload of `subscribe` has no query".to_owned()),
                }
            }
            other => Err(format!("there are no messages of the type `{other}`")),
        }
    }
}

/// `connection_ack`.
pub(super) const ACKNOWLEDGED: &str = r#"{"type":"connection_ack"}"#;

/// `pong`, with what the `ping` brought.
pub(super) fn pong(payload: Option<&Value>) -> String {
    match payload {
        None => r#"{"type":"pong"}"#.to_owned(),
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
    }
}

/// `next`: an answer, which is JSON.
pub(super) fn next(id: &str, answer: &str) -> String {
    with(id, "next", answer)
}

/// `error`: an operation was refused, for these errors, which are JSON.
pub(super) fn error(id: &str, errors: &str) -> String {
    with(id, "error", errors)
}

/// `complete`.
pub(super) fn complete(id: &str) -> String {
    format!(r#"{{"type":"complete","id":{}}}"#, Value::from(id))
}

fn with(id: &str, sort: &str, payload: &str) -> String {
    format!(r#"{{"type":"{sort}","id":{},"payload":{payload}}}"#, Value::from(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_from_what_is_none() {
        for right in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"Authorization":"x"},"more":1}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{}}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
        ] {
            assert!(Said::read(right.as_bytes()).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "{",
            "[]",
            "17",
            "null",
            r#"["ping",null,null]"#,
            r#"{"type":1}"#,
            r#"{"type":"nonsense"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"ping","payload":[]}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":1}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        ] {
            assert!(Said::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_is_json_whatever_the_id() {
        let id = "a\"b\\\u{1}";
        for text in [next(id, "{}"), error(id, "[]"), complete(id)] {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["id"], id);
        }
        assert_eq!(pong(Some(&Value::from("x"))), r#"{"type":"pong","payload":"x"}"#);
    }
}
