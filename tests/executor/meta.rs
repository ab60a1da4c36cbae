//! Claims about what stands beside a fact: who, by which command, for which request.

use events::words::{Actor, Position};
use harness::desk::{order, receive};
use harness::{Desk, test};

use super::everything;

#[test]
fn every_fact_says_who_by_which_command_and_for_which_request() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 5).await);
        let request = desk.request(order(customer, product, 2));
        let correlation = request.correlation;
        let outcome = desk.executor.execute(request.clone()).await.unwrap();
        let log = everything(app).await;
        let facts: Vec<_> = log.iter().filter(|f| f.meta.correlation == correlation).collect();
        assert_eq!(facts.len(), 4, "the order, the credit, the stock, the number");
        assert_eq!(facts[0].stream_id, outcome.id, "the first is the command's own record's");
        assert_eq!(facts[3].position, outcome.position);
        for fact in &facts {
            assert_eq!(fact.meta.actor, Actor::Administrator);
            assert_eq!(fact.meta.command, "orders.place");
            assert_eq!(fact.meta.causation, None);
            assert_eq!(fact.organization, desk.organization);
        }
        let first = facts[0].meta.request.as_ref().expect("the first fact's request");
        assert_eq!(first.facts, 4);
        assert!(first.fingerprint.len() == 64, "{}", first.fingerprint);
        assert!(facts[1..].iter().all(|fact| fact.meta.request.is_none()));
    });
}

#[test]
fn the_same_command_has_the_same_fingerprint_and_another_one_another() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let mut prints = Vec::new();
        for pieces in [1, 1, 2] {
            let position = desk.run(receive(product, pieces)).await.position;
            let after = Position(position.0 - if prints.is_empty() { 2 } else { 1 });
            let facts = app.parts.log.read_all(after, 1).await.unwrap();
            let meta: serde_json::Value = serde_json::from_slice(&facts[0].meta).unwrap();
            prints.push(meta["request"]["fingerprint"].as_str().unwrap().to_owned());
        }
        assert_eq!(prints[0], prints[1]);
        assert_ne!(prints[0], prints[2]);
    });
}

#[test]
fn facts_of_one_command_have_ids_of_their_own() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 5).await);
        for key in ["a", "b", "c"] {
            desk.keyed(key, order(customer, product, 1)).await.unwrap();
        }
        let log = everything(app).await;
        let ids: std::collections::HashSet<_> = log.iter().map(|fact| fact.event_id).collect();
        assert_eq!(ids.len(), log.len());
        let keys = log.iter().filter(|fact| fact.event_id.get_version_num() == 5).count();
        assert_eq!(keys, 3, "a key makes the id of its first fact (UUIDv5)");
    });
}
