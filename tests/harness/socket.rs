//! A client of GraphQL over WebSocket (`graphql-transport-ws`), message by message.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

/// How long anything that has to come may take.
const WAIT: Duration = Duration::from_secs(15);

/// A WebSocket to the gateway.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a WebSocket brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A message of the protocol.
    Message(Value),
    /// The other side closes: code and reason.
    Closed(u16, String),
    /// It is over without a word.
    Gone,
}

impl Socket {
    /// Opens one that offers this sub-protocol and sends these headers.
    ///
    /// # Errors
    /// If the gateway does not take it: most telling is [`Error::Http`].
    pub async fn open(
        url: &str,
        protocol: Option<&str>,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let address = format!("{}/graphql", url.replacen("http", "ws", 1));
        let mut request = address.into_client_request()?;
        let protocol = protocol.map(|protocol| ("sec-websocket-protocol", protocol));
        for (name, value) in headers.iter().copied().chain(protocol) {
            let value = HeaderValue::from_str(value).expect("the value of a header");
            request.headers_mut().insert(name, value);
        }
        Ok(Self(connect_async(request).await?.0))
    }

    /// As [`Self::ready`], over a connection that takes in little before it is read.
    pub async fn narrow(url: &str, payload: Value) -> Self {
        let address = url.trim_start_matches("http://").parse().expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
        let stream = MaybeTlsStream::Plain(socket.connect(address).await.expect("a connection"));
        let request = format!("{}/graphql", url.replacen("http", "ws", 1)).into_client_request();
        let mut request = request.expect("a request");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let opened = client_async(request, stream).await.expect("a WebSocket");
        Self(opened.0).acknowledged(payload).await
    }

    /// One that is ready for subscriptions: the payload of `connection_init` says who calls.
    pub async fn ready(url: &str, payload: Value) -> Self {
        let opened = Self::open(url, Some("graphql-transport-ws"), &[]).await;
        opened.expect("a WebSocket").acknowledged(payload).await
    }

    async fn acknowledged(mut self, payload: Value) -> Self {
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.message().await, json!({ "type": "connection_ack" }));
        self
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    /// Sends a text, be it a message or not.
    pub async fn text(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).await.expect("sending");
    }

    /// Sends anything; whether the other side was still there to take it.
    pub async fn throw(&mut self, message: Message) -> bool {
        self.0.send(message).await.is_ok()
    }

    /// Sends bytes as they are, in no frame; whether the other side was still there to take them.
    pub async fn spill(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).await.is_ok()
    }

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// What comes next.
    pub async fn heard(&mut self) -> Heard {
        loop {
            let next = tokio::time::timeout(WAIT, self.0.next()).await;
            return match next.expect("something in time") {
                Some(Ok(Message::Text(text))) => {
                    Heard::Message(serde_json::from_str(&text).expect("a message in JSON"))
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    Heard::Closed(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => Heard::Gone,
            };
        }
    }

    /// The next message; it has to be one.
    pub async fn message(&mut self) -> Value {
        match self.heard().await {
            Heard::Message(message) => message,
            other => panic!("no message but {other:?}"),
        }
    }

    /// The data of the next answer to an operation; there has to be one without errors.
    pub async fn data(&mut self, id: &str) -> Value {
        let message = self.message().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"].clone()
    }

    /// The code with which it is closed, after whatever messages.
    pub async fn closing(&mut self) -> (u16, String) {
        loop {
            match self.heard().await {
                Heard::Message(_) => {}
                Heard::Closed(code, reason) => return (code, reason),
                Heard::Gone => panic!("the WebSocket ended without a word"),
            }
        }
    }

    /// Whether nothing comes for so long.
    pub async fn is_silent(&mut self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.0.next()).await.is_err()
    }
}
