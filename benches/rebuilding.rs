//! `rebuild` and `replay`: read models folded anew from an imported year of real trade, beside the
//! running ones, by one worker and by two; and all of them as of a time.

use std::path::Path;
use std::time::{Duration, Instant};

use harness::Program;
use harness::cluster::TestDatabase;
use harness::program::{millrace, outcome};
use projections::sinks::builds::{self, State};
use projections::sinks::leases::{self, WORKERS_CHANNEL};
use serde_json::{Map, Value, json};

use crate::Scale;
use crate::import;
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

/// What is rebuilt: records with many rows a fact, records with many facts a row, and sums.
const MODELS: [&str; 3] = ["orders", "stock", "sales_by_product"];
/// Whose rate is the row's.
const HEADLINE: &str = "stock";
/// How often it is looked whether a rebuild is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Measures the rows that are wanted; none, if the real data is not there.
pub async fn measure(scale: Scale, rebuild: bool, replay: bool) -> Option<Vec<Row>> {
    let place = harness::app::scratch();
    let database = TestDatabase::create().await;
    let summary = import::fill(scale, &place, &database.url).await?;
    let facts = summary["facts"].as_f64().expect("how many facts");
    let data = place.path().join("workers");
    let mut rows = Vec::new();
    if rebuild {
        rows.push(rebuilt(scale, &database, &data, facts).await);
    }
    if replay {
        rows.push(replayed(scale, &database, &data, facts).await);
    }
    database.remove().await;
    Some(rows)
}

async fn rebuilt(scale: Scale, database: &TestDatabase, data: &Path, facts: f64) -> Row {
    let environment = [("DATABASE_URL", database.url.as_str())];
    let mut details = Map::new();
    let (mut headline, mut workers) = (Vec::new(), Vec::new());
    for count in 1..=2 {
        workers.push(Program::work(data, &environment));
        tokio::time::sleep(Duration::from_secs(2)).await;
        for model in MODELS {
            let mut rates = Vec::new();
            for _ in 0..scale.growth_rounds {
                rates.push(facts / rebuild(database, model).await);
            }
            if model == HEADLINE && count == 1 {
                headline.clone_from(&rates);
            }
            let rate = rounded(median(rates.into_iter()));
            details.insert(format!("{model}_{count}_workers"), json!(rate));
        }
    }
    drop(workers);
    details.insert("facts".to_owned(), json!(facts));
    Row {
        name: "rebuild",
        what: format!(
            "`{HEADLINE}` rebuilt from the log of an imported year, beside the running one, by one \
             `work`: facts of the log a second, from asking to the switch, indexes included; in \
             the details others, and two workers"
        ),
        ours: median(headline.into_iter()),
        baseline: None,
        unit: "facts/s",
        ratio: None,
        goal: Goal::AtLeast(100_000.0),
        holds: true,
        details,
    }
}

/// Rebuilds a read model; seconds until everybody reads it.
async fn rebuild(database: &TestDatabase, model: &str) -> f64 {
    let mut client = database.connect().await;
    let all = projections::all();
    let projection = all.iter().find(|known| known.name() == model).expect("a read model");
    let began = Instant::now();
    let build = builds::begin(&mut client, projection.as_ref()).await.expect("a build");
    leases::notify(&client, WORKERS_CHANNEL).await.expect("a notice");
    loop {
        let known = builds::all(&client).await.expect("the builds");
        if known.iter().any(|known| known.id == build.id && known.state == State::Live) {
            return began.elapsed().as_secs_f64();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn replayed(scale: Scale, database: &TestDatabase, data: &Path, facts: f64) -> Row {
    let client = database.connect().await;
    let (mut seconds, mut tables) = (Vec::new(), Value::Null);
    for round in 0..scale.growth_rounds {
        let now = "select to_char(clock_timestamp() at time zone 'UTC', \
            'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
        let now: String = client.query_one(now, &[]).await.expect("the time").get(0);
        let schema = format!("replayed_{round}");
        let mut command = millrace(&["replay", "--as-of", &now, "--schema", &schema, "--json"]);
        command.arg("--data").arg(data).env("DATABASE_URL", &database.url);
        let began = Instant::now();
        let (code, out, err) =
            tokio::task::spawn_blocking(move || outcome(&mut command)).await.expect("a replay");
        seconds.push(began.elapsed().as_secs_f64());
        assert_eq!(code, 0, "{err}");
        let told: Value = serde_json::from_str(&out).expect("what it tells");
        assert_eq!(told["position"].as_f64(), Some(facts), "everything is replayed");
        tables = json!(told["tables"].as_array().map(Vec::len));
        let drop = format!("drop schema {schema} cascade");
        client.batch_execute(&drop).await.expect("dropping the schema");
    }
    let mut details = Map::new();
    details.insert("facts".to_owned(), json!(facts));
    details.insert("tables".to_owned(), tables);
    Row {
        name: "replay",
        what: "every read model of an imported year as of its end, in a schema of its own: the \
               whole program's run, indexes included"
            .to_owned(),
        ours: median(seconds.into_iter()),
        baseline: None,
        unit: "s",
        ratio: None,
        goal: Goal::AtMost(30.0),
        holds: true,
        details,
    }
}
