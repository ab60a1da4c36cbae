//! Claims about npm's `graphql-ws` and `graphql-sse`, through the whole life of a client, and about
//! every code that a WebSocket is closed with.

use gateway::config::Config;
use harness::app::{TOKEN, scratch};
use harness::{Program, node, test, test_with};
use serde_json::{Value, json};

use super::traded;

/// Codes, and beside each what brings it about, with a telling part of the reason.
const CODES: [(u64, &[(&str, &str)]); 8] = [
    (
        4400,
        &[
            ("no JSON", "no message"),
            ("no message", "no object in JSON"),
            ("no such type", "no messages of the type `nonsense`"),
            ("bytes", "no message"),
            ("no id", "`subscribe` has no id"),
            ("no query", "has no query"),
        ],
    ),
    (4401, &[("subscribes before it is known", "Unauthorized")]),
    (4403, &[("wrong token", "this token is not valid"), ("no token", "admin-token")]),
    (4408, &[("says nothing", "Connection initialisation timeout")]),
    (4409, &[("the same id twice", "Subscriber for 1 already exists")]),
    (4429, &[("init twice", "Too many initialisation requests")]),
    (1013, &[("does not answer pings", "no answer to a ping")]),
    (
        400,
        &[
            ("offers []", "the sub-protocol `graphql-transport-ws`"),
            ("offers [graphql-ws]", "the sub-protocol `graphql-transport-ws`"),
        ],
    ),
];

/// A gateway that asks often whether somebody is there, and does not wait long for who it is.
fn impatient() -> Config {
    let mut config = Config::default();
    config.live.ping_every_ms = 2_000;
    config.server.connection_init_wait_max_ms = 2_000;
    config
}

#[test]
fn graphql_ws_connects_asks_subscribes_leaves_and_goes_on_after_a_cut() {
    test_with(impatient(), async |app| {
        traded(app).await;
        assert_eq!(node::lines(app, "ws.mjs", true).await, [json!({ "ok": true })]);
    });
}

#[test]
fn graphql_sse_asks_subscribes_leaves_and_goes_on_after_a_cut() {
    test(async |app| {
        traded(app).await;
        assert_eq!(node::lines(app, "sse.mjs", true).await, [json!({ "ok": true })]);
    });
}

#[test]
fn a_socket_is_closed_with_the_code_that_says_why() {
    test_with(impatient(), async |app| {
        traded(app).await;
        let told = node::lines(app, "codes.mjs", true).await;
        let known: usize = CODES.iter().map(|(_, ways)| ways.len()).sum();
        assert_eq!(told.len(), known, "{told:?}");
        for (code, ways) in CODES {
            for (what, telling) in ways {
                let found = told.iter().find(|line| line["what"] == *what);
                let found = found.unwrap_or_else(|| panic!("{what} was not done"));
                assert_eq!(found["code"], code, "{found}");
                let reason = found["reason"].as_str().unwrap_or_default();
                assert!(reason.contains(telling), "{found}");
            }
        }
    });
}

/// 1001 is what a WebSocket is closed with; a stream ends without `complete`. Both come again.
#[test]
fn clients_of_a_gateway_that_stops_go_on_with_another_and_miss_nothing() {
    test(async |app| {
        traded(app).await;
        let data = scratch();
        let token = data.path().join("admin-token");
        std::fs::write(token, TOKEN).expect("the administrator's token");
        let database = [("DATABASE_URL", app.database.url.as_str())];
        let stopping = Program::serve(data.path(), &database);
        let pid = stopping.pid().to_string();
        let told = [
            ("MILLRACE_TOKEN", TOKEN),
            ("MILLRACE_STOPPING", stopping.url.as_str()),
            ("MILLRACE_STOPPING_PID", pid.as_str()),
        ];
        let lines: Vec<Value> = node::lines_with(app, "stopping.mjs", &told).await;
        assert_eq!(lines, [json!({ "ok": true })]);
    });
}
