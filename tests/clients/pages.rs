//! Claims about the pages in a real browser: Chromium shows what happens, and has nothing to
//! complain of.

use gateway::config::Config;
use harness::{node, test, test_with};
use serde_json::json;

use super::traded;

#[test]
fn chromium_sees_orders_arrive_on_the_live_page_and_none_is_missed() {
    let mut config = Config::default();
    // The page is away for some changes, and for too many to be told one by one.
    config.queries.live_resume_records_max = 10;
    test_with(config, async |app| {
        traded(app).await;
        let lines = node::lines(app, "live.mjs", true).await;
        assert_eq!(lines, [json!({ "complaints": [] })]);
    });
}

#[test]
fn chromium_runs_the_examples_of_graphiql() {
    test(async |app| {
        traded(app).await;
        // That nobody is known without a token is told by the status, and Chromium complains of it.
        let lines = node::lines(app, "graphiql.mjs", true).await;
        let refused = "Failed to load resource: the server responded with a status of 401";
        let complaints = lines[0]["complaints"].as_array().expect("a list").iter();
        let others = complaints.filter(|one| !one.as_str().is_some_and(|c| c.starts_with(refused)));
        assert_eq!(others.count(), 0, "{lines:?}");
    });
}
