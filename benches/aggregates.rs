//! `aggregates`: what a year of real trade adds up to, over HTTP, by day, week, month, state and
//! customer, beside the same statements over a plain connection.

use std::time::Instant;

use harness::{Program, TestDatabase};
use serde_json::{Map, json};
use tokio_postgres::Client;

use crate::Scale;
use crate::http::{Connection, Door};
use crate::import;
use crate::report::{Goal, Row};
use crate::rounds::{Round, median, rounded};

const SLUG: &str = "online-retail";

/// A question: its name, its GraphQL field, and its SQL, in which $1 is the organization.
type Question = (&'static str, &'static str, &'static str);

const QUESTIONS: [Question; 5] = [
    (
        "months",
        "ordersAggregate(every: { period: MONTH, of: BUSINESS_DATE }) \
         { period currency count net { sum min max } gross { sum } }",
        "select date_trunc('month', business_date), currency, count(*), sum(net), min(net), \
         max(net), sum(gross) from read.orders where organization_id = $1 \
         group by 1, 2 order by 1, 2",
    ),
    (
        "days",
        "ordersAggregate(every: { period: DAY, of: PLACED_AT }) \
         { period currency count net { sum } }",
        "select date_trunc('day', placed_at at time zone 'Europe/London'), currency, count(*), \
         sum(net) from read.orders where organization_id = $1 group by 1, 2 order by 1, 2",
    ),
    (
        "weeks_of_a_quarter",
        "ordersAggregate(every: { period: WEEK, of: BUSINESS_DATE }, groupBy: [STATUS], \
         filter: { businessDate: { gte: \"2011-07-01\", lt: \"2011-10-01\" } }) \
         { period status currency count net { sum } lineCount { sum } }",
        "select date_trunc('week', business_date), status, currency, count(*), sum(net), \
         sum(line_count) from read.orders where organization_id = $1 \
         and business_date >= '2011-07-01' and business_date < '2011-10-01' \
         group by 1, 2, 3 order by 1, 2, 3",
    ),
    (
        "customers_of_a_month",
        "ordersAggregate(groupBy: [CUSTOMER_ID], filter: { businessDate: \
         { gte: \"2011-10-01\", lt: \"2011-11-01\" } }) \
         { customerId currency count net { sum } }",
        "select currency, customer_id, count(*), sum(net) from read.orders \
         where organization_id = $1 and business_date >= '2011-10-01' \
         and business_date < '2011-11-01' group by 1, 2 order by 1, 2",
    ),
    (
        "credit_notes_by_month",
        "creditNotesAggregate(every: { period: MONTH, of: BUSINESS_DATE }) \
         { period currency count net { sum } }",
        "select date_trunc('month', business_date), currency, count(*), sum(net) \
         from read.credit_notes where organization_id = $1 group by 1, 2 order by 1, 2",
    ),
];

/// Measures the row; none, if the real data is not there.
pub async fn measure(scale: Scale) -> Option<Row> {
    let place = harness::app::scratch();
    let database = TestDatabase::create().await;
    let summary = import::fill(scale, &place, &database.url).await?;
    let data = place.path().join("served");
    let program = Program::serve(&data, &[("DATABASE_URL", database.url.as_str())]);
    let token = std::fs::read_to_string(data.join("admin-token")).expect("the token");
    let address = program.url.trim_start_matches("http://").to_owned();
    let door = Door { address, token: token.trim().to_owned(), organization: SLUG };
    let (client, mut connection) = (database.connect().await, door.connect().await);
    client.batch_execute("vacuum analyze").await.expect("vacuuming");
    let (mut details, mut slowest) = (Map::new(), 0.0_f64);
    for (name, field, statement) in QUESTIONS {
        let request = door.request(&json!({ "query": format!("{{ {field} }}") }).to_string());
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            ours.push(asked(scale, &mut connection, &request).await);
            plain.push(stated(scale, &client, statement).await);
        }
        let p99 = median(ours.iter().map(|round| round.p99_ms));
        slowest = slowest.max(p99);
        for (what, value) in [
            ("p50_ms", median(ours.iter().map(|round| round.p50_ms))),
            ("p99_ms", p99),
            ("statement_p50_ms", median(plain.iter().map(|round| round.p50_ms))),
            ("statement_p99_ms", median(plain.iter().map(|round| round.p99_ms))),
        ] {
            details.insert(format!("{name}_{what}"), json!(rounded(value)));
        }
    }
    details.insert("facts".to_owned(), summary["facts"].clone());
    details.insert("rounds".to_owned(), json!(scale.rounds));
    drop(program);
    drop(client);
    database.remove().await;
    Some(Row {
        name: "aggregates",
        what: "what the imported year adds up to, over HTTP (GraphQL), one request after the \
            other; 99 of 100 of the slowest of five questions"
            .to_owned(),
        ours: slowest,
        baseline: None,
        unit: "ms",
        ratio: None,
        goal: Goal::AtMost(50.0),
        holds: true,
        details,
    })
}

/// The same question again and again, for as long as a round.
async fn asked(scale: Scale, connection: &mut Connection, request: &[u8]) -> Round {
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < scale.append_round {
        let asked = Instant::now();
        let answer = connection.exchange(request).await;
        assert!(answer.contains("\"count\":") && !answer.contains("\"errors\""), "{answer}");
        taken.push(asked.elapsed().as_secs_f64());
    }
    let count = taken.len();
    Round::of(taken, count, began.elapsed())
}

async fn stated(scale: Scale, client: &Client, statement: &str) -> Round {
    let of = "select organization_id from read.organizations where slug = $1";
    let organization: uuid::Uuid = client.query_one(of, &[&SLUG]).await.expect("it").get(0);
    let statement = client.prepare(statement).await.expect("a statement");
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < scale.append_round {
        let asked = Instant::now();
        let rows = client.query(&statement, &[&organization]).await.expect("rows");
        assert!(!rows.is_empty(), "nothing was sold");
        taken.push(asked.elapsed().as_secs_f64());
    }
    let count = taken.len();
    Round::of(taken, count, began.elapsed())
}
