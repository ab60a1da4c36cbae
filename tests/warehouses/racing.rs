//! Claims about warehouses when two processes want something of one at once.

use std::collections::BTreeMap;

use commands::stock::receive::ReceiveStock;
use commands::warehouses::close::CloseWarehouse;
use commands::warehouses::open::OpenWarehouse;
use commands::{CommandError, Kind};
use events::Event;
use events::stock::StockEvent;
use events::warehouses::{WarehouseEvent, WarehouseId};
use futures_util::future::join_all;
use harness::{Desk, TestApp, test};
use uuid::Uuid;

use crate::executor::everything;

/// Two processes.
async fn desks(app: &TestApp) -> [Desk; 2] {
    let desk = Desk::open(app, "acme").await;
    [desk.elsewhere(app).await, desk]
}

fn open(code: String) -> OpenWarehouse {
    OpenWarehouse { code, name: "Basel".to_owned(), warehouse_id: None }
}

#[test]
fn a_code_goes_to_one_of_twenty() {
    test(async |app| {
        let desks = desks(app).await;
        for round in 0..10 {
            let all = (0..20).map(|index| desks[index % 2].attempt(open(format!("W-{round}"))));
            let (opened, refused): (Vec<_>, Vec<_>) =
                join_all(all).await.into_iter().partition(Result::is_ok);
            assert_eq!(opened.len(), 1, "round {round}");
            for outcome in refused {
                let Err(CommandError::Rejected(why)) = outcome else { panic!("{outcome:?}") };
                assert_eq!((why.kind, why.field.as_deref()), (Kind::Taken, Some("code")));
            }
        }
    });
}

/// What came of a race between somebody who closes a warehouse and others who receive there.
#[derive(Default)]
struct Race {
    received: usize,
    refused: usize,
}

async fn race(desks: &[Desk; 2], round: usize, products: &[events::products::ProductId]) -> Race {
    let desk = &desks[round % 2];
    let id = WarehouseId(desk.run(open(format!("W-{round}"))).await.id);
    let quantity = "1".parse().unwrap();
    let goods = |product_id| ReceiveStock { product_id, warehouse_id: Some(id), quantity };
    // So that both processes have it in mind, as it was.
    for desk in desks {
        desk.run(goods(products[0])).await;
    }
    let close = CloseWarehouse { warehouse_id: id, reason: "sold".to_owned() };
    let receive = async |index: usize| {
        // Some come a little later: of one moment nobody might be too late.
        tokio::time::sleep(std::time::Duration::from_micros(200 * (index as u64 / 4))).await;
        desks[index % 2].attempt(goods(products[index % products.len()])).await
    };
    let all = join_all((0..24).map(receive));
    let closing = async {
        tokio::time::sleep(std::time::Duration::from_micros(500)).await;
        desk.run(close).await
    };
    let (outcomes, _) = tokio::join!(all, closing);
    let mut race = Race::default();
    for outcome in outcomes {
        match outcome {
            Ok(_) => race.received += 1,
            Err(CommandError::Rejected(why)) if why.kind == Kind::WrongState => race.refused += 1,
            other => panic!("{other:?}"),
        }
    }
    race
}

#[test]
fn nothing_is_received_in_a_warehouse_behind_its_close() {
    test(async |app| {
        let desks = desks(app).await;
        let products = [desks[0].product("A-1", 0).await, desks[1].product("B-1", 0).await];
        let (mut received, mut refused) = (0, 0);
        for round in 0..40 {
            let race = race(&desks, round, &products).await;
            received += race.received;
            refused += race.refused;
        }
        assert!(received > 40 && refused > 40, "no race: {received} received, {refused} refused");
        let mut places: BTreeMap<Uuid, WarehouseId> = BTreeMap::new();
        let mut closed: Vec<Uuid> = Vec::new();
        let mut taken = 0;
        for fact in everything(app).await {
            match &fact.event {
                Event::Warehouse(WarehouseEvent::Closed { .. }) => closed.push(fact.stream_id),
                Event::Stock(StockEvent::Opened { warehouse_id, .. }) => {
                    places.insert(fact.stream_id, *warehouse_id);
                }
                Event::Stock(StockEvent::Received { .. }) => {
                    taken += 1;
                    let place = places[&fact.stream_id];
                    assert!(!closed.contains(&place.0), "behind the close: {fact:?}");
                }
                _ => {}
            }
        }
        assert_eq!((closed.len(), taken), (40, received + 80), "and nothing that was told is lost");
    });
}
