//! Claims about what is kept in mind of the read models: nobody is shown anything older than what
//! they asked for or have seen, whoever writes the rows and whatever happens to connections. What
//! costs how much memory is in `bounds`.

mod bounds;
mod builds;
mod exact;
mod untold;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use events::access::Access;
use events::products::ProductId;
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{Actor, OrganizationId, Unit};
use harness::desk::receive;
use harness::{Desk, TestApp};
use queries::Reader;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::metrics::shown;

/// Goods that are received again and again while somebody reads how many there are.
struct Counted {
    desk: Desk,
    access: Access,
    items: Vec<Item>,
}

struct Item {
    product: ProductId,
    id: Uuid,
    /// The highest version that anybody has seen.
    seen: AtomicI64,
}

fn access(organization: OrganizationId) -> Access {
    Access { organization, actor: Actor::Administrator, as_of: None }
}

impl Counted {
    async fn open(app: &TestApp, count: usize) -> Arc<Self> {
        let desk = Desk::open(app, "acme").await;
        let (organization, unit) = (desk.organization, Unit("piece".to_owned()));
        let warehouse = WarehouseId::default_of(organization);
        let mut items = Vec::new();
        for number in 0..count {
            let product = desk.product(&format!("A-{number}"), 1).await;
            let id = StockItemId::of(organization, product, warehouse, &unit).0;
            items.push(Item { product, id, seen: AtomicI64::new(0) });
        }
        Arc::new(Self { access: access(organization), desk, items })
    }

    /// Receives one thing after the other, and each time reads what was just received.
    async fn receive(&self, reader: &Reader, mut at: usize, stop: &CancellationToken) -> usize {
        let mut done = 0;
        while !stop.is_cancelled() {
            at = (at + 1) % self.items.len();
            let item = &self.items[at];
            let received = self.desk.run(receive(item.product, 1)).await;
            if reader.at_least(&["stock"], Some(received.position)).await.is_err() {
                // Whoever carries the read models on is away for the moment.
                continue;
            }
            let Ok(row) = reader.stock_item(&self.access, item.id).await else { continue };
            let row = row.expect("the item");
            let (found, wanted) = (row.position, received.position.0);
            assert!(found >= wanted, "position {wanted} was asked for, {found} is shown");
            done += 1;
        }
        done
    }

    /// Reads items, alone and in lists: nobody sees less than anybody has seen before they asked.
    async fn read(&self, reader: &Reader, mut at: usize, stop: &CancellationToken) -> usize {
        let mut done = 0;
        while !stop.is_cancelled() {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let item = &self.items[(at >> 33) % self.items.len()];
            let before = item.seen.load(Ordering::SeqCst);
            let (how, row) = if (at >> 40).is_multiple_of(8) {
                let all = reader.stock_of(&self.access, &[item.product.0]).await;
                let listed = all.map(|mut all| all.remove(&item.product.0).unwrap_or_default());
                ("in a list", listed.map(|mut listed| listed.pop()))
            } else {
                ("alone", reader.stock_item(&self.access, item.id).await)
            };
            // Where a connection was cut, nobody has seen anything.
            let Ok(row) = row else {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                continue;
            };
            let version = row.map_or(0, |row| row.version);
            assert!(version >= before, "version {version} is shown {how} after {before}");
            item.seen.fetch_max(version, Ordering::SeqCst);
            done += 1;
            tokio::task::yield_now().await;
        }
        done
    }

    /// Writes and reads by many while something is done; then everybody sees everything.
    async fn play<T>(self: &Arc<Self>, reader: &Reader, work: impl Future<Output = T>) -> T {
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (own, reader, stop) = (self.clone(), reader.clone(), stop.clone());
            tasks.spawn(async move {
                match number < 3 {
                    true => (own.receive(&reader, number, &stop).await, 0),
                    false => (0, own.read(&reader, number * 7, &stop).await),
                }
            });
        }
        let worked = work.await;
        stop.cancel();
        let (mut received, mut read) = (0, 0);
        while let Some(done) = tasks.join_next().await {
            let (more, other) = done.expect("somebody was shown something old");
            (received, read) = (received + more, read + other);
        }
        assert!(received > 50 && read > 500, "{received} received, {read} read: little is tried");
        worked
    }
}

/// How often something was found in mind, until now.
async fn hits(app: &TestApp) -> f64 {
    shown(app).await.value("millrace_queries_cache_hits_total")
}
