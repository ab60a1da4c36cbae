//! Claims about what a right chain does not tell: versions and times that were wrong when they
//! were chained.

use events::log::check::Kind;
use harness::test;

use super::{LAST, Victim, batch_of, chain};

#[test]
fn versions_that_were_chained_wrong_are_found_at_the_fact() {
    test(async |app| {
        let victim = Victim::small(app).await;
        let versions = "select position, version from log.events order by position";
        let rows = victim.client.query(versions, &[]).await.expect("the versions");
        for row in &rows {
            let (position, version): (i64, i64) = (row.get(0), row.get(1));
            for wrong in [version + 7, 0, -1, i64::MAX, i64::MIN] {
                let change = "update log.events set version = $1 where position = $2";
                victim.client.execute(change, &[&wrong, &position]).await.expect("a version");
                chain::forge(&victim.client).await;
                let found = victim.wrong("a version").await;
                assert_eq!(found, (position, position, Kind::Version), "{version}, now {wrong}");
                victim.restore().await;
            }
        }
        assert_eq!(rows.len() as i64, LAST);
    });
}

/// In a range, over ranges, and within a batch: the sizes of ranges change from check to check.
#[test]
fn versions_that_do_not_rise_with_the_position_are_found_at_the_first_one() {
    test(async |app| {
        let victim = Victim::small(app).await;
        // Of one stream each: where version 1 is, and where version 2.
        for (low, high) in [(1, 2), (3, 5), (4, 7)] {
            for turn in 0..2 * LAST {
                let swap = format!(
                    "begin; update log.events set version = 100 where position = {low}; \
                     update log.events set version = 1 where position = {high}; \
                     update log.events set version = 2 where position = {low}; commit"
                );
                victim.run(&swap).await;
                chain::forge(&victim.client).await;
                let found = victim.wrong("versions").await;
                assert_eq!(found, (low, low, Kind::Version), "{low} and {high}, turn {turn}");
                victim.restore().await;
            }
        }
    });
}

#[test]
fn a_time_before_the_last_one_is_found_though_it_was_chained_so() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for position in 2..=LAST {
            let (first, last) = batch_of(position);
            if first == 1 {
                continue;
            }
            for table in [
                "events set recorded_at = $1 where position",
                "batches set recorded_at = \
                $1 where last_position",
            ] {
                let change = format!("update log.{table} between {first} and {last}")
                    .replace("$1", "recorded_at - interval '1 day'");
                victim.run(&change).await;
            }
            chain::forge(&victim.client).await;
            assert_eq!(victim.wrong("a time").await, (first, last, Kind::Time));
            victim.restore().await;
        }
    });
}
