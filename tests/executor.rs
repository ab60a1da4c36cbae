//! Claims about the executor: many commands, one loop, several processes. Not which rules commands
//! obey: those stand beside them.

mod bounds;
mod conflicts;
mod ending;
mod fair;
mod hot;
mod keys;
mod meta;
mod overlap;
pub(crate) mod probe;
mod races;
mod snapshots;
mod turns;
mod unique;
mod versions;

use commands::{CommandError, Kind, Outcome};
use events::Recorded;
use events::log::{RawFact, StreamKey};
use events::products::ProductId;
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{Position, Unit};
use harness::{Desk, TestApp};

/// The kind of a rejection.
#[track_caller]
fn rejected(outcome: &Result<Outcome, CommandError>) -> Kind {
    match outcome {
        Err(CommandError::Rejected(rejection)) => rejection.kind,
        other => panic!("not rejected: {other:?}"),
    }
}

/// The stream of a product's stock, counted in pieces.
fn item(desk: &Desk, product: ProductId) -> StreamKey {
    let organization = desk.organization;
    let warehouse = WarehouseId::default_of(organization);
    let id = StockItemId::of(organization, product, warehouse, &Unit("piece".to_owned()));
    StreamKey { organization: organization.0, id: id.0 }
}

async fn facts(app: &TestApp, stream: StreamKey) -> Vec<RawFact> {
    app.parts.log.read_stream(stream, 0, 10_000).await.expect("reading a stream")
}

/// Everything that the log holds.
pub(crate) async fn everything(app: &TestApp) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = Vec::new();
    loop {
        let after = all.last().map_or(Position(0), |last| last.position);
        let page = app.parts.log.read_all(after, 10_000).await.expect("reading the log");
        if page.is_empty() {
            return all;
        }
        all.extend(page.iter().map(|raw| Recorded::try_from(raw).expect("a fact of ours")));
    }
}

async fn count(app: &TestApp, query: &str) -> i64 {
    app.database.connect().await.query_one(query, &[]).await.expect("counting").get(0)
}
