//! Claims about whole facts: removed, added, swapped, cut off; with and without their batches.

use events::log::check::Kind;
use events::log::{Head, Log};
use events::words::Position;
use harness::{TestApp, test};

use super::{BATCHES, LAST, Victim, append, batch_of, chain, first, key, open, tiny};

/// Moves what is from this position on; a batch that reaches over it grows or shrinks.
fn moved(from: i64, by: i64) -> String {
    // Two steps, for no two may be at one position even for a moment.
    format!(
        "update log.events set position = -position where position >= {from}; \
         update log.events set position = -position + ({by}) where position < 0; \
         update log.batches set last_position = -last_position where last_position >= {from}; \
         update log.batches set last_position = -last_position + ({by}), first_position = \
            case when first_position >= {from} then first_position + ({by}) \
            else first_position end where last_position < 0;"
    )
}

/// A fact at this position, like the first one.
fn forged(position: i64) -> String {
    format!(
        "insert into log.events select {position}, organization_id, feature, gen_random_uuid(), 1, \
            gen_random_uuid(), type, schema_version, data, meta, \
            (select recorded_at from kept_events \
            order by position > {position}, position desc limit 1) \
            from kept_events where position = 1;"
    )
}

/// A batch for these positions, as good as can be made without the chain.
fn forged_batch(first: i64, last: i64) -> String {
    format!(
        "insert into log.batches select {last}, {first}, recorded_at, sha256('forged') \
         from log.events where position = {last};"
    )
}

#[test]
fn every_removed_fact_is_found_where_it_was() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for position in 1..=LAST {
            victim.run(&format!("delete from log.events where position = {position}")).await;
            let found = victim.wrong("removed").await;
            assert_eq!(found, (position, position, Kind::Missing));
            victim.restore().await;
        }
    });
}

#[test]
fn every_removed_fact_is_found_though_the_others_close_ranks() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for position in 1..LAST {
            let (first, last) = batch_of(position);
            let batch = format!(
                "delete from log.batches where last_position = {position} \
                    and first_position = {position};"
            );
            let fact = format!("delete from log.events where position = {position};");
            let closed = moved(position + 1, -1);
            // The last of several: its batch ends before it now.
            let shrunk = format!(
                "update log.batches set last_position = last_position - 1 \
                 where last_position = {position} and first_position < {position};"
            );
            victim.run(&format!("begin; {batch} {fact} {shrunk} {closed} commit")).await;
            // Where a batch is gone whole, the next one does not continue the one before.
            let place = if first == last {
                let (next_first, next_last) = batch_of(last + 1);
                (next_first - 1, next_last - 1)
            } else {
                (first, last - 1)
            };
            let found = victim.wrong("closed ranks").await;
            assert_eq!(found, (place.0, place.1, Kind::Hash), "without {position}");
            victim.restore().await;
        }
    });
}

#[test]
fn every_removed_batch_is_found_with_and_without_its_facts() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for (first, last) in BATCHES {
            let batch = format!("delete from log.batches where last_position = {last};");
            victim.run(&batch).await;
            // At the end its facts are behind all batches, and the first of them is named.
            let alone = if last == LAST { (first, first) } else { (first, last) };
            victim.wrong_at(alone, "the batch alone").await;
            let facts = format!("delete from log.events where position between {first} and {last}");
            victim.run(&facts).await;
            if last < LAST {
                let found = victim.wrong("batch and facts").await;
                assert_eq!(found, (first, last, Kind::Batches));
            }
            victim.restore().await;
        }
    });
}

#[test]
fn facts_that_are_added_are_found_where_they_are() {
    test(async |app| {
        let victim = Victim::small(app).await;
        let end = LAST + 1;
        victim.run(&forged(end)).await;
        assert_eq!(victim.wrong("at the end").await, (end, end, Kind::Stray));
        victim.run(&forged_batch(end, end)).await;
        assert_eq!(victim.wrong("with a batch").await, (end, end, Kind::Hash));
        victim.restore().await;
        for position in 1..=LAST {
            let (first, last) = batch_of(position);
            let make_room = moved(position, 1);
            let make_room = format!("begin; {make_room} {}", forged(position));
            // Among the facts of a batch, which has one more; before a batch, it is its own.
            let (batch, place) = if first == position {
                (forged_batch(position, position), (position, position))
            } else {
                (String::new(), (first, last + 1))
            };
            victim.run(&format!("{make_room} {batch} commit")).await;
            let found = victim.wrong("in the middle").await;
            assert_eq!(found, (place.0, place.1, Kind::Hash), "at {position}");
            victim.restore().await;
        }
        victim.run(&forged(0)).await;
        assert_eq!(victim.wrong("before the beginning").await, (0, 0, Kind::Stray));
        victim.restore().await;
    });
}

#[test]
fn any_two_facts_that_are_swapped_are_found_at_the_lower_one() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for low in 1..LAST {
            for high in low + 1..=LAST {
                for with_time in [true, false] {
                    let swap = format!(
                        "begin; update log.events set position = -{low} where position = {low}; \
                         update log.events set position = {low} where position = {high}; \
                         update log.events set position = {high} where position = -{low};"
                    );
                    let times = "update log.events as e set recorded_at = k.recorded_at \
                        from kept_events as k where k.position = e.position;";
                    let times = if with_time { times } else { "" };
                    victim.run(&format!("{swap} {times} commit")).await;
                    victim.wrong_at(batch_of(low), &format!("{low} and {high}")).await;
                    victim.restore().await;
                }
            }
        }
    });
}

#[test]
fn a_log_that_was_cut_off_is_found_by_its_batches_or_by_a_noted_head() {
    test(async |app| {
        let victim = Victim::small(app).await;
        for kept in 0..LAST {
            let noted = victim.hash(LAST).await;
            assert_eq!(victim.checked(Some(noted)).await.noted, Some(Position(LAST)));
            let cut = kept + 1;
            victim.run(&format!("delete from log.events where position > {kept}")).await;
            let found = victim.wrong("facts alone").await;
            assert_eq!(found, (cut, LAST, Kind::Missing), "behind {kept}");
            victim.run(&format!("delete from log.batches where last_position > {kept}")).await;
            // In the middle of a batch, that one's facts have none any more.
            let clean = kept == 0 || batch_of(kept).1 == kept;
            if !clean {
                let (first, _) = batch_of(kept);
                assert_eq!(victim.wrong("a part").await, (first, first, Kind::Stray));
                victim.restore().await;
                continue;
            }
            victim.right("nothing is left that could tell").await;
            let bad = victim.checked(Some(noted)).await.bad.expect("the noted head is gone");
            assert_eq!((bad.first, bad.last, bad.kind), (None, None, Kind::CutOff));
            assert!(bad.reason.contains(&noted.to_string()), "{}", bad.reason);
            assert!(bad.reason.contains("cut off"), "{}", bad.reason);
            if kept > 0 {
                let still_there = victim.hash(kept).await;
                let checked = victim.checked(Some(still_there)).await;
                assert_eq!((checked.bad, checked.noted), (None, Some(Position(kept))));
            }
            victim.restore().await;
        }
    });
}

#[test]
fn a_log_that_was_written_anew_is_found_by_a_noted_head_alone() {
    test(async |app| {
        let victim = Victim::small(app).await;
        let noted = [victim.hash(1).await, victim.hash(5).await, victim.hash(LAST).await];
        victim.run("update log.events set data = '{\"n\":2}' where position = 5").await;
        chain::forge(&victim.client).await;
        victim.right("a chain that is forged from there on").await;
        assert_eq!(victim.checked(Some(noted[0])).await.noted, Some(Position(1)));
        for noted in &noted[1..] {
            let bad = victim.checked(Some(*noted)).await.bad.expect("written anew");
            assert_eq!((bad.first, bad.kind), (None, Kind::CutOff));
        }
        victim.restore().await;
    });
}

async fn heads(log: &Log, victim: &Victim) -> Option<Head> {
    let head = log.chain_head().await.expect("the head");
    assert_eq!(victim.checked(None).await.head, head);
    head
}

async fn empty(app: &TestApp) -> (Log, Victim) {
    (open(app).await, Victim::of(app).await)
}

#[test]
fn an_empty_log_is_right_and_has_no_head_and_then_the_head_is_the_last_batch() {
    test(async |app| {
        let (log, victim) = empty(app).await;
        let checked = victim.checked(None).await;
        assert_eq!((checked.facts, checked.bad), (0, None));
        assert_eq!(heads(&log, &victim).await, None);
        for number in 1..=3 {
            first(log.append(append(&[], vec![tiny(key(0), number)])).await);
            let head = heads(&log, &victim).await.expect("a head");
            assert_eq!(head.position, Position(number as i64));
            assert_eq!(head.hash, victim.hash(head.position.0).await);
        }
        assert_eq!(victim.checked(None).await.facts, 3);
        victim.run("delete from log.batches").await;
        assert_eq!(victim.wrong("no batches").await, (1, 1, Kind::Stray));
        victim.run("delete from log.events").await;
        drop(log);
    });
}
