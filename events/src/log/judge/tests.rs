//! The verdicts, beside those of a log that is a list.

use proptest::prelude::*;

use super::super::StreamKey;
use super::*;
use crate::log::NewFact;

const STREAMS: u128 = 4;
const KEYS: u128 = 6;

fn stream(id: u128) -> StreamKey {
    StreamKey { organization: Uuid::nil(), id: Uuid::from_u128(id) }
}

fn fact(stream: StreamKey, event_id: u128) -> NewFact {
    NewFact {
        stream,
        feature: "things".into(),
        fact_type: "thing.happened".into(),
        schema_version: 1,
        event_id: Uuid::from_u128(event_id),
        data: Vec::new(),
        meta: event_id.to_be_bytes().to_vec(),
        tags: Vec::new(),
    }
}

fn earlier(fact: &NewFact, position: i64, version: i64) -> Earlier {
    let NewFact { event_id, stream, meta, .. } = fact.clone();
    let recorded_at = DateTime::UNIX_EPOCH;
    Earlier { event_id, position: Position(position), stream, version, meta, recorded_at }
}

/// The whole log, as simply as it can be thought of: a list.
#[derive(Clone, Default)]
struct Model(Vec<NewFact>);

impl Model {
    fn version(&self, stream: StreamKey) -> i64 {
        self.0.iter().filter(|fact| fact.stream == stream).count() as i64
    }

    fn tail(&self) -> Tail {
        let facts = self.0.iter().zip(1..);
        let at = |position: usize| Self(self.0[..position].to_vec());
        let taken = facts.map(|(fact, position)| {
            let version = at(position).version(fact.stream);
            (fact.event_id, earlier(fact, position as i64, version))
        });
        Tail {
            position: Position(self.0.len() as i64),
            last: self.0.last().map(|fact| fact.event_id),
            versions: (0..STREAMS).map(|id| (stream(id), self.version(stream(id)))).collect(),
            taken: taken.collect(),
            excluded: HashMap::new(),
        }
    }

    fn append(&mut self, append: &Append) -> Answer {
        let position = |key: &Uuid| self.0.iter().position(|fact| fact.event_id == *key);
        if let Some(taken) = append.keys.iter().find_map(position) {
            let before = Self(self.0[..=taken].to_vec());
            let version = before.version(self.0[taken].stream);
            return Answer::Repeated(earlier(&self.0[taken], taken as i64 + 1, version));
        }
        for &(stream, expected) in &append.expected {
            let actual = self.version(stream);
            let right = match expected {
                Expected::Exact(version) => version,
                Expected::None => 0,
                Expected::Any => actual,
            };
            if right != actual {
                return Answer::Conflict { stream, expected, actual };
            }
        }
        let first = Position(self.0.len() as i64 + 1);
        self.0.extend(append.facts.iter().cloned());
        Answer::Appended { first, recorded_at: DateTime::UNIX_EPOCH }
    }
}

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        4 => (0_i64..4).prop_map(Expected::Exact),
        1 => Just(Expected::None),
        2 => Just(Expected::Any),
    ]
}

/// Appends whose ids are unique, but for those that are keys.
fn appends(from: u128) -> impl Strategy<Value = Vec<Append>> {
    let versions = prop::collection::vec((0..STREAMS, expected()), 0..3);
    let facts = prop::collection::vec(0..STREAMS, 0..4);
    let one = (versions, facts, prop::option::of(0..KEYS));
    prop::collection::vec(one, 0..12).prop_map(move |appends| {
        let append = |(index, (versions, facts, key)): (usize, (Vec<_>, Vec<_>, Option<u128>))| {
            let id = |offset: usize| from + index as u128 * 10 + offset as u128;
            let facts = facts.into_iter().enumerate().map(|(offset, on)| {
                fact(stream(on), key.filter(|_| offset == 0).unwrap_or(id(offset)))
            });
            Append {
                expected: versions.into_iter().map(|(on, what)| (stream(on), what)).collect(),
                keys: key.map(Uuid::from_u128).into_iter().collect(),
                facts: facts.collect(),
                ..Append::default()
            }
        };
        appends.into_iter().enumerate().map(append).collect()
    })
}

proptest! {
    /// Batch for batch, the verdict is that of somebody who appends to a list, one by one.
    #[test]
    fn the_verdict_is_that_of_a_naive_log(
        before in appends(1_000), batch in appends(2_000), after in appends(3_000),
    ) {
        let mut model = Model::default();
        for batch in [before, batch, after] {
            let (tail, base) = (model.tail(), model.0.len());
            let batch_refs: Vec<&Append> = batch.iter().collect();
            let (left, verdict) = judge(tail, &batch_refs, &mut Tickets::new(8));
            let answers: Vec<Answer> = batch.iter().map(|one| model.append(one)).collect();
            let accepted: Vec<(Uuid, i64)> = verdict.accepted.iter()
                .map(|&(append, fact, version)| (batch[append].facts[fact].event_id, version))
                .collect();
            let judged: Vec<Answer> = verdict.answers_at(DateTime::UNIX_EPOCH).collect();
            prop_assert_eq!(judged, answers);
            prop_assert_eq!(left.position, model.tail().position);
            prop_assert_eq!(left.last, model.tail().last);
            let appended: Vec<(Uuid, i64)> = (base..model.0.len())
                .map(|at| {
                    let version = Model(model.0[..=at].to_vec()).version(model.0[at].stream);
                    (model.0[at].event_id, version)
                })
                .collect();
            prop_assert_eq!(accepted, appended);
            let versions = model.tail().versions;
            prop_assert!(versions.iter().all(|(key, version)| left.versions[key] == *version));
        }
    }

    /// Positions follow each other without gaps, through every accepted append.
    #[test]
    fn accepted_positions_are_contiguous(batch in appends(0x1000)) {
        let mut next = Model::default().tail().position.0 + 1;
        let appends: Vec<&Append> = batch.iter().collect();
        let tail = Model::default().tail();
        let (_, verdict) = judge(tail, &appends, &mut Tickets::new(8));
        for (append, answer) in batch.iter().zip(&verdict.answers) {
            if let Answer::Appended { first, .. } = answer {
                prop_assert_eq!(first.0, next);
                next += append.facts.len() as i64;
            }
        }
        prop_assert_eq!(verdict.accepted.len() as i64, next - 1);
    }
}

fn two() -> Append {
    let facts = vec![fact(stream(0), 7), fact(stream(1), 8)];
    Append { keys: vec![Uuid::from_u128(7)], facts, ..Append::default() }
}

fn tail(log: &[NewFact]) -> Tail {
    Model(log.to_vec()).tail()
}

#[test]
fn an_append_that_is_in_the_log_whole_was_ours() {
    let other = fact(stream(0), 3);
    let log = [vec![other.clone()], two().facts, vec![other]].concat();
    let first = Position(2);
    let answer = Answer::Appended { first, recorded_at: DateTime::UNIX_EPOCH };
    assert_eq!(ours(&tail(&log), &two()), Some(answer));
}

#[test]
fn an_append_whose_key_somebody_else_took_was_not_ours() {
    let foreign = NewFact { meta: b"another request".to_vec(), ..fact(stream(0), 7) };
    let logs = [vec![], vec![foreign.clone()], vec![foreign, fact(stream(1), 8)]];
    for log in logs {
        assert_eq!(ours(&tail(&log), &two()), None, "{log:?}");
    }
    assert_eq!(ours(&tail(&[fact(stream(0), 7)]), &two()), None, "a part of it");
    let apart = [fact(stream(0), 7), fact(stream(2), 1), fact(stream(1), 8)];
    assert_eq!(ours(&tail(&apart), &two()), None, "not behind each other");
}

/// The version that it expects is there, but by somebody else's facts.
#[test]
fn what_rests_on_a_refused_append_is_refused_with_it() {
    let stale = vec![(stream(0), Expected::Exact(0))];
    let facts = |id| vec![fact(stream(0), id)];
    let first = Append { expected: stale, facts: facts(1), ticket: 1, ..Append::default() };
    let expected = vec![(stream(0), Expected::Exact(1))];
    let (ticket, rests_on) = (2, vec![1]);
    let second = Append { expected, facts: facts(2), ticket, rests_on, ..Append::default() };
    let rests_on = vec![2];
    let third = Append { facts: facts(3), rests_on, ..Append::default() };
    let all = [&first, &second, &third];
    let (_, verdict) = judge(tail(&[]), &all, &mut Tickets::new(8));
    assert_eq!(verdict.accepted.len(), 3, "one on the other");
    let log = [fact(stream(0), 9)];
    let (_, verdict) = judge(tail(&log), &all, &mut Tickets::new(8));
    assert!(verdict.accepted.is_empty(), "{:?}", verdict.answers);
    assert_eq!(verdict.answers[1], Answer::Unfounded { ticket: 1 });
    assert_eq!(verdict.answers[2], Answer::Unfounded { ticket: 2 });
    let mut tickets = Tickets::new(8);
    tickets.accept(&first);
    tickets.take_back(&first);
    let (_, verdict) = judge(tail(&log), &[&second], &mut tickets);
    assert_eq!(verdict.answers, [Answer::Unfounded { ticket: 1 }]);
}

#[test]
fn a_mere_check_is_never_in_the_log() {
    assert_eq!(ours(&tail(&two().facts), &Append::default()), None);
}
