//! Claims about the cursors of histories: only those that a record's history gave are taken, and
//! only by that history.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use harness::{Shop, test};
use serde_json::{Value, json};

const HISTORY: &str = "query($id: ID!, $after: String, $before: String) { customer(id: $id) { \
    history(after: $after, before: $before) { edges { cursor node { version } } } } }";

/// The first cursor of a history.
fn first(history: &Value) -> String {
    history["edges"][0]["cursor"].as_str().expect("a cursor").to_owned()
}

async fn of_customer(shop: &Shop, id: &str) -> String {
    first(&shop.client.ask(HISTORY, json!({ "id": id })).await["customer"]["history"])
}

async fn is_refused(shop: &Shop, id: &str, field: &str, cursor: &str) {
    let (status, _, body) = shop.client.post(HISTORY, json!({ "id": id, field: cursor })).await;
    assert_eq!(status, 200, "{cursor}: {body}");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{cursor}: {body}");
    assert_eq!(error["extensions"]["field"], field, "{cursor}: {body}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("no cursor of this history"), "{cursor}: {body}");
}

#[test]
fn cursors_of_a_history_that_were_forged_or_belong_elsewhere_are_refused() {
    test(async |app| {
        let acme = Shop::open(&app.administrator(), "acme").await;
        let beta = Shop::open(&app.administrator(), "beta").await;
        let id = acme.customer("Bolt & Co", json!("100")).await;
        let other = acme.customer("Nut & Co", json!(null)).await;
        let theirs = beta.customer("Bolt & Co", json!(null)).await;
        app.settled().await;
        let own = of_customer(&acme, &id).await;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&own).expect("bytes");
        for index in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[index] ^= 1 << (index % 8);
            let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
            is_refused(&acme, &id, "after", &forged).await;
        }
        // What a cursor was before it was signed.
        let record: uuid::Uuid = id.parse().expect("an id");
        let bare = [&record.as_bytes()[..], &1_i64.to_be_bytes()].concat();
        let made_up = [&bytes[..16], &bytes[..bytes.len() - 1], &bytes[16..], &bare];
        let made_up = made_up.map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
        for made_up in made_up.iter().map(String::as_str).chain(["", "x", "not base64!"]) {
            is_refused(&acme, &id, "before", made_up).await;
        }
        is_refused(&acme, &other, "after", &own).await;
        is_refused(&beta, &theirs, "before", &own).await;
        let credit = "query($id: ID!) { customer(id: $id) { credit { \
            history { edges { cursor } } } } }";
        let credit = acme.client.ask(credit, json!({ "id": id })).await;
        for elsewhere in [
            of_customer(&acme, &other).await,
            of_customer(&beta, &theirs).await,
            first(&credit["customer"]["credit"]["history"]),
        ] {
            is_refused(&acme, &id, "after", &elsewhere).await;
        }
        acme.client.ask(HISTORY, json!({ "id": id, "after": own })).await;
    });
}
