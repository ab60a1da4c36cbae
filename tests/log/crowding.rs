//! Claims about many writers at once, over several processes, on the same streams.

use std::collections::HashMap;

use events::log::{Answer, Expected, Log, LogError, StreamKey};
use futures_util::future::join_all;
use harness::test;

use super::{Outcomes, append, everything, fact, open, stream};

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Appends to one to three streams, with versions as it last heard of them, or none, or any.
async fn write(log: Log, streams: Vec<StreamKey>, seed: u64, appends: usize) -> Outcomes {
    let (mut numbers, mut outcomes) = (Numbers(seed), Outcomes::default());
    let mut known: HashMap<StreamKey, i64> = HashMap::new();
    for _ in 0..appends {
        let mut expected: Vec<(StreamKey, Expected)> = Vec::new();
        let mut facts = Vec::new();
        for _ in 0..=numbers.below(3) {
            let stream = streams[numbers.below(streams.len())];
            let version = known.get(&stream).copied().unwrap_or(0);
            if expected.iter().all(|(named, _)| *named != stream) {
                expected.push(match numbers.below(8) {
                    0 => (stream, Expected::None),
                    1..=3 => (stream, Expected::Any),
                    _ => (stream, Expected::Exact(version)),
                });
                facts.extend((0..numbers.below(3)).map(|_| fact(stream)));
            }
        }
        let append = append(&expected, facts);
        let answer = log.append(append.clone()).await;
        match &answer {
            Ok(Answer::Conflict { stream, expected, actual }) => {
                let met = match expected {
                    Expected::Exact(version) => version == actual,
                    Expected::None => *actual == 0,
                    Expected::Any => true,
                };
                assert!(!met, "a conflict over what was met: {expected:?}, {actual}");
                known.insert(*stream, *actual);
            }
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
        outcomes.note(append, &answer);
    }
    outcomes
}

#[test]
fn what_is_acknowledged_is_there_once_and_in_order_however_many_write() {
    test(async |app| {
        let logs = [open(app).await, open(app).await, open(app).await];
        let streams: Vec<_> = (0..6).map(|_| stream()).collect();
        let writers = (0..24).map(|index| {
            let log = logs[index % 3].clone();
            tokio::spawn(write(log, streams.clone(), index as u64 * 7_919, 50))
        });
        let mut outcomes = Outcomes::default();
        for written in join_all(writers).await {
            outcomes.extend(written.unwrap());
        }
        let (kept, refused) = (outcomes.kept.len(), outcomes.refused.len());
        assert_eq!(kept + refused, 1_200);
        assert!(kept > 100 && refused > 100, "{kept} kept, {refused} refused: nothing is tried");
        outcomes.hold(&logs[0]).await;
    });
}

#[test]
fn of_all_who_expect_the_same_version_one_goes_in() {
    test(async |app| {
        let logs = [open(app).await, open(app).await, open(app).await];
        let hot = stream();
        for version in 0..20 {
            let all = (0..12).map(|index| {
                let one = append(&[(hot, Expected::Exact(version))], vec![fact(hot)]);
                logs[index % 3].append(one)
            });
            let answers: Vec<Result<Answer, LogError>> = join_all(all).await;
            let won = answers.iter().filter(|a| matches!(a, Ok(Answer::Appended { .. })));
            assert_eq!(won.count(), 1, "at version {version}");
        }
        let facts = everything(&logs[1]).await;
        super::whole(&facts);
        assert_eq!(facts.len(), 20);
    });
}

#[test]
fn a_check_of_one_stream_guards_an_append_to_another() {
    // Write skew: each writes its own stream, provided that the other's is still empty.
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        for round in 0..30 {
            let (left, right) = (stream(), stream());
            let guarded = |reads, writes| {
                let expected = [(reads, Expected::None), (writes, Expected::None)];
                append(&expected, vec![fact(writes)])
            };
            let (one, other) = tokio::join!(
                logs[0].append(guarded(left, right)),
                logs[1].append(guarded(right, left)),
            );
            let won =
                [one, other].iter().filter(|a| matches!(a, Ok(Answer::Appended { .. }))).count();
            assert_eq!(won, 1, "round {round}");
        }
    });
}
