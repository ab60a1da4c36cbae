//! Given what is kept and what the lock shows, when a turn is decided, then what is written and who
//! has to come again.

use std::collections::HashSet;

use chrono::DateTime;
use events::Event;
use events::log::RawFact;
use events::stock::StockEvent;
use events::words::Position;
use uuid::Uuid;

use super::*;
use crate::executor::round::tests::{Touch, entry, job, stream, touch};

/// A fact as the log shows it.
fn raw(id: u128, version: i64, event: StockEvent) -> RawFact {
    let event = Event::from(event);
    RawFact {
        position: Position(version),
        stream: stream(id),
        feature: event.feature().to_owned(),
        version,
        event_id: Uuid::nil(),
        fact_type: event.fact_type().name.to_owned(),
        schema_version: event.fact_type().schema_version,
        data: event.encode(),
        meta: format!(
            r#"{{"actor":"administrator","command":"stock.touch","correlation":"{}"}}"#,
            Uuid::nil()
        )
        .into_bytes(),
        recorded_at: DateTime::UNIX_EPOCH,
    }
}

fn received() -> StockEvent {
    StockEvent::Received { quantity: "1".parse().unwrap() }
}

fn opened() -> StockEvent {
    StockEvent::Opened {
        product_id: crate::scenario::PRODUCT,
        warehouse_id: events::warehouses::WarehouseId(Uuid::nil()),
        unit: events::words::Unit("piece".to_owned()),
    }
}

/// A turn of these commands, each item kept at version 2; what the lock shows is given.
fn turn(jobs: Vec<Job>, limits: &ExecutorLimits, shown: &[RawFact]) -> (Seat, Vec<Append>) {
    let mut bases = Bases::default();
    let unknown = name(&jobs, &mut bases, |need| Some(entry(need, 2)));
    assert!(unknown.is_empty(), "all of it is kept");
    let mut seat = Seat { jobs, components: Vec::new() };
    let mut tickets = 10..;
    let appends = seat.decide(bases, shown, limits, || tickets.next().unwrap());
    (seat, appends)
}

fn jobs(commands: &[Touch]) -> Vec<Job> {
    commands.iter().map(|command| job(command.clone(), None).0).collect()
}

fn versions(append: &Append) -> Vec<(u128, events::log::Expected)> {
    let items = append.expected.iter().filter(|(key, _)| key.id.as_u128() < 1_000);
    items.map(|(key, expected)| (key.id.as_u128(), *expected)).collect()
}

#[test]
fn it_is_decided_on_what_the_lock_shows() {
    let shown = [raw(1, 3, received()), raw(1, 4, received())];
    let commands = jobs(&[touch(&[], &[1]), touch(&[], &[1]), touch(&[], &[2])]);
    let (seat, appends) = turn(commands, &ExecutorLimits::default(), &shown);
    assert!(seat.jobs.is_empty());
    assert_eq!(versions(&appends[0]), [(1, events::log::Expected::Exact(4))]);
    assert_eq!(versions(&appends[1]), [(2, events::log::Expected::Exact(2))]);
    assert_eq!(appends.iter().map(|append| append.facts.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(appends.iter().map(|append| append.ticket).collect::<Vec<_>>(), [10, 11]);
    let tickets: Vec<u64> = seat.components.iter().map(|component| component.ticket).collect();
    assert_eq!(tickets, [10, 11], "so that the answers find them");
}

/// The item was opened meanwhile, and that leads to another one, which the lock did not show.
#[test]
fn who_names_more_by_now_comes_again_and_is_not_lost() {
    let shown = [raw(1, 3, opened())];
    let commands = jobs(&[touch(&[], &[1]), touch(&[], &[2])]);
    let (seat, appends) = turn(commands, &ExecutorLimits::default(), &shown);
    assert_eq!((seat.jobs.len(), appends.len()), (1, 1));
    assert_eq!(versions(&appends[0]), [(2, events::log::Expected::Exact(2))]);
}

#[test]
fn who_finds_no_room_comes_again_in_order() {
    let limits = ExecutorLimits { round_commands_max: 2, ..ExecutorLimits::default() };
    let commands = jobs(&[touch(&[], &[1]), touch(&[], &[2]), touch(&[], &[3]), touch(&[], &[4])]);
    let (seat, appends) = turn(commands, &limits, &[]);
    assert_eq!((seat.jobs.len(), appends.len()), (2, 2));
    let records = |append: &Append| append.facts[0].stream;
    assert_eq!(appends.iter().map(records).collect::<Vec<_>>(), [stream(1), stream(2)]);
}

#[test]
fn the_same_key_is_decided_once_a_turn() {
    let (one, _one) = job(touch(&[], &[1]), Some("k"));
    let (again, _again) = job(touch(&[], &[1]), Some("k"));
    let (other, _other) = job(touch(&[], &[1]), Some("l"));
    let (seat, appends) = turn(vec![one, again, other], &ExecutorLimits::default(), &[]);
    assert_eq!((seat.jobs.len(), appends.len()), (1, 1));
    assert_eq!(appends[0].keys.len(), 2);
}

/// What is not kept is read before the lock is taken, not under it.
#[test]
fn what_nobody_has_kept_is_unknown_once() {
    let commands = jobs(&[touch(&[1, 2], &[3]), touch(&[1], &[4])]);
    let mut bases = Bases::default();
    let kept = |need: &Need| (need.key != stream(1)).then(|| entry(need, 2));
    let unknown = name(&commands, &mut bases, kept);
    let unknown: Vec<_> = unknown.iter().map(|(need, base)| (need.key, base.version)).collect();
    assert_eq!(unknown, [(stream(1), 0)]);
    let named: HashSet<u128> = bases.keys().map(|key| key.id.as_u128()).collect();
    assert!([1, 2, 3, 4].iter().all(|id| named.contains(id)), "{named:?}");
    assert!(name(&commands, &mut bases, |_| None).is_empty(), "all of them are named already");
}
