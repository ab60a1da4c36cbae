//! Given states, when commands are decided one after another, then these components.

use std::sync::Arc;

use events::stock::{StockEvent, StockItemId};
use events::words::Quantity;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;

use super::*;
use crate::executor::Prepared;
use crate::executor::naming::{self, Named};
use crate::executor::{CommandError, Outcome, Request};
use crate::rejection::Rejection;
use crate::scenario::{context, organization, registered};
use crate::state::{Need, Needs};
use crate::stock::StockItem;
use crate::{Command, Context};

/// Reads some items and writes to others; refuses, if it writes to none.
#[derive(Debug, Clone, Serialize)]
pub(in crate::executor) struct Touch {
    pub(in crate::executor) reads: Vec<u128>,
    pub(in crate::executor) writes: Vec<u128>,
}

impl Command for Touch {
    const FEATURE: &'static str = "stock";
    const ACTION: &'static str = "touch";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        Uuid::from_u128(self.writes.first().copied().unwrap_or_default())
    }

    fn needs(&self, _: &Context, known: &States, needs: &mut Needs) {
        for id in self.reads.iter().chain(&self.writes) {
            needs.name::<StockItem>(Uuid::from_u128(*id));
            // One that is open leads to the next one.
            let item = known.known::<StockItem>(Uuid::from_u128(*id));
            if item.is_some_and(|item| item.open) {
                needs.name::<StockItem>(Uuid::from_u128(*id + 100));
            }
        }
    }

    fn decide(&self, _: &Context, _: &States) -> Result<Decision, Rejection> {
        let mut decision = Decision::default();
        for id in &self.writes {
            let received = StockEvent::Received { quantity: "1".parse::<Quantity>().unwrap() };
            decision.push(StockItemId(Uuid::from_u128(*id)), received);
        }
        let nothing = || Rejection::wrong_state("it writes nothing");
        if decision.facts.is_empty() { Err(nothing()) } else { Ok(decision) }
    }
}

pub(in crate::executor) fn touch(reads: &[u128], writes: &[u128]) -> Touch {
    Touch { reads: reads.to_vec(), writes: writes.to_vec() }
}

pub(in crate::executor) fn stream(id: u128) -> StreamKey {
    StreamKey { organization: organization().0, id: Uuid::from_u128(id) }
}

type Answered = oneshot::Receiver<Result<Outcome, CommandError>>;

/// A command that waits, and where its answer comes.
pub(in crate::executor) fn job(command: Touch, key: Option<&str>) -> (Job, Answered) {
    let request = Request {
        command,
        context: context(),
        key: key.map(str::to_owned),
        expected_version: None,
        correlation: Uuid::nil(),
    };
    let (answer, answered) = oneshot::channel();
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    (Job::new(Box::new(Prepared::from(request)), answer, place), answered)
}

/// The state of a stream after so many facts: of the organization, or of an item.
pub(in crate::executor) fn entry(need: &Need, version: i64) -> Entry {
    let mut entry = need.fresh();
    if need.key.id == organization().0 {
        entry.apply(&registered().1, Uuid::nil());
        return entry;
    }
    for _ in 0..version {
        let received = StockEvent::Received { quantity: "1".parse().unwrap() };
        entry.apply(&received.into(), Uuid::nil());
    }
    entry
}

/// A round in which these were decided, each item at version 3 and written by nobody in flight,
/// but for one by the append with ticket 7.
fn decided(commands: &[Touch]) -> Round {
    let mut round = Round::default();
    for command in commands {
        decide(&mut round, job(command.clone(), None).0);
    }
    round
}

const AHEAD: u128 = 9;

fn decide(round: &mut Round, job: Job) {
    let find = |need: &Need| {
        let ticket = if need.key == stream(AHEAD) { 7 } else { 0 };
        let decided = round.state(&need.key).cloned();
        let mut fresh = entry(need, 3);
        fresh.ticket = ticket;
        Some(decided.unwrap_or(fresh))
    };
    let Named { states, lacking, .. } = naming::states(&job, find);
    assert!(lacking.is_empty());
    round.decide(job, states);
}

/// Of a component: how many commands, the items expected with their versions, the facts'.
type Seen = (usize, Vec<(u128, i64)>, Vec<u128>);

fn seen(round: Round) -> Vec<Seen> {
    let item = |key: &StreamKey| key.id.as_u128();
    let components = round.components().into_iter().map(|component| {
        let organization = organization().0.as_u128();
        let expected = component.append.expected.iter().map(|(key, expected)| match expected {
            Expected::Exact(version) => (item(key), *version),
            other => panic!("{other:?}"),
        });
        let mut expected: Vec<_> = expected.filter(|(id, _)| *id != organization).collect();
        expected.sort_unstable();
        let facts = component.append.facts.iter().map(|fact| item(&fact.stream)).collect();
        (component.decided.len(), expected, facts)
    });
    components.collect()
}

#[test]
fn commands_that_share_nothing_that_is_written_are_appended_apart() {
    let round = decided(&[touch(&[5], &[1]), touch(&[5], &[2]), touch(&[5], &[])]);
    let apart = [
        (1, vec![(1, 3), (5, 3)], vec![1]),
        (1, vec![(2, 3), (5, 3)], vec![2]),
        (1, vec![(5, 3)], vec![]),
    ];
    assert_eq!(seen(round), apart);
}

#[test]
fn who_reads_or_writes_what_another_writes_is_appended_with_it_in_order() {
    let together = [(3, vec![(1, 3), (2, 3)], vec![1, 2, 1])];
    let [one, two, three] = [touch(&[], &[1]), touch(&[1], &[2]), touch(&[2], &[1])];
    assert_eq!(seen(decided(&[one, two, three])), together);
    // Whoever read it before too.
    let (reader, writer) = (touch(&[1], &[2]), touch(&[], &[1]));
    assert_eq!(seen(decided(&[reader, writer])), [(2, vec![(1, 3), (2, 3)], vec![2, 1])]);
    // And a refusal that rests on it.
    let (writer, refused) = (touch(&[], &[1]), touch(&[1], &[]));
    assert_eq!(seen(decided(&[writer, refused])), [(2, vec![(1, 3)], vec![1])]);
}

#[test]
fn what_a_round_in_flight_left_is_rested_on() {
    let mut components = decided(&[touch(&[AHEAD], &[1]), touch(&[], &[2])]).components();
    assert_eq!(components.remove(0).append.rests_on, [7]);
    assert!(components.remove(0).append.rests_on.is_empty());
    let [component] = &decided(&[touch(&[], &[AHEAD]), touch(&[AHEAD], &[])]).components()[..]
    else {
        panic!("not one");
    };
    assert_eq!(component.append.rests_on, [7], "once, of whoever writes it too");
}

#[test]
fn the_key_of_a_refusal_is_looked_at_too() {
    let mut round = Round::default();
    let (keyed, _answered) = job(touch(&[1], &[]), Some("k"));
    let key = keyed.work.key().unwrap();
    decide(&mut round, keyed);
    assert!(round.has_key(key));
    let components = round.components();
    assert_eq!(components[0].append.keys, [key]);
    assert!(components[0].append.facts.is_empty());
}

#[test]
fn a_round_ends_at_each_of_its_limits_and_takes_one_command_whatever_they_are() {
    let one = || job(touch(&[], &[1]), None).0;
    let limits = ExecutorLimits::default();
    let small = [
        ExecutorLimits { round_commands_max: 1, ..limits.clone() },
        ExecutorLimits { round_facts_max: 1, ..limits.clone() },
        ExecutorLimits { round_streams_max: 2, ..limits.clone() },
        ExecutorLimits { round_bytes_max: 1, ..limits.clone() },
    ];
    let round = decided(&[touch(&[], &[1])]);
    for small in small {
        assert!(Round::default().has_room_for(&one(), &small), "{small:?}");
        assert!(!round.has_room_for(&one(), &small), "{small:?}");
    }
    assert!(round.has_room_for(&one(), &limits));
}

#[test]
fn who_is_to_be_alone_is_alone() {
    let limits = ExecutorLimits::default();
    let alone = || Job { alone: true, ..job(touch(&[], &[1]), None).0 };
    assert!(!decided(&[touch(&[], &[2])]).has_room_for(&alone(), &limits));
    let mut round = Round::default();
    assert!(round.has_room_for(&alone(), &limits));
    decide(&mut round, alone());
    assert!(!round.has_room_for(&job(touch(&[], &[2]), None).0, &limits));
}
