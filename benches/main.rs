//! `make bench`: measures the goals, each beside its baseline in the same run, prints a table, and
//! writes `target/bench/results.json`. A goal is measured in the file of its name; here is what to
//! measure, and in which order.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench prints, makes ids and throws dice, and fails where it cannot go on"
)]

mod aggregates;
mod append;
mod chain;
mod check;
mod export;
mod filling;
mod graphql;
mod growth;
mod history;
mod hot;
mod http;
mod import;
mod live;
mod machine;
mod market;
mod memory;
mod neighbours;
mod orders;
mod oversell;
mod procedure;
mod processes;
mod readable;
mod readers;
mod reading;
mod rebuilding;
mod report;
mod rounds;
mod search;
mod subscriber;

use std::process::ExitCode;
use std::time::Duration;

use report::Row;

/// Every row of the results, in the order in which they are measured.
const ROWS: [&str; 37] = [
    "append_1",
    "append_64",
    "append_512",
    "append_7x7",
    "append_2p",
    "hot_stream",
    "chain",
    "check_log",
    "read_log",
    "load_100",
    "load_cached",
    "follow_1000",
    "follow_20000",
    "readable",
    "pushed",
    "fan_out",
    "subscribers_10k",
    "history",
    "point_graphql",
    "list_graphql",
    "beside_transaction",
    "beside_dump",
    "beside_vacuum",
    "memory_idle",
    "orders_http",
    "memory_loaded",
    "oversell",
    "import",
    "rebuild",
    "replay",
    "aggregates",
    "export_parquet",
    "rls_point",
    "rls_list",
    "rls_unnamed",
    "growth",
    "search_1m",
];

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Rounds of ours and of the baseline, by turns.
    pub rounds: usize,
    /// A round of appends.
    pub append_round: Duration,
    /// Facts of a log that is checked.
    pub checked_facts: usize,
    /// Stock items of a hundred facts that are read.
    pub read_items: usize,
    /// Orders of a read model that somebody reads with SQL.
    pub read_orders: usize,
    /// Products that are searched.
    pub searched_products: usize,
    /// A round of searches.
    pub search_round: Duration,
    /// How long facts are followed.
    pub follow: Duration,
    /// Facts of a log before and after it has grown.
    pub grown_facts: (usize, usize),
    /// Rounds at each of these lengths.
    pub growth_rounds: usize,
    /// How old a transaction is that a row is measured beside.
    pub transaction_age: Duration,
    /// A round of orders; whole seconds, for pgbench knows no others.
    pub orders_round: Duration,
    /// Products, and as many customers.
    pub products: usize,
    /// Orders that are listed.
    pub listed_orders: usize,
    /// Rounds of 100 buyers.
    pub oversell_rounds: usize,
    /// Rows of the file that are imported; none: all of it.
    pub import_rows: Option<usize>,
    /// Facts that are exported.
    pub exported_facts: usize,
    /// How long a server is left alone before its memory is looked at.
    pub idle: Duration,
}

const WHOLE: Scale = Scale {
    rounds: 6,
    append_round: Duration::from_secs(2),
    checked_facts: 1_000_000,
    read_items: 4_000,
    read_orders: 400_000,
    searched_products: 1_000_000,
    search_round: Duration::from_secs(5),
    follow: Duration::from_secs(10),
    grown_facts: (1_000_000, 10_000_000),
    growth_rounds: 3,
    transaction_age: Duration::from_secs(60),
    orders_round: Duration::from_secs(10),
    products: 10_000,
    listed_orders: 4_000,
    oversell_rounds: 200,
    import_rows: None,
    exported_facts: 600_000,
    idle: Duration::from_secs(5),
};

/// Only to see whether everything works: what it measures says nothing.
const QUICK: Scale = Scale {
    rounds: 2,
    append_round: Duration::from_millis(200),
    checked_facts: 20_000,
    read_items: 100,
    read_orders: 4_000,
    searched_products: 20_000,
    search_round: Duration::from_millis(500),
    follow: Duration::from_secs(1),
    grown_facts: (20_000, 60_000),
    growth_rounds: 2,
    transaction_age: Duration::from_millis(500),
    orders_round: Duration::from_secs(1),
    products: 500,
    listed_orders: 200,
    oversell_rounds: 3,
    import_rows: Some(5_000),
    exported_facts: 5_000,
    idle: Duration::from_secs(1),
};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(processes::ARGUMENT), Some(database)) => {
            processes::run(&database).await;
            return ExitCode::SUCCESS;
        }
        (Some(graphql::ARGUMENT), Some(address)) => {
            graphql::hello(&address).await;
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    // `cargo bench` says so to every bench.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (quick, names): (Vec<String>, Vec<String>) =
        arguments.partition(|argument| argument == "--quick");
    if let Some(unknown) = names.iter().find(|name| !ROWS.contains(&name.as_str())) {
        eprintln!("no row is called `{unknown}`; there are {}; `--quick`", ROWS.join(", "));
        return ExitCode::from(2);
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let scale = if quick.is_empty() { WHOLE } else { QUICK };
    let machine = machine::Machine::look().await;
    let rows = measure(scale, wanted).await;
    report::write(&machine, &rows, !quick.is_empty());
    report::print(&machine, &rows);
    ExitCode::SUCCESS
}

async fn measure(scale: Scale, asked: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let wanted = |name: &str| {
        let wanted = asked(name);
        if wanted {
            eprintln!("measuring {name}");
        }
        wanted
    };
    for append in append::ROWS {
        if wanted(append.name) {
            rows.push(append.measure(scale).await);
        }
    }
    if wanted("append_2p") {
        rows.push(processes::measure(scale).await);
    }
    if wanted("hot_stream") {
        rows.push(hot::measure(scale).await);
    }
    if wanted("chain") {
        rows.push(chain::measure(scale).await);
    }
    rows.extend(reading::measure(scale, wanted).await);
    if wanted("readable") {
        rows.push(readable::measure(scale).await);
    }
    rows.extend(live::measure(scale, wanted).await);
    if wanted("history") {
        rows.push(history::measure(scale).await);
    }
    rows.extend(graphql::measure(scale, wanted("point_graphql"), wanted("list_graphql")).await);
    if wanted("check_log") {
        rows.push(check::measure(scale).await);
    }
    for beside in neighbours::ROWS.into_iter().filter(|beside| wanted(beside.name)) {
        match beside.measure(scale).await {
            Some(row) => rows.push(row),
            None => eprintln!("{}: not measured, for pg_dump is not there", beside.name),
        }
    }
    if wanted("memory_idle") {
        rows.push(memory::idle(scale).await);
    }
    let (orders, loaded) = (wanted("orders_http"), wanted("memory_loaded"));
    if orders || loaded {
        let found = orders::measure(scale, orders).await;
        rows.extend(found.into_iter().filter(|row| asked(row.name)));
    }
    if wanted("oversell") {
        rows.push(oversell::measure(scale).await);
    }
    rows.extend(a_year(scale, wanted).await);
    if wanted("export_parquet") {
        rows.push(export::measure(scale).await);
    }
    rows.extend(readers::measure(scale, wanted).await);
    if wanted("growth") {
        rows.push(growth::measure(scale).await);
    }
    if wanted("search_1m") {
        match search::measure(scale).await {
            Some(row) => rows.push(row),
            None => eprintln!("search_1m: not measured, for ../shared/data is not there"),
        }
    }
    rows
}

/// What is measured on a real company's year of trade, if that is there.
async fn a_year(scale: Scale, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if wanted("import") {
        match import::measure(scale).await {
            Some(row) => rows.push(row),
            None => eprintln!("import: not measured, for ../shared/data is not there"),
        }
    }
    if wanted("aggregates") {
        match aggregates::measure(scale).await {
            Some(row) => rows.push(row),
            None => eprintln!("aggregates: not measured, for ../shared/data is not there"),
        }
    }
    let (rebuild, replay) = (wanted("rebuild"), wanted("replay"));
    if rebuild || replay {
        match rebuilding::measure(scale, rebuild, replay).await {
            Some(found) => rows.extend(found),
            None => eprintln!("rebuild, replay: not measured, for ../shared/data is not there"),
        }
    }
    rows
}
