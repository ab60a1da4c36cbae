//! Credit notes written by hand: facts that no command decided.

use std::borrow::Cow;

use events::credit_notes::{CreditNoteEvent, CreditNoteLine, CreditNotePosted};
use events::log::{Answer, Append, Expected, NewFact, StreamKey};
use events::orders::{OrderEvent, OrderId, OrderPlaced};
use events::words::{Actor, Meta, OrganizationId};
use events::{Event, Recorded};
use gateway::app::fresh_id;
use harness::TestApp;
use uuid::Uuid;

/// Gives back a whole order.
pub(crate) async fn credit(app: &TestApp, organization: OrganizationId, order: Uuid) {
    let stream = StreamKey { organization: organization.0, id: order };
    let facts = app.parts.log.read_stream(stream, 0, 1).await.expect("the order's facts");
    let placed = Recorded::try_from(&facts[0]).expect("a fact of ours").event;
    let Event::Order(OrderEvent::Placed(placed)) = placed else { panic!("{placed:?}") };
    let event: Event = CreditNoteEvent::Posted(crediting(OrderId(order), placed)).into();
    append(app, organization, event.feature(), event.fact_type().name, event.encode()).await;
}

fn crediting(order_id: OrderId, placed: OrderPlaced) -> CreditNotePosted {
    let lines = placed.lines.into_iter().map(|line| CreditNoteLine {
        line: line.line,
        product_id: line.product_id,
        sku: line.sku,
        name: line.name,
        unit: line.unit,
        quantity: line.quantity,
        unit_price: line.unit_price,
        price_source: line.price_source,
        gross: line.gross,
        net: line.net,
    });
    CreditNotePosted {
        series: "external".to_owned(),
        number: fresh_id().to_string(),
        customer_id: placed.customer_id,
        customer_name: placed.customer_name,
        order_id: Some(order_id),
        reference: None,
        reason: None,
        posted_at: placed.placed_at,
        business_date: placed.business_date,
        currency: placed.currency,
        rounding: placed.rounding,
        lines: lines.collect(),
        gross: placed.gross,
        net: placed.net,
    }
}

/// Appends a fact to a stream of its own.
pub(crate) async fn append(
    app: &TestApp,
    organization: OrganizationId,
    feature: &'static str,
    fact_type: &'static str,
    data: Vec<u8>,
) {
    let stream = StreamKey { organization: organization.0, id: fresh_id() };
    let meta = Meta {
        actor: Actor::Administrator,
        command: "tests.write".into(),
        correlation: fresh_id(),
        causation: None,
        request: None,
    };
    let fact = NewFact {
        stream,
        feature: Cow::Borrowed(feature),
        fact_type: Cow::Borrowed(fact_type),
        schema_version: 1,
        event_id: fresh_id(),
        data,
        meta: serde_json::to_vec(&meta).expect("a meta"),
        tags: Vec::new(),
    };
    let expected = vec![(stream, Expected::None)];
    let answer = app.parts.log.append(Append { expected, facts: vec![fact], ..Append::default() });
    assert!(matches!(answer.await, Ok(Answer::Appended { .. })));
}
