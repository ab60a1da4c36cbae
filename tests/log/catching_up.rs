//! Claims about a process that appends beside another one: what the other wrote meanwhile counts.

use events::log::{Answer, Expected};
use gateway::app::fresh_id;
use harness::test;

use super::{append, everything, fact, first, keyed, open, stream, whole};

/// Turns of two processes: more than a process stays shy after a plan that failed.
const TURNS: usize = 60;

#[test]
fn by_turns_two_processes_are_judged_on_what_the_other_wrote() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let (streams, mut versions) = ([stream(), stream(), stream()], [0; 3]);
        for turn in 0..TURNS {
            // The one has written to the stream, the other goes on from there without having asked.
            let (log, index) = (&logs[turn % 2], turn / 2 % 3);
            let (stream, version) = (streams[index], versions[index]);
            let facts = (0..=turn % 2).map(|_| fact(stream)).collect::<Vec<_>>();
            let count = facts.len() as i64;
            let right = append(&[(stream, Expected::Exact(version))], facts);
            first(log.append(right).await);
            versions[index] += count;
            if turn % 4 != 3 {
                continue;
            }
            let stale = append(&[(stream, Expected::Exact(version))], vec![fact(stream)]);
            let answer = logs[(turn + 1) % 2].append(stale).await;
            let Ok(Answer::Conflict { actual, .. }) = answer else {
                panic!("turn {turn}: {answer:?}");
            };
            assert_eq!(actual, versions[index], "turn {turn}");
        }
        let facts = everything(&logs[0]).await;
        whole(&facts);
        assert_eq!(facts.len() as i64, versions.iter().sum::<i64>());
    });
}

#[test]
fn a_stream_or_a_key_that_the_other_process_took_is_not_free() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        for turn in 0..TURNS {
            let (one, other) = (&logs[turn % 2], &logs[(turn + 1) % 2]);
            let (stream, key) = (stream(), fresh_id());
            let taken = first(one.append(keyed(stream, key)).await);
            let begun = append(&[(stream, Expected::None)], vec![fact(stream)]);
            let answers = other.append_all(vec![begun, keyed(stream, key)]).await;
            let [Ok(Answer::Conflict { actual: 1, .. }), Ok(Answer::Repeated(earlier))] =
                &answers[..]
            else {
                panic!("turn {turn}: {answers:?}");
            };
            assert_eq!(earlier.position, taken, "turn {turn}");
            // A check that holds, and one that does not.
            let held = append(&[(stream, Expected::Exact(1))], Vec::new());
            first(other.append(held).await);
            let broken = append(&[(stream, Expected::Exact(2))], Vec::new());
            let answer = one.append(broken).await;
            assert!(matches!(answer, Ok(Answer::Conflict { actual: 1, .. })), "{answer:?}");
        }
        assert_eq!(everything(&logs[0]).await.len(), TURNS);
    });
}
