//! `rls_point`, `rls_list`, `rls_unnamed`: what row-level security costs a reader, on a row by its
//! key and on twenty rows by an index, beside the same queries of the owner, whom it does not ask.

use std::time::{Duration, Instant};

use events::words::OrganizationId;
use harness::TestDatabase;
use projections::sinks::readers;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use crate::Scale;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds};

/// Organizations that share the tables; the reader sees one.
const ORGANIZATIONS: usize = 4;

const POINT: &str = "select order_id, number, status, placed_at, net from read.orders \
    where organization_id = $1 and order_id = $2";
/// A reader need not say whose order it is.
const OWN_POINT: &str = "select order_id, number, status, placed_at, net from read.orders \
    where order_id = $1";
const LIST: &str = "select order_id, number, status, placed_at, net from read.orders \
    where organization_id = $1 order by placed_at desc, order_id desc limit 20";
const OWN_LIST: &str = "select order_id, number, status, placed_at, net from read.orders \
    order by placed_at desc, order_id desc limit 20";

/// A table of orders that somebody reads.
struct Office {
    database: TestDatabase,
    owner: Client,
    reader: Client,
    login: String,
    organization: Uuid,
    orders: Vec<Uuid>,
}

impl Office {
    async fn open(count: usize) -> Self {
        let database = TestDatabase::create().await;
        let mut owner = database.connect().await;
        let organizations: Vec<Uuid> =
            (0..ORGANIZATIONS).map(|n| OrganizationId::of_slug(&format!("bench-{n}")).0).collect();
        let live = "select schema from projections.builds where name = 'orders' and state = 'live'";
        let schema: String = owner.query_one(live, &[]).await.unwrap().get(0);
        let fill = format!(
            "insert into {schema}.orders (organization_id, order_id, series, number, customer_id, \
                customer_name, status, placed_at, business_date, currency, rounding_place, \
                rounding_how, gross, net, line_count, credited, version, position, changed_at) \
             select $1::uuid, gen_random_uuid(), 'SO', n::text, gen_random_uuid(), 'Bolt & Co', \
                'placed', at, at::date, 'EUR', 'line', 'half_up', 10, 10, 1, 0, 1, n, at \
             from generate_series(1, $2::bigint) as n, \
                lateral (select now() - n * interval '1 minute' as at) as times"
        );
        let each = i64::try_from(count / ORGANIZATIONS).unwrap();
        for organization in &organizations {
            owner.execute(&fill, &[organization, &each]).await.unwrap();
        }
        owner.batch_execute(&format!("vacuum analyze {schema}.orders")).await.unwrap();
        let organization = organizations[0];
        let some = "select order_id from read.orders where organization_id = $1 \
            order by order_id limit 1000";
        let orders = owner.query(some, &[&organization]).await.unwrap();
        let login = format!("reader_{}", Uuid::now_v7().simple());
        readers::add(&mut owner, &login, &[organization], None).await.unwrap();
        let mut config: Config = database.config.clone();
        let reader = events::log::connect(config.user(&login)).await.unwrap();
        let orders = orders.iter().map(|row| row.get(0)).collect();
        Self { database, owner, reader, login, organization, orders }
    }

    async fn close(self) {
        let Self { database, mut owner, reader, login, .. } = self;
        drop(reader);
        readers::remove(&mut owner, &login).await.unwrap();
        drop(owner);
        database.remove().await;
    }

    /// A row by its key, one after the other.
    async fn point(&self, owned: bool, length: Duration) -> Round {
        let client = if owned { &self.owner } else { &self.reader };
        let statement = if owned { POINT } else { OWN_POINT };
        round(client, statement, length, |at| {
            let order: &(dyn ToSql + Sync) = &self.orders[at % self.orders.len()];
            (if owned { vec![&self.organization, order] } else { vec![order] }, 1)
        })
        .await
    }

    /// The last twenty rows of an organization, again and again; named, or what is seen.
    async fn list(&self, client: &Client, is_named: bool, length: Duration) -> Round {
        let statement = if is_named { LIST } else { OWN_LIST };
        let named = || -> Vec<&(dyn ToSql + Sync)> { vec![&self.organization] };
        round(client, statement, length, |_| (if is_named { named() } else { vec![] }, 20)).await
    }
}

/// A prepared query, again and again; what is asked, and how many rows that has.
async fn round<'a>(
    client: &Client,
    statement: &str,
    length: Duration,
    asked: impl Fn(usize) -> (Vec<&'a (dyn ToSql + Sync)>, usize),
) -> Round {
    let statement = client.prepare(statement).await.unwrap();
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        let (params, rows) = asked(taken.len());
        let started = Instant::now();
        assert_eq!(client.query(&statement, &params).await.unwrap().len(), rows);
        taken.push(started.elapsed().as_secs_f64());
    }
    let count = taken.len();
    Round::of(taken, count, began.elapsed())
}

/// The rows of this file that are wanted.
pub async fn measure(scale: Scale, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let wanted = ["rls_point", "rls_list", "rls_unnamed"].map(wanted);
    if !wanted.contains(&true) {
        return Vec::new();
    }
    let office = Office::open(scale.read_orders).await;
    let (mut point, mut list, mut unnamed) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    let length = scale.append_round;
    for _ in 0..scale.rounds {
        point.baseline.push(office.point(true, length).await.per_second);
        point.ours.push(office.point(false, length).await);
        let baseline = office.list(&office.owner, true, length).await.per_second;
        list.baseline.push(baseline);
        unnamed.baseline.push(baseline);
        list.ours.push(office.list(&office.reader, true, length).await);
        unnamed.ours.push(office.list(&office.reader, false, length).await);
    }
    office.close().await;
    let of = |name, what: &str, rounds: &Rounds| {
        let count = scale.read_orders;
        let what =
            format!("{what}, of {count} orders of {ORGANIZATIONS} organizations, as a reader");
        let baseline = "the same as the owner, with the organization in the query";
        Row::of(name, &what, "queries/s", (rounds, baseline, Goal::Reported))
    };
    let rows = [
        of("rls_point", "an order by its id", &point),
        of("rls_list", "the last 20 orders of the organization that the query names", &list),
        of("rls_unnamed", "the last 20 orders, the query naming no organization", &unnamed),
    ];
    rows.into_iter().zip(wanted).filter_map(|(row, wanted)| wanted.then_some(row)).collect()
}
