//! Claims about what is in an export: what the log has, no more and no less.

use std::fs;

use harness::{Shop, TestApp, test};
use serde_json::json;

use super::*;

async fn trade(app: &TestApp, slug: &str) {
    let shop = Shop::open(&app.administrator(), slug).await;
    let customer = shop.customer("Bolt & Co", json!("1000.00")).await;
    for number in 0..3 {
        let product = shop.product(&format!("A-{number}"), "2.50", 100).await;
        for _ in 0..3 {
            shop.run("placeOrder", Shop::order(&customer, &product, "2")).await;
        }
    }
}

/// Half of the log is of the day before.
async fn yesterday(client: &Client) {
    let shift = "set session_replication_role = replica; \
        update log.events set recorded_at = recorded_at - interval '1 day' where position <= \
            (select last_position from log.batches order by last_position offset 9 limit 1); \
        update log.batches b set recorded_at = e.recorded_at from log.events e \
            where e.position = b.last_position; \
        reset session_replication_role";
    client.batch_execute(shift).await.expect("moving facts in time");
}

#[test]
fn an_export_read_back_by_duckdb_is_the_log_row_by_row() {
    test(async |app| {
        trade(app, "acme").await;
        trade(app, "other").await;
        let (client, place) = (app.database.connect().await, harness::app::scratch());
        yesterday(&client).await;
        let all = logged(&client, "true").await;
        assert!(all.len() > 60, "{} facts", all.len());
        for format in FORMATS {
            let to = place.path().join(format);
            let told = export(&app.database.url, &to, format, &[]);
            assert_eq!(told["facts"], all.len(), "{told}");
            equal(&exported(&to, format), &all);
            let again = export(&app.database.url, &to, format, &[]);
            assert_eq!((&again["facts"], &again["files"]), (&json!(0), &json!(0)), "{again}");
        }
        let folders = fs::read_dir(place.path().join("parquet/type=order.placed")).unwrap();
        assert_eq!(folders.count(), 2, "a folder a day");
    });
}

#[test]
fn only_the_organization_and_the_features_that_were_asked_for_are_exported() {
    test(async |app| {
        trade(app, "acme").await;
        trade(app, "other").await;
        let (client, place) = (app.database.connect().await, harness::app::scratch());
        let acme = events::words::OrganizationId::of_slug("acme").0;
        for format in FORMATS {
            let to = place.path().join(format);
            export(&app.database.url, &to, format, &["--organization", "acme"]);
            let facts = logged(&client, &format!("organization_id = '{acme}'")).await;
            equal(&exported(&to, format), &facts);
            // And nothing else of the others' either: not in any file of it.
            let other = events::words::OrganizationId::of_slug("other").0.to_string();
            let grep = std::process::Command::new("grep").args(["-ra", &other]).arg(&to).output();
            assert_eq!(grep.unwrap().status.code(), Some(1), "the other organization is named");
            let to = place.path().join(format!("{format}-features"));
            let features = ["--feature", "stock", "--feature", "orders"];
            export(&app.database.url, &to, format, &features);
            let facts = logged(&client, "feature in ('orders', 'stock')").await;
            equal(&exported(&to, format), &facts);
        }
        let (url, nowhere) = (&app.database.url, place.path().join("nowhere"));
        let told = refused(url, &nowhere, "ndjson", &["--organization", "nobody"], 2);
        assert!(told.contains("no organization has the slug `nobody`"), "{told}");
        let told = refused(url, &nowhere, "ndjson", &["--feature", "order"], 2);
        assert!(told.contains("no feature `order`; there are organizations"), "{told}");
    });
}

#[test]
fn what_is_appended_later_is_added_and_only_that() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        for format in FORMATS {
            let to = place.path().join(format);
            // An empty log, or what the format before left.
            export(&bare.database.url, &to, format, &[]);
            for more in [50, 1, 23] {
                bare.add(more).await;
                let told = export(&bare.database.url, &to, format, &[]);
                assert_eq!(told["facts"], more, "{told}");
            }
            let all = logged(&bare.client, "true").await;
            equal(&exported(&to, format), &all);
        }
        bare.end().await;
    });
}

#[test]
fn an_empty_log_is_an_empty_export() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        for format in FORMATS {
            let to = place.path().join(format);
            let told = export(&bare.database.url, &to, format, &[]);
            assert_eq!((&told["facts"], &told["position"]), (&json!(0), &json!(0)), "{told}");
            let left: Vec<_> = fs::read_dir(&to).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left, ["export.json"]);
        }
        bare.end().await;
    });
}

#[test]
fn since_bounds_the_first_run_by_position_time_or_day() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(60).await;
        yesterday(&bare.client).await;
        let today = "select (recorded_at at time zone 'UTC')::date::text, \
            to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
            from log.events where position = 31";
        let row = bare.client.query_one(today, &[]).await.unwrap();
        let (day, time): (String, String) = (row.get(0), row.get(1));
        for (name, since, first) in [("position", "17", 18), ("day", &day, 31), ("time", &time, 31)]
        {
            let to = place.path().join(name);
            export(&bare.database.url, &to, "parquet", &["--since", since]);
            let facts = logged(&bare.client, &format!("position >= {first}")).await;
            equal(&exported(&to, "parquet"), &facts);
            bare.add(3).await;
            export(&bare.database.url, &to, "parquet", &["--since", since]);
            export(&bare.database.url, &to, "parquet", &[]);
            let facts = logged(&bare.client, &format!("position >= {first}")).await;
            equal(&exported(&to, "parquet"), &facts);
        }
        bare.end().await;
    });
}

#[test]
fn json_is_written_as_it_is_stored_but_for_breaks_between_its_words() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        let broken = NewFact { data: b"{\n\"a\":\r\n1}".to_vec(), ..thing(0) };
        let append = Append { facts: vec![thing(1), broken], ..Append::default() };
        bare.log.append(append).await.unwrap();
        let to = place.path().join("ndjson");
        export(&bare.database.url, &to, "ndjson", &[]);
        let day = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().path());
        let day = day.into_iter().find(|path| path.is_dir()).unwrap();
        let file = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let stored = String::from_utf8(thing(1).data).unwrap();
        assert!(lines[0].contains(&format!("\"data\":{stored},\"meta\":{{")), "{text}");
        assert!(lines[1].contains("\"data\":{ \"a\":  1},"), "{text}");
        bare.end().await;
    });
}
