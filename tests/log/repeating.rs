//! Claims about idempotency keys: event ids by which a repeat is known.

use events::log::{Answer, Append, Expected};
use events::words::Position;
use futures_util::future::join_all;
use gateway::app::fresh_id;
use harness::test;

use super::{any, append, everything, fact, first, in_one_batch, keyed, open, stream};

#[track_caller]
fn repeats(answer: &Answer, position: Position) {
    match answer {
        Answer::Repeated(earlier) => assert_eq!(earlier.position, position),
        other => panic!("not a repeat: {other:?}"),
    }
}

#[test]
fn a_repeat_gets_the_first_outcome() {
    test(async |app| {
        let (log, stream, key) = (open(app).await, stream(), fresh_id());
        let position = first(log.append(keyed(stream, key)).await);
        any(&log, stream).await;
        let Answer::Repeated(earlier) = log.append(keyed(stream, key)).await.unwrap() else {
            panic!("not a repeat");
        };
        let stored = &everything(&log).await[0];
        assert_eq!((earlier.event_id, earlier.position), (key, position));
        assert_eq!((earlier.stream, earlier.version), (stream, 1));
        assert_eq!((earlier.meta, earlier.recorded_at), (stored.meta.clone(), stored.recorded_at));
        assert_eq!(log.find(&[key]).await.unwrap()[&key].position, position);
    });
}

#[test]
fn a_repeat_in_the_same_batch_gets_the_first_outcome() {
    test(async |app| {
        let (log, one, other, key) = (open(app).await, stream(), stream(), fresh_id());
        let appends = vec![keyed(one, key), keyed(other, key), keyed(one, key)];
        let answers = in_one_batch(app, &log, appends).await;
        let position = first(answers[0].clone());
        repeats(answers[1].as_ref().unwrap(), position);
        repeats(answers[2].as_ref().unwrap(), position);
        assert_eq!(everything(&log).await.len(), 2);
    });
}

#[test]
fn a_repeat_from_another_process_gets_the_first_outcome() {
    test(async |app| {
        let (here, there, stream, key) = (open(app).await, open(app).await, stream(), fresh_id());
        let position = first(here.append(keyed(stream, key)).await);
        repeats(&there.append(keyed(stream, key)).await.unwrap(), position);
        assert_eq!(everything(&there).await.len(), 1);
    });
}

#[test]
fn a_key_comes_before_a_conflict() {
    test(async |app| {
        let (log, stream, key) = (open(app).await, stream(), fresh_id());
        let new = || Append { expected: vec![(stream, Expected::None)], ..keyed(stream, key) };
        let position = first(log.append(new()).await);
        repeats(&log.append(new()).await.unwrap(), position);
    });
}

#[test]
fn a_refused_append_does_not_use_up_its_key() {
    test(async |app| {
        let (log, stream, key) = (open(app).await, stream(), fresh_id());
        let expected = vec![(stream, Expected::Exact(7))];
        let refused = Append { expected, ..keyed(stream, key) };
        assert!(matches!(log.append(refused).await, Ok(Answer::Conflict { .. })));
        first(log.append(keyed(stream, key)).await);
    });
}

#[test]
fn one_taken_key_of_several_refuses_the_whole_append() {
    test(async |app| {
        let (log, stream, key, free) = (open(app).await, stream(), fresh_id(), fresh_id());
        let position = first(log.append(keyed(stream, key)).await);
        let mut several = append(&[], vec![super::named(stream, free), fact(stream)]);
        several.keys = vec![free, key];
        repeats(&log.append(several).await.unwrap(), position);
        assert_eq!(everything(&log).await.len(), 1);
        assert!(log.find(&[free]).await.unwrap().is_empty());
    });
}

#[test]
fn of_sixty_at_once_over_three_processes_one_is_first() {
    test(async |app| {
        let logs = [open(app).await, open(app).await, open(app).await];
        for _ in 0..5 {
            let (stream, key) = (stream(), fresh_id());
            let all = (0..60).map(|index| logs[index % 3].append(keyed(stream, key)));
            let answers = join_all(all).await;
            let new = answers.iter().filter(|a| matches!(a, Ok(Answer::Appended { .. }))).count();
            let again = answers.iter().filter(|a| matches!(a, Ok(Answer::Repeated(_)))).count();
            assert_eq!((new, again), (1, 59));
        }
        assert_eq!(everything(&logs[0]).await.len(), 5);
    });
}
