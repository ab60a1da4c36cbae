//! Claims about facts that are seldom: one that the record goes on without, one that another
//! caused. Nobody writes them yet, so these tests do.

use events::log::{Append, Expected, NewFact, RawFact, StreamKey};
use events::words::{Meta, OrganizationId};
use gateway::app::fresh_id;
use gateway::config::Config;
use harness::{Shop, TestApp, test, test_with};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{nodes, page, told};

/// Appends a fact to a stream, with what stands in the last one otherwise.
async fn append(
    app: &TestApp,
    stream: StreamKey,
    (fact_type, data): (&'static str, &str),
    change: impl FnOnce(&mut Meta),
) {
    let last = last(app, stream).await;
    let mut meta = Meta::try_from(&last).expect("a meta");
    meta.request = None;
    change(&mut meta);
    let fact = NewFact {
        stream,
        feature: last.feature.into(),
        fact_type: fact_type.into(),
        schema_version: 1,
        event_id: fresh_id(),
        data: data.as_bytes().to_vec(),
        meta: serde_json::to_vec(&meta).expect("JSON"),
        tags: Vec::new(),
    };
    let expected = vec![(stream, Expected::Exact(last.version))];
    let append = Append { expected, facts: vec![fact], ..Append::default() };
    app.parts.log.append(append).await.expect("an append");
}

async fn last(app: &TestApp, stream: StreamKey) -> RawFact {
    let facts = app.parts.log.read_stream(stream, 0, 1_000).await.expect("a stream");
    facts.into_iter().last().expect("a fact of the stream")
}

fn stream(slug: &str, id: &Value) -> StreamKey {
    let id: Uuid = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
    StreamKey { organization: OrganizationId::of_slug(slug).0, id }
}

const TERMS: (&str, &str) = ("customer.terms_set", r#"{"terms":{"net_days":7}}"#);

#[test]
fn a_fact_that_the_record_goes_on_without_is_told_and_changed_nothing() {
    let mut config = Config::default();
    config.projector.pause_max_ms = 100;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let id = json!(shop.customer("Bolt & Co", json!(null)).await);
        let stream = stream("acme", &id);
        append(app, stream, ("customer.lost", "{}"), |_| {}).await;
        append(app, stream, TERMS, |_| {}).await;
        app.settled().await;
        let history = async || nodes(&page(&shop.client, &format!("customer(id: {id})"), "").await);
        assert_eq!(history().await.len(), 1, "the record stands still at the fact, so does this");
        let query = "{ parkedFacts { projection version streamId eventId } }";
        let parked = shop.client.ask(query, json!({})).await["parkedFacts"].clone();
        let mut skip = parked[0].clone();
        assert_eq!(skip["projection"], "customers");
        skip["reason"] = json!("nobody can read it");
        shop.run("skipParked", skip).await;
        let query = "query($id: ID!) { customer(id: $id) { version stale } }";
        let whole = json!({ "version": 3, "stale": false });
        for _ in 0..1_000 {
            app.settled().await;
            if shop.client.ask(query, json!({ "id": id })).await["customer"] == whole {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let facts = history().await;
        let skipped: Vec<&Value> = facts.iter().map(|fact| &fact["skipped"]).collect();
        assert_eq!(skipped, [false, true, false]);
        assert_eq!(facts[1]["factType"], "customer.lost");
        assert_eq!(facts[1]["actor"], "administrator");
        assert_eq!((told(&facts[1]), told(&facts[2])), (vec![], vec!["netDays 30 > 7".to_owned()]));
        let then = format!("customer(id: {id}, asOf: {{ position: {} }})", facts[1]["position"]);
        assert_eq!(nodes(&page(&shop.client, &then, "").await).len(), 1);
    });
}

#[test]
fn a_fact_that_another_caused_tells_which_unless_that_is_another_organizations() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let id = json!(shop.customer("Bolt & Co", json!(null)).await);
        let own = json!(shop.customer("Nut & Co", json!(null)).await);
        let beta = Shop::open(&app.administrator(), "beta").await;
        let foreign = json!(beta.customer("Bolt & Co", json!(null)).await);
        let own = last(app, stream("acme", &own)).await;
        let foreign = last(app, stream("beta", &foreign)).await;
        let nobody = fresh_id();
        for cause in [own.event_id, foreign.event_id, nobody] {
            let caused = |meta: &mut Meta| meta.causation = Some(cause);
            append(app, stream("acme", &id), TERMS, caused).await;
        }
        app.settled().await;
        let facts = nodes(&page(&shop.client, &format!("customer(id: {id})"), "").await);
        let position = gateway::position::encode(own.position);
        let expected = [
            json!(null),
            json!({ "factId": own.event_id, "position": position, "recordId": own.stream.id }),
            json!({ "factId": foreign.event_id, "position": null, "recordId": null }),
            json!({ "factId": nobody, "position": null, "recordId": null }),
        ];
        let causes: Vec<&Value> = facts.iter().map(|fact| &fact["causedBy"]).collect();
        assert_eq!(causes, expected.iter().collect::<Vec<_>>());
    });
}
