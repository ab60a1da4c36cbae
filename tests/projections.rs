//! Claims about read models: what a new version of one does to a database that an older program
//! has filled. Not what their rows say: that is compared in `folds` and `contracts`.

use harness::{TestApp, TestDatabase, root, schema_of, test_after};
use serde_json::json;

use crate::contracts::frozen::{frozen, insert, insert_keys};

/// What a program of the first step left, its orders in version 1; and a view of somebody's on it.
pub(crate) async fn first_step(database: &TestDatabase) {
    let client = database.connect().await;
    let undo = format!(
        "drop view read.orders, read.order_lines; drop schema {} cascade; \
         delete from projections.builds where name = 'orders'",
        schema_of("orders")
    );
    client.batch_execute(&undo).await.expect("without orders");
    let left = root().join("tests/fixtures/orders_v1.sql");
    let left = std::fs::read_to_string(left).expect("what version 1 left");
    client.batch_execute(&left).await.expect("orders in version 1");
    let report = "create view public.report as select * from read.orders where net > 5";
    client.batch_execute(report).await.expect("somebody's report");
    insert(database, &frozen("step-1")).await;
}

async fn columns(app: &TestApp, view: &str) -> Vec<String> {
    let query = "select array(select column_name::text from information_schema.columns \
        where table_schema || '.' || table_name = $1 order by ordinal_position)";
    app.database.connect().await.query_one(query, &[&view]).await.expect("columns").get(0)
}

#[test]
fn a_view_keeps_its_columns_in_their_places_and_what_stands_on_it() {
    test_after(first_step, async |app| {
        app.settled().await;
        let before = columns(app, "public.report").await;
        assert_eq!(before.last().map(String::as_str), Some("changed_at"));
        let mut expected = before.clone();
        expected.push("credited".to_owned());
        assert_eq!(columns(app, "read.orders").await, expected);

        let client = app.database.connect().await;
        let query = "select (select count(*) from read.orders), count(*), \
            bool_and(customer_name <> 'Nobody') from report";
        let row = client.query_one(query, &[]).await.expect("the report");
        assert_eq!((row.get(0), row.get(1), row.get(2)), (3_i64, 2_i64, true));
        let query = "select col_description('read.orders'::regclass, $1)";
        let place = i32::try_from(expected.len()).expect("a column's place");
        let comment: String = client.query_one(query, &[&place]).await.expect("a comment").get(0);
        assert_eq!(comment, "What credit notes gave back of its net.");

        let query = "{ orders(filter: { status: { eq: CANCELLED } }) { nodes { net credited } } }";
        let shown = app.administrator().within("acme").ask(query, json!({})).await;
        assert_eq!(shown["orders"]["nodes"], json!([{ "net": "7.04", "credited": "0" }]));
    });
}

/// What a program left that knew no warehouses.
async fn without_warehouses(database: &TestDatabase) {
    let client = database.connect().await;
    let undo = format!(
        "drop view read.warehouses; drop schema {} cascade; \
         delete from projections.builds where name = 'warehouses'",
        schema_of("warehouses")
    );
    client.batch_execute(&undo).await.expect("without warehouses");
    insert_keys(database, "step-5").await;
    insert(database, &frozen("step-5")).await;
}

#[test]
fn a_new_read_model_of_an_old_log_is_shown_once_it_is_built() {
    test_after(without_warehouses, async |app| {
        let acme = app.administrator().within("acme");
        let query = "{ warehouses { nodes { code } } }";
        let began = std::time::Instant::now();
        let built = loop {
            let (_, _, body) = acme.post(query, json!({})).await;
            if body.get("errors").is_none() {
                break body["data"]["warehouses"]["nodes"].as_array().map(Vec::len);
            }
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{body}");
            assert!(error["message"].as_str().is_some_and(|m| m.contains("being built")), "{body}");
            assert!(began.elapsed() < std::time::Duration::from_secs(30), "it is not built");
        };
        let opened = "select count(*) from log.facts where type = 'warehouse.opened' \
            and organization_id = (select organization_id from read.organizations \
            where slug = 'acme')";
        let client = app.database.connect().await;
        let opened: i64 = client.query_one(opened, &[]).await.expect("facts").get(0);
        assert!(opened > 0);
        assert_eq!(built.map(|count| count as i64), Some(opened), "never half of them");
    });
}
