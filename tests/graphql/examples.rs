//! Claims about the operations that GraphiQL shows at first: each runs as it is against the demo.

use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use harness::{Client, test};
use indicatif::ProgressBar;
use serde_json::{Value, json};

/// What the page puts into the editor.
async fn examples(client: &Client) -> String {
    let (_, _, script) = client.get("/graphiql/examples.js").await;
    let text = script.split("EXAMPLES = `").nth(1).and_then(|rest| rest.split('`').next());
    let text = text.expect("a text in backticks").to_owned();
    assert!(!text.contains("${") && !text.contains('\\'), "it is as it stands");
    text
}

/// Runs the example of this name.
async fn run(client: &Client, document: &str, name: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "operationName": name, "variables": variables });
    let json = ("content-type", "application/json");
    let body = body.to_string().into_bytes();
    let (_, _, text) = client.send("POST", "/graphql", &[json], body).await;
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert!(answer.get("errors").is_none(), "{name}: {text}");
    answer["data"].clone()
}

#[test]
fn every_example_of_graphiql_runs_against_the_demo() {
    test(async |app| {
        let (executor, until) = (&app.parts.executor, app.clock.now());
        let hidden = ProgressBar::hidden();
        gateway::demo::register(executor, until).await.expect("its organization");
        gateway::demo::trade(executor, until, &hidden).await.expect("its trade");
        app.settled().await;
        let client = app.administrator();
        let document = examples(&client).await;
        let named = |kind: &str| document.matches(&format!("\n{kind} ")).count();
        assert_eq!((named("query"), named("mutation"), named("subscription")), (6, 1, 1));

        let orders = run(&client, &document, "Orders", json!({})).await;
        assert!(orders["orders"]["nodes"][0]["lines"][0]["sku"].is_string(), "{orders}");
        let database = app.database.connect().await;
        let before = database.query_one("select clock_timestamp()", &[]).await.expect("the time");
        let before: DateTime<Utc> = before.get(0);
        let alone = document.split("subscription OrdersChanged").nth(1).expect("it");
        let alone = alone.split("\n}").next().expect("its end");
        let subscription = format!("subscription {alone} }}");
        let mut changes = pin!(client.subscribe(&subscription, json!({})).await);
        let placed = run(&client, &document, "PlaceOrder", json!({})).await["placeOrder"].clone();
        assert!(placed["order"]["customer"]["name"].is_string(), "{placed}");
        let changed = changes.next().await.expect("a change");
        let changed = &changed["data"]["ordersChanged"]["order"];
        assert_eq!(changed["number"], placed["order"]["number"]);
        let months = run(&client, &document, "SalesByMonth", json!({})).await;
        assert!(months["salesByMonth"].as_array().is_some_and(|months| months.len() > 5));
        let then = json!({ "then": before.to_rfc3339() });
        let as_of = run(&client, &document, "AsOf", then).await;
        assert_eq!(as_of["now"]["credit"], {
            let mut credit = placed["order"]["customer"]["credit"].clone();
            credit["version"] = as_of["now"]["credit"]["version"].clone();
            credit
        });
        assert_ne!(as_of["then"]["credit"]["exposure"], as_of["now"]["credit"]["exposure"]);
        let node = run(&client, &document, "Node", json!({})).await["node"].clone();
        assert_eq!((&node["__typename"], &node["sku"]), (&json!("Product"), &json!("NUT-M8-ZP")));
        let found = run(&client, &document, "Search", json!({})).await["search"].clone();
        assert!(found["total"].as_i64() > Some(0), "{found}");
        let found = run(&client, &document, "SearchProducts", json!({})).await;
        let edges = found["searchProducts"]["edges"].as_array().expect("edges").clone();
        assert!(edges.iter().any(|edge| edge["node"]["sku"] == "NUT-M8-ZP"), "{found}");
        assert!(edges.iter().all(|edge| edge["highlights"][0]["parts"][0]["marked"] == true));
    });
}
