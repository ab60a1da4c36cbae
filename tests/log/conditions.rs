//! Claims about conditions across streams: no fact of these types with this tag since a position.

use std::sync::atomic::{AtomicUsize, Ordering};

use events::log::{Answer, Append, Condition, Expected, Log, NewFact};
use events::words::Position;
use futures_util::StreamExt;
use futures_util::future::join_all;
use harness::test;
use uuid::Uuid;

use super::{append, everything, fact, first, in_one_batch, open, stream};

const TAG: &str = "room:12";

/// A fact of an organization, of a type, with a tag, in a stream of its own.
fn tagged(organization: Uuid, fact_type: &'static str, tag: &'static str) -> NewFact {
    let stream = super::StreamKey { organization, ..stream() };
    NewFact { fact_type: fact_type.into(), tags: vec![tag.into()], ..fact(stream) }
}

fn none_since(organization: Uuid, types: &[&'static str], since: Position) -> Condition {
    let types = types.iter().map(|&of| of.into()).collect();
    Condition { organization, tag: TAG.into(), types, since }
}

fn under(condition: Condition, fact: NewFact) -> Append {
    Append { conditions: vec![condition], ..append(&[], vec![fact]) }
}

#[test]
fn a_fact_of_these_types_with_this_tag_since_then_refuses_the_append() {
    test(async |app| {
        let (log, here, there) = (open(app).await, Uuid::from_u128(1), Uuid::from_u128(2));
        let booked = || tagged(here, "room.booked", TAG);
        let seen = first(log.append(append(&[], vec![booked()])).await);
        let ask = async |types: &[&'static str], since| {
            log.append(under(none_since(here, types, since), booked())).await.unwrap()
        };
        // Another type, another tag, another organization: none of the condition's business.
        for other in [
            tagged(here, "room.cleaned", TAG),
            tagged(here, "room.booked", "room:13"),
            tagged(there, "room.booked", TAG),
            fact(stream()),
        ] {
            first(log.append(append(&[], vec![other])).await);
        }
        let types = ["room.booked", "room.left"];
        let refused = Answer::Excluded { condition: 0, position: seen };
        assert_eq!(ask(&types, Position(0)).await, refused);
        assert_eq!(everything(&log).await.len(), 5, "nothing was appended");
        let second = ask(&types, seen).await;
        assert!(matches!(second, Answer::Appended { first: Position(6), .. }), "{second:?}");
        let refused = Answer::Excluded { condition: 0, position: Position(6) };
        assert_eq!(ask(&types, seen).await, refused, "the first after the position");
        assert_eq!(
            ask(&["room.cleaned"], Position(2)).await,
            Answer::Appended {
                first: Position(7),
                recorded_at: everything(&log).await[6].recorded_at,
            }
        );
    });
}

#[test]
fn the_first_condition_that_does_not_hold_is_named_and_a_mere_check_can_be_refused() {
    test(async |app| {
        let (log, here) = (open(app).await, Uuid::from_u128(1));
        first(log.append(append(&[], vec![tagged(here, "room.booked", TAG)])).await);
        let conditions = vec![
            none_since(here, &["room.left"], Position(0)),
            none_since(here, &["room.booked"], Position(0)),
        ];
        let check = Append { conditions, ..Append::default() };
        let refused = Answer::Excluded { condition: 1, position: Position(1) };
        assert_eq!(log.append(check.clone()).await.unwrap(), refused);
        let held = Append { conditions: check.conditions[..1].to_vec(), ..Append::default() };
        assert!(matches!(log.append(held).await, Ok(Answer::Appended { .. })));
    });
}

#[test]
fn of_two_in_one_batch_the_second_sees_the_first() {
    test(async |app| {
        let (log, here) = (open(app).await, Uuid::from_u128(1));
        let book = || {
            under(none_since(here, &["room.booked"], Position(0)), tagged(here, "room.booked", TAG))
        };
        let plain = append(&[], vec![fact(stream())]);
        let answers = in_one_batch(app, &log, vec![plain, book(), book()]).await;
        let position = match answers[1] {
            Ok(Answer::Appended { first, .. }) => first,
            ref other => panic!("{other:?}"),
        };
        assert_eq!(answers[2].as_ref().unwrap(), &Answer::Excluded { condition: 0, position });
    });
}

/// Books by what it has read, again and again, until so many are booked.
async fn book(log: Log, organization: Uuid, rooms: usize, booked: &AtomicUsize) {
    let selection = || events::log::Selection {
        organization: Some(organization),
        tag: Some(TAG.to_owned()),
        ..Default::default()
    };
    loop {
        let pages: Vec<_> = log.read(selection(), 7).collect().await;
        let facts: Vec<_> = pages.into_iter().flat_map(Result::unwrap).collect();
        if facts.len() >= rooms {
            return;
        }
        let since = facts.last().map_or(Position(0), |fact| fact.position);
        let condition = none_since(organization, &["room.booked"], since);
        let answer = log.append(under(condition, tagged(organization, "room.booked", TAG))).await;
        match answer.unwrap() {
            Answer::Appended { .. } => drop(booked.fetch_add(1, Ordering::Relaxed)),
            Answer::Excluded { position, .. } => assert!(position > since),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn many_processes_that_decide_on_a_tag_never_exceed_what_they_agreed_on() {
    test(async |app| {
        let logs = [open(app).await, open(app).await, open(app).await];
        let (organization, booked) = (Uuid::from_u128(1), AtomicUsize::new(0));
        let noise = async {
            for _ in 0..100 {
                let other = stream();
                first(logs[0].append(append(&[(other, Expected::Any)], vec![fact(other)])).await);
            }
        };
        let bookers = (0..12).map(|at| book(logs[at % 3].clone(), organization, 25, &booked));
        tokio::join!(join_all(bookers), noise);
        assert_eq!(booked.into_inner(), 25);
        let facts = everything(&logs[0]).await;
        super::whole(&facts);
        assert_eq!(facts.iter().filter(|fact| fact.fact_type == "room.booked").count(), 25);
    });
}
