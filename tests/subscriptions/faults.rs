//! Claims about lists that are watched over connections that are cut, and while workers die: what
//! happened meanwhile is told, and nothing is told wrongly.

use std::time::Duration;

use events::access::Access;
use futures_util::future::join_all;
use gateway::verbs::parts::Parts;
use harness::app::masters;
use harness::proxy::Fate;
use harness::{Proxy, Shop, TestApp, test, test_without_workers};
use queries::Reader;
use queries::fields::Listed;
use queries::filter::{Filter, Test, Value};
use queries::orders::OrderRow;

use super::lists::{Watcher, without_polls};
use super::trade::Trade;
use crate::lists::organization;
use crate::workers::Works;

/// Orders are placed and cancelled while something else happens to whoever watches.
async fn watched(
    app: &TestApp,
    (reader, access, shop): (&Reader, &Access, &Shop),
    meanwhile: impl Future<Output = ()>,
) {
    let status = OrderRow::LIST.field("status").expect("it has one");
    let of = |status: &str| Test::Eq(Value::Text(status.to_owned()));
    let filters = [
        Filter::all(),
        Filter::Field(status, of("placed")),
        Filter::Field(status, of("cancelled")),
    ];
    let mut watchers = Vec::new();
    for filter in filters {
        watchers.push(Watcher::<OrderRow>::begin(reader, access, filter).await);
    }
    let mut trade = Trade::begin(shop, 3).await;
    let trading = async {
        for _ in 0..120 {
            trade.order().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(trading, meanwhile);
    app.settled().await;
    join_all(watchers.iter_mut().map(|watcher| watcher.comes_to_know_all(reader, access))).await;
    assert!(watchers.iter().all(|watcher| watcher.told > 5));
}

#[test]
fn whoever_watches_over_connections_that_are_cut_and_slow_misses_nothing() {
    test(async |app| {
        let (shop, access) = organization(app, "acme").await;
        let proxy = Proxy::before(&app.database.config).await;
        let parts = Parts::without_workers(&proxy.config(), masters(), &without_polls()).await;
        let parts = parts.expect("the parts");
        parts.reader.at_least(&["orders"], Some(app.settled().await)).await.expect("all of it");
        let cutting = async {
            for fate in [Fate::Close, Fate::Reset, Fate::Desert, Fate::Close] {
                tokio::time::sleep(Duration::from_millis(600)).await;
                proxy.cut(fate);
            }
            proxy.delay(Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(500)).await;
            proxy.delay(Duration::ZERO);
        };
        watched(app, (&parts.reader, &access, &shop), cutting).await;
        parts.stop().await;
    });
}

#[test]
fn whoever_watches_while_workers_come_and_are_killed_misses_nothing() {
    test_without_workers(without_polls(), async |app| {
        let works = Works::over(app);
        let mut running = vec![works.start()];
        let (shop, access) = organization(app, "acme").await;
        let killing = async {
            for _ in 0..3 {
                running.push(works.start());
                tokio::time::sleep(Duration::from_millis(800)).await;
                running.remove(0).kill();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        watched(app, (&app.parts.reader, &access, &shop), killing).await;
    });
}
