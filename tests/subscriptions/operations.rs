//! Claims about what somebody watches who runs the program: how far the read models are behind, and
//! how the process is.

use std::time::{Duration, Instant};

use harness::{Shop, Socket, test};
use serde_json::{Value, json};

use super::{ALL, administrator, shop};

const LAG: &str = "subscription { projectionLag { projection position behind seconds stopped } }";
const STATUS: &str = "subscription { systemStatus { version facts position connections \
    subscriptions pushed } }";

/// What is told next that is so.
async fn told(socket: &mut Socket, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let data = socket.data(id).await;
        if is_so(&data) {
            return data;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{data}");
    }
}

#[test]
fn how_far_read_models_are_behind_is_told_at_once_and_when_it_changes() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = Socket::ready(&app.url, administrator()).await;
        socket.subscribe("1", LAG, json!({})).await;
        let are_current = |data: &Value| {
            let all = data["projectionLag"].as_array().expect("a list");
            assert_eq!(all.len(), projections::all().len());
            all.iter().all(|one| one["behind"] == 0 && one["seconds"] == 0)
        };
        let before = told(&mut socket, "1", are_current).await;
        app.parts.reader.watermarks().stop("orders", "a table lacks");
        let stopped = |data: &Value| {
            let all = data["projectionLag"].as_array().expect("a list");
            all.iter().any(|one| one["projection"] == "orders" && one["stopped"] == "a table lacks")
        };
        told(&mut socket, "1", stopped).await;
        app.parts.reader.watermarks().resume("orders");
        shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        let moved = |data: &Value| !stopped(data) && *data != before && are_current(data);
        told(&mut socket, "1", moved).await;
    });
}

#[test]
fn how_the_process_is_is_told_at_once_and_when_it_changes() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = Socket::ready(&app.url, administrator()).await;
        socket.subscribe("1", STATUS, json!({})).await;
        let first = told(&mut socket, "1", |_| true).await["systemStatus"].clone();
        assert_eq!((&first["connections"], &first["subscriptions"]), (&json!(1), &json!(1)));
        assert_eq!(first["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(first["facts"], app.facts().await);
        let mut other = Socket::ready(&app.url, administrator()).await;
        other.subscribe("1", ALL, json!({})).await;
        shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        other.data("1").await;
        let facts = app.facts().await;
        let more = |data: &Value| {
            let now = &data["systemStatus"];
            now["connections"] == 2 && now["subscriptions"] == 2 && now["facts"] == facts
        };
        told(&mut socket, "1", more).await;
        drop(other);
        let fewer = |data: &Value| {
            let now = &data["systemStatus"];
            now["connections"] == 1 && now["subscriptions"] == 1
        };
        told(&mut socket, "1", fewer).await;
    });
}
