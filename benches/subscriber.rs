//! A subscriber over a WebSocket, as plain as can be: its messages are read, and hardly looked at.

use std::time::Instant;

use events::words::Position;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

const WATCH: &str = "subscription { stockItemsChanged { kind recordId cursor \
    stockItem { id onHand available version } } }";

/// A plain client that subscribes: what it is told is read here.
pub struct Subscriber {
    reader: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Kept open.
    _writer: tokio::net::tcp::OwnedWriteHalf,
}

impl Subscriber {
    /// Subscribes to stock items from now on.
    pub async fn open(address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let (reader, mut writer) = stream.into_split();
        let hello = format!(
            "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        );
        writer.write_all(hello.as_bytes()).await.expect("writing");
        let mut subscriber = Self { reader, buffer: Vec::new(), _writer: writer };
        subscriber.skip_head().await;
        let payload = json!({ "Authorization": format!("Bearer {token}"),
            "Millrace-Organization": "bench" });
        subscriber.say(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(subscriber.message().await["type"], "connection_ack");
        let payload = json!({ "query": WATCH });
        subscriber.say(&json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        // What follows is answered behind it.
        subscriber.say(&json!({ "type": "ping" })).await;
        assert_eq!(subscriber.message().await["type"], "pong");
        subscriber
    }

    async fn skip_head(&mut self) {
        loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                assert!(self.buffer.starts_with(b"HTTP/1.1 101"), "not switched");
                self.buffer.drain(..end + 4);
                return;
            }
            self.read().await;
        }
    }

    /// Sends a text, masked with zeros.
    async fn say(&mut self, message: &Value) {
        let text = message.to_string();
        let length = u16::try_from(text.len()).expect("a short text");
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self._writer.write_all(&frame).await.expect("writing");
    }

    async fn read(&mut self) {
        let mut bytes = [0; 4_096];
        let read = self.reader.read(&mut bytes).await.expect("bytes");
        if read == 0 {
            // The server was stopped: nothing comes any more.
            std::future::pending::<()>().await;
        }
        self.buffer.extend_from_slice(&bytes[..read]);
    }

    /// The length of the head and of the text of the next whole message, if it is there.
    fn whole(&self) -> Option<(usize, usize)> {
        let (head, length) = match *self.buffer.get(1)? {
            126 => {
                (4, usize::from(u16::from_be_bytes([*self.buffer.get(2)?, *self.buffer.get(3)?])))
            }
            short => (2, usize::from(short)),
        };
        (self.buffer.len() >= head + length).then_some((head, length))
    }

    /// The next text; pings are passed over.
    pub async fn text(&mut self) -> Vec<u8> {
        loop {
            if let Some((head, length)) = self.whole() {
                let is_text = self.buffer[0] == 0x81;
                let text = self.buffer[head..head + length].to_vec();
                self.buffer.drain(..head + length);
                if is_text {
                    return text;
                }
            } else {
                self.read().await;
            }
        }
    }

    async fn message(&mut self) -> Value {
        serde_json::from_slice(&self.text().await).expect("JSON")
    }

    /// The cursor of the next change, and when it came.
    pub async fn change(&mut self) -> (Instant, Position) {
        let message = self.message().await;
        let now = Instant::now();
        let cursor = message["payload"]["data"]["stockItemsChanged"]["cursor"].as_str();
        (now, position(cursor.unwrap_or_else(|| panic!("{message}"))))
    }
}

/// The position in an answer.
pub fn position(text: &str) -> Position {
    gateway::position::decode("position", text).expect("a position")
}
