//! Claims about reading a part of the log: filters, ranges, both directions, as of a time.

use events::log::{Log, LogLimits, NewFact, RawFact, Selection};
use events::words::Position;
use futures_util::StreamExt;
use harness::{TestApp, test};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use uuid::Uuid;

use super::{StreamKey, append, everything, fact, first, open, open_with, sql, stream};

const FEATURES: [&str; 3] = ["rooms", "guests", "bills"];
const TYPES: [&str; 4] = ["made", "changed", "closed", "lost"];

/// Facts of two organizations, three features, four types and three tags, mixed; in batches of up
/// to seven.
async fn mixed(log: &Log, count: usize) -> Vec<StreamKey> {
    let streams: Vec<StreamKey> = (0..9)
        .map(|at| StreamKey { organization: Uuid::from_u128(at % 2 + 1), ..stream() })
        .collect();
    let facts: Vec<NewFact> = (0..count)
        .map(|at| NewFact {
            feature: FEATURES[at * 7 / 5 % 3].into(),
            fact_type: TYPES[at * 11 / 3 % 4].into(),
            tags: [format!("tag:{}", at % 3).into()][..at % 2].to_vec(),
            ..fact(streams[at * 13 % 9])
        })
        .collect();
    for (size, at) in (1..=7).cycle().zip(0..).take_while(|(_, at)| at * 4 < count) {
        let batch = facts.iter().skip(at * 4).take(4.min(size)).cloned();
        let rest = facts.iter().skip(at * 4 + 4.min(size)).take(4 - 4.min(size)).cloned();
        for batch in [batch.collect::<Vec<_>>(), rest.collect()] {
            if !batch.is_empty() {
                first(log.append(append(&[], batch)).await);
            }
        }
    }
    streams
}

async fn read(log: &Log, selection: Selection, page: usize) -> Vec<RawFact> {
    let mut pages = Box::pin(log.read(selection, page));
    let mut facts = Vec::new();
    while let Some(read) = pages.next().await {
        let read = read.unwrap();
        assert!((1..=page).contains(&read.len()), "a page of {}", read.len());
        facts.extend(read);
    }
    facts
}

/// What a reader of everything would pick out.
fn picked(all: &[RawFact], tags: &[(i64, String)], of: &Selection) -> Vec<RawFact> {
    let until = of.until.unwrap_or(Position(i64::MAX));
    let tagged = |fact: &RawFact| {
        let has = |tag: &String| tags.contains(&(fact.position.0, tag.clone()));
        of.tag.as_ref().is_none_or(has)
    };
    let mut facts: Vec<RawFact> = all
        .iter()
        .filter(|fact| of.organization.is_none_or(|one| fact.stream.organization == one))
        .filter(|fact| of.features.is_empty() || of.features.contains(&fact.feature))
        .filter(|fact| of.types.is_empty() || of.types.contains(&fact.fact_type))
        .filter(|fact| of.stream.is_none_or(|stream| fact.stream == stream))
        .filter(|fact| tagged(fact) && fact.position > of.after && fact.position <= until)
        .cloned()
        .collect();
    if of.backward {
        facts.reverse();
    }
    facts
}

fn selections(streams: Vec<StreamKey>, count: i64) -> impl Strategy<Value = Selection> {
    let names = |of: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(of).prop_map(str::to_owned), 0..3)
    };
    let place = prop_oneof![
        3 => Just(0),
        1 => Just(1),
        1 => Just(2),
    ];
    let range = (-1..=count + 1, prop::option::of(-1..=count + 3), any::<bool>());
    let which = (prop::option::of(1_u128..=3), prop::sample::select(streams), place, 0..4);
    (names(&FEATURES), names(&TYPES), which, range).prop_map(
        |(features, types, (organization, stream, place, tag), (after, until, backward))| {
            let organization = organization.map(Uuid::from_u128);
            let by_tag = place == 2;
            Selection {
                organization: if by_tag {
                    organization.or(Some(Uuid::from_u128(1)))
                } else {
                    organization
                },
                features,
                types,
                stream: (place == 1).then_some(stream),
                tag: by_tag.then(|| format!("tag:{tag}")),
                after: Position(after),
                until: until.map(Position),
                backward,
            }
        },
    )
}

async fn tags(app: &TestApp) -> Vec<(i64, String)> {
    let rows = sql(app).await.query("select position, tag from log.tags", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn whatever_is_selected_is_what_a_reader_of_everything_would_pick_out() {
    test(async |app| {
        let log = open(app).await;
        let streams = mixed(&log, 300).await;
        let (all, tags) = (everything(&log).await, tags(app).await);
        assert_eq!((all.len(), tags.len()), (300, 150));
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let strategy = (selections(streams, 300), 1_usize..40);
        let mut found = 0;
        for _ in 0..300 {
            let (selection, page) = strategy.new_tree(&mut runner).unwrap().current();
            let facts = read(&log, selection.clone(), page).await;
            found += facts.len();
            assert_eq!(facts, picked(&all, &tags, &selection), "{selection:?} by {page}");
        }
        assert!(found > 3_000, "{found}: the selections find something");
    });
}

/// Waits until so many spans have been noted.
async fn noted(app: &TestApp, spans: i64) {
    let client = sql(app).await;
    for _ in 0..2_000 {
        let count = client.query_one("select count(*) from log.spans", &[]).await.unwrap();
        if count.get::<_, i64>(0) >= spans {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the spans are not noted");
}

#[test]
fn a_few_facts_of_many_are_found_without_reading_the_others() {
    test(async |app| {
        let log = open(app).await;
        let rare = |_| NewFact { fact_type: "thing.lost".into(), ..fact(stream()) };
        for round in 0..25 {
            let facts: Vec<NewFact> = (0..1_000).map(|_| fact(stream())).collect();
            first(log.append(append(&[], facts)).await);
            if round % 10 == 3 {
                first(log.append(append(&[], (0..2).map(rare).collect())).await);
            }
        }
        noted(app, 6).await;
        let selection = Selection { types: vec!["thing.lost".to_owned()], ..Selection::default() };
        let expected: Vec<i64> = vec![4_001, 4_002, 14_003, 14_004, 24_005, 24_006];
        for backward in [false, true] {
            let selection = Selection { backward, ..selection.clone() };
            let facts = read(&log, selection, 500).await;
            let mut positions: Vec<i64> = facts.iter().map(|fact| fact.position.0).collect();
            if backward {
                positions.reverse();
            }
            assert_eq!(positions, expected);
        }
        // A span that says that there is nothing is believed: so the others were not read.
        let client = sql(app).await;
        client
            .execute("update log.spans set types = '{}' where first_position = 1", &[])
            .await
            .unwrap();
        let facts = read(&log, selection, 500).await;
        let positions: Vec<i64> = facts.iter().map(|fact| fact.position.0).collect();
        assert_eq!(positions, expected[2..]);
    });
}

#[test]
fn a_page_has_so_many_bytes_at_most_or_a_single_fact() {
    test(async |app| {
        let log = open_with(app, LogLimits { page_bytes_max: 2_000, ..LogLimits::default() }).await;
        let sizes = [100, 5_000, 900, 900, 900, 10, 3_000, 20];
        let of = |bytes: &usize| NewFact { data: vec![b'1'; *bytes], ..fact(stream()) };
        first(log.append(append(&[], sizes.iter().map(of).collect())).await);
        for backward in [false, true] {
            let selection = Selection { backward, ..Selection::default() };
            let mut pages = Box::pin(log.read(selection, 1_000));
            let mut seen = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.unwrap();
                let but_last: usize = page.iter().rev().skip(1).map(|fact| fact.data.len()).sum();
                assert!(but_last < 2_000, "{but_last}");
                seen.extend(page.iter().map(|fact| fact.data.len()));
            }
            if backward {
                seen.reverse();
            }
            assert_eq!(seen, sizes);
        }
        let page = log.read_all(Position(0), 1_000).await.unwrap();
        assert_eq!(page.len(), 2, "also of everything");
    });
}

#[test]
fn as_of_a_time_is_what_was_recorded_by_then() {
    test(async |app| {
        let log = open(app).await;
        let long_ago = chrono::DateTime::UNIX_EPOCH;
        assert_eq!(log.position_at(long_ago).await.unwrap(), Position(0), "an empty log");
        mixed(&log, 120).await;
        let all = everything(&log).await;
        for fact in &all {
            let at = log.position_at(fact.recorded_at).await.unwrap();
            let by_then = all.iter().filter(|other| other.recorded_at <= fact.recorded_at).count();
            assert_eq!(at, Position(by_then as i64));
            let before = fact.recorded_at - chrono::Duration::microseconds(1);
            let by_then = all.iter().filter(|other| other.recorded_at <= before).count();
            assert_eq!(log.position_at(before).await.unwrap(), Position(by_then as i64));
        }
        let later = all[119].recorded_at + chrono::Duration::days(1);
        assert_eq!(log.position_at(later).await.unwrap(), Position(120));
    });
}

#[test]
fn what_is_appended_after_the_beginning_is_not_read() {
    test(async |app| {
        let log = open(app).await;
        mixed(&log, 40).await;
        let mut pages = Box::pin(log.read(Selection::default(), 10));
        let mut seen = pages.next().await.unwrap().unwrap().len();
        mixed(&log, 40).await;
        while let Some(page) = pages.next().await {
            seen += page.unwrap().len();
        }
        assert_eq!(seen, 40);
    });
}
