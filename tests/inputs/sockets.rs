//! Claims about WebSockets on which anything comes: each ends with a code that says why, or goes
//! on, and nobody else notices.

use std::time::Duration;

use harness::socket::Heard;
use harness::{Shop, Socket, test};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::noise::Chance;

const PROTOCOL: Option<&str> = Some("graphql-transport-ws");
/// What a socket may be closed with for what came on it.
const CODES: [u16; 5] = [4400, 4401, 4403, 4409, 4429];
/// How long bytes without a frame may be waited on.
const PATIENCE: Duration = Duration::from_millis(50);

const TYPES: [&str; 11] = [
    "connection_init",
    "subscribe",
    "subscribe",
    "subscribe",
    "subscribe",
    "subscribe",
    "complete",
    "ping",
    "ping",
    "pong",
    "next",
];
const QUERIES: [&str; 8] = [
    "subscription { ordersChanged { kind recordId cursor } }",
    "subscription { systemStatus { facts } projectionLag { behind } }",
    "subscription($a: String) { productsChanged(after: $a) { kind } }",
    "query { organization { slug } }",
    "mutation { openCustomer(input: { name: \"N\" }) { recordId } }",
    "subscription",
    "{ a ",
    "",
];

fn administrator() -> Value {
    json!({ "Authorization": "Bearer the-administrator", "Millrace-Organization": "acme" })
}

/// A message that is one, or nearly.
fn likely(chance: &mut Chance) -> Value {
    let id = match chance.below(12) {
        0 => chance.of(&[json!(""), json!(1), Value::Null]),
        _ => json!("1"),
    };
    let variables = chance.value(2);
    let asked = json!({ "query": chance.of(&QUERIES), "variables": { "a": variables } });
    let payload = match chance.below(12) {
        0 => chance.value(3),
        1 | 2 => administrator(),
        _ => asked,
    };
    let mut message = json!({ "type": chance.of(&TYPES), "id": id, "payload": payload });
    if chance.below(16) == 0 {
        let field = chance.of(&["type", "id", "payload", "more"]);
        message[field] = chance.value(3);
    }
    message
}

/// What is thrown at a socket.
fn thrown(chance: &mut Chance) -> Message {
    match chance.below(24) {
        0 => {
            let count = chance.below(300);
            Message::binary(chance.bytes(count))
        }
        1 => Message::text(chance.value(4).to_string()),
        2 => {
            let text = likely(chance).to_string();
            let end = chance.below(text.len());
            Message::text(&text[..text.floor_char_boundary(end)])
        }
        3 => {
            let count = chance.below(125);
            Message::Ping(chance.bytes(count).into())
        }
        4 => Message::binary(likely(chance).to_string().into_bytes()),
        _ => Message::text(likely(chance).to_string()),
    }
}

/// How it ends: with a code; none: it goes on, for it answers this ping.
async fn ends(socket: &mut Socket, round: usize) -> Option<u16> {
    let ping = json!({ "type": "ping", "payload": { "round": round } });
    let answer = json!({ "type": "pong", "payload": { "round": round } });
    socket.throw(Message::text(ping.to_string())).await;
    loop {
        match socket.heard().await {
            Heard::Message(message) if message == answer => return None,
            Heard::Message(_) => {}
            Heard::Closed(code, reason) => {
                assert!(!reason.is_empty(), "{code} without a reason");
                return Some(code);
            }
            Heard::Gone => panic!("round {round}: it ended without a word"),
        }
    }
}

#[test]
fn whatever_comes_on_a_socket_it_ends_with_a_code_or_goes_on() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let mut chance = Chance(0x736f_636b_6574_7321);
        let (mut gone_on, mut closed) = (0, [0; CODES.len()]);
        for round in 0..400 {
            let mut socket = match chance.below(4) {
                0 => Socket::open(&app.url, PROTOCOL, &[]).await.expect("a WebSocket"),
                _ => Socket::ready(&app.url, administrator()).await,
            };
            for _ in 0..=chance.below(5) {
                if !socket.throw(thrown(&mut chance)).await {
                    break;
                }
            }
            match ends(&mut socket, round).await {
                None => gone_on += 1,
                Some(code) => {
                    let known = CODES.iter().position(|known| *known == code);
                    closed[known.unwrap_or_else(|| panic!("round {round}: {code}"))] += 1;
                }
            }
        }
        assert!(gone_on > 20 && closed.iter().all(|count| *count > 0), "{gone_on} {closed:?}");
        is_well(&shop, &app.url).await;
    });
}

#[test]
fn whatever_bytes_come_where_frames_should_nobody_else_notices() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let mut chance = Chance(0x6672_616d_6573_2121);
        let mut told = 0;
        for _ in 0..200 {
            let mut socket = Socket::ready(&app.url, administrator()).await;
            let count = 1 + chance.below(400);
            socket.spill(&chance.bytes(count)).await;
            let heard = tokio::time::timeout(PATIENCE, socket.heard()).await;
            told += usize::from(matches!(heard, Ok(Heard::Closed(4400, _))));
        }
        assert!(told > 100, "only {told} of 200 were told why");
        is_well(&shop, &app.url).await;
    });
}

/// Somebody who subscribes is served, and nobody else holds a place any more.
async fn is_well(shop: &Shop, url: &str) {
    assert_eq!(shop.client.get("/health/ready").await.0, 200);
    let mut socket = Socket::ready(url, administrator()).await;
    let query = "subscription { systemStatus { connections subscriptions } }";
    socket.subscribe("status", query, json!({})).await;
    let alone = json!({ "connections": 1, "subscriptions": 1 });
    for _ in 0..30 {
        if socket.data("status").await["systemStatus"] == alone {
            return;
        }
    }
    panic!("places are taken by nobody");
}
