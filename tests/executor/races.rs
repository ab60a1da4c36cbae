//! A thousand races for the last pieces, and a thousand for the last credit, between two processes:
//! right each time, by what was answered and by what was stored.

use std::collections::BTreeMap;

use commands::customers::open::OpenCustomer;
use commands::{Kind, Outcome};
use events::Event;
use events::credit::{CreditEvent, CreditId};
use events::customers::CustomerId;
use events::log::StreamKey;
use events::stock::StockEvent;
use events::words::Amount;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use harness::desk::order;
use harness::{Desk, TestApp, test};
use rust_decimal::Decimal;

use super::{item, rejected};

const ROUNDS: u32 = 1_000;
/// Rounds that are run at once: they meet in the loops and in the batches of both processes.
const AT_ONCE: usize = 25;

/// How many buyers come, and for how many of them it lasts: 20 to 100, and fewer.
fn sizes(round: u32) -> (u32, u32) {
    // Most rounds are small: what is tried is that rounds meet.
    let buyers = if round.is_multiple_of(25) { 100 } else { 20 + round % 5 };
    (buyers, 1 + round * 7 % (buyers - 1))
}

/// Everybody at once, half of them in each process; how many got it. The others were refused so.
async fn race<C: commands::Command + Clone>(
    desks: &[Desk; 2],
    (round, buyers): (u32, u32),
    command: C,
    refused: Kind,
) -> Vec<Outcome> {
    let buyers =
        (0..buyers).map(|buyer| desks[(buyer + round) as usize % 2].attempt(command.clone()));
    let mut done = Vec::new();
    for outcome in join_all(buyers).await {
        match outcome {
            Ok(outcome) => done.push(outcome),
            refusal => assert_eq!(rejected(&refusal), refused, "round {round}"),
        }
    }
    done
}

async fn desks(app: &TestApp) -> [Desk; 2] {
    let desk = Desk::open(app, "acme").await;
    [desk.elsewhere(app).await, desk]
}

/// The facts of a feature, by stream, from the log.
async fn stored(app: &TestApp) -> BTreeMap<StreamKey, Vec<Event>> {
    let mut streams = BTreeMap::new();
    for recorded in super::everything(app).await {
        let stream = StreamKey { organization: recorded.organization.0, id: recorded.stream_id };
        streams.entry(stream).or_insert_with(Vec::new).push(recorded.event);
    }
    streams
}

#[test]
fn in_a_thousand_rounds_no_piece_is_sold_twice_and_none_is_left() {
    test(async |app| {
        let desks = desks(app).await;
        let customers = [desks[0].customer("Bolt & Co").await, desks[1].customer("Nut & Co").await];
        let rounds = stream::iter(0..ROUNDS).map(|round| {
            let desks = &desks;
            async move {
                let (buyers, pieces) = sizes(round);
                let product =
                    desks[round as usize % 2].product(&format!("A-{round}"), pieces).await;
                let order = order(customers[round as usize / 2 % 2], product, 1);
                let sold = race(desks, (round, buyers), order, Kind::OutOfStock).await;
                assert_eq!(sold.len(), pieces as usize, "round {round}, {buyers} buyers");
                (item(&desks[0], product), pieces)
            }
        });
        let sold: Vec<_> = rounds.buffer_unordered(AT_ONCE).collect().await;
        let stored = stored(app).await;
        for (item, pieces) in sold {
            let reserved: Decimal = stored[&item].iter().map(reserved).sum();
            assert_eq!(reserved, Decimal::from(pieces), "of {item:?}");
        }
    });
}

fn reserved(event: &Event) -> Decimal {
    match event {
        Event::Stock(StockEvent::Reserved { quantity, .. }) => quantity.0,
        _ => Decimal::ZERO,
    }
}

#[test]
fn in_a_thousand_rounds_no_credit_is_given_twice_and_none_is_left() {
    test(async |app| {
        let desks = desks(app).await;
        // Enough for everybody: credit alone is short. At 2.50 a piece.
        let products =
            [desks[0].product("A-1", 100_000).await, desks[1].product("B-1", 100_000).await];
        let rounds = stream::iter(0..ROUNDS).map(|round| {
            let desks = &desks;
            async move {
                let (buyers, orders) = sizes(round);
                let limit = Decimal::new(250, 2) * Decimal::from(orders) + Decimal::new(249, 2);
                let open = OpenCustomer {
                    credit_limit: Some(Amount(limit)),
                    ..harness::desk::customer(&format!("Customer {round}"))
                };
                let id = CustomerId(desks[round as usize % 2].run(open).await.id);
                let order = order(id, products[round as usize / 2 % 2], 1);
                let given = race(desks, (round, buyers), order, Kind::CreditExceeded).await;
                assert_eq!(given.len(), orders as usize, "round {round}, {buyers} buyers");
                (CreditId::of(desks[0].organization, id), limit)
            }
        });
        let given: Vec<_> = rounds.buffer_unordered(AT_ONCE).collect().await;
        let stored = stored(app).await;
        for (credit, limit) in given {
            let organization = desks[0].organization.0;
            let facts = &stored[&StreamKey { organization, id: credit.0 }];
            let used: Decimal = facts.iter().map(used).sum();
            assert!(used <= limit && limit - used < Decimal::new(250, 2), "{used} of {limit}");
        }
    });
}

fn used(event: &Event) -> Decimal {
    match event {
        Event::Credit(CreditEvent::Reserved { amount, .. }) => amount.0,
        _ => Decimal::ZERO,
    }
}
