//! Claims about the answer to one append.

use events::log::{Answer, Expected, LogError};
use events::words::Position;
use harness::test;

use super::{
    any, append, batches, count, everything, fact, first, gathered, in_one_batch, named, open,
    stream,
};

#[test]
fn an_append_at_the_exact_version_goes_in() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let facts = |count| (0..count).map(|_| fact(stream)).collect();
        let new = log.append(append(&[(stream, Expected::Exact(0))], facts(3))).await;
        assert_eq!(first(new), Position(1));
        let later = log.append(append(&[(stream, Expected::Exact(3))], facts(2))).await;
        assert_eq!(first(later), Position(4));
        let versions: Vec<i64> = everything(&log).await.iter().map(|fact| fact.version).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5]);
    });
}

#[test]
fn an_append_at_any_version_goes_in_and_none_means_a_new_stream() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let none = || append(&[(stream, Expected::None)], vec![fact(stream)]);
        assert_eq!(first(log.append(none()).await), Position(1));
        assert_eq!(any(&log, stream).await, Position(2));
        let conflict = Answer::Conflict { stream, expected: Expected::None, actual: 2 };
        assert_eq!(log.append(none()).await.unwrap(), conflict);
        assert_eq!(everything(&log).await.len(), 2);
    });
}

#[test]
fn a_conflict_names_the_stream_what_was_expected_and_what_is() {
    test(async |app| {
        let (log, one, other) = (open(app).await, stream(), stream());
        any(&log, one).await;
        any(&log, other).await;
        any(&log, other).await;
        for wrong in [0, 1, 3] {
            let expected = Expected::Exact(wrong);
            let versions = [(one, Expected::Exact(1)), (other, expected)];
            let answer = log.append(append(&versions, vec![fact(one), fact(other)])).await;
            let conflict = Answer::Conflict { stream: other, expected, actual: 2 };
            assert_eq!(answer.unwrap(), conflict);
        }
        assert_eq!(everything(&log).await.len(), 3, "nothing of it was appended");
    });
}

#[test]
fn an_append_over_several_streams_goes_in_whole_and_in_order() {
    test(async |app| {
        let log = open(app).await;
        let streams = [stream(), stream(), stream()];
        let expected = streams.map(|stream| (stream, Expected::None));
        let facts: Vec<_> =
            [0, 2, 1, 0, 2].into_iter().map(|index: usize| fact(streams[index])).collect();
        let ids: Vec<_> = facts.iter().map(|fact| fact.event_id).collect();
        assert_eq!(first(log.append(append(&expected, facts)).await), Position(1));
        let stored = everything(&log).await;
        assert_eq!(stored.iter().map(|fact| fact.event_id).collect::<Vec<_>>(), ids);
        assert_eq!(stored.iter().map(|fact| fact.version).collect::<Vec<_>>(), [1, 1, 1, 2, 2]);
        assert_eq!(batches(app).await, 1);
    });
}

#[test]
fn a_mere_check_writes_nothing() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        any(&log, stream).await;
        let met = log.append(append(&[(stream, Expected::Exact(1))], vec![])).await;
        assert_eq!(first(met), Position(2), "where a fact would have gone");
        let expected = Expected::Exact(4);
        let missed = log.append(append(&[(stream, expected)], vec![])).await;
        assert_eq!(missed.unwrap(), Answer::Conflict { stream, expected, actual: 1 });
        assert_eq!((batches(app).await, everything(&log).await.len()), (1, 1));
    });
}

#[test]
fn one_conflict_never_fails_a_neighbour_in_the_same_batch() {
    test(async |app| {
        let log = open(app).await;
        let (hot, calm) = (stream(), [stream(), stream()]);
        let exact = |version, facts| {
            append(&[(hot, Expected::Exact(version))], (0..facts).map(|_| fact(hot)).collect())
        };
        let neighbour = |stream| append(&[(stream, Expected::None)], vec![fact(stream)]);
        let appends = vec![
            neighbour(calm[0]),
            exact(0, 2),
            exact(0, 1),
            neighbour(calm[1]),
            exact(2, 1),
            exact(3, 0),
            exact(2, 0),
        ];
        let answers = in_one_batch(app, &log, appends).await;
        let firsts: Vec<Option<i64>> = answers
            .iter()
            .map(|answer| match answer.as_ref().unwrap() {
                Answer::Appended { first, .. } => Some(first.0),
                _ => None,
            })
            .collect();
        // One stands in front of them.
        assert_eq!(firsts, [Some(2), Some(3), None, Some(5), Some(6), Some(7), None]);
        let conflict = |version, actual| {
            Ok(Answer::Conflict { stream: hot, expected: Expected::Exact(version), actual })
        };
        let refused: Vec<_> =
            [2, 6].map(|index: usize| answers[index].clone().map_err(drop)).into();
        assert_eq!(refused, [conflict(0, 2), conflict(2, 3)]);
        assert_eq!(everything(&log).await.len(), 6);
    });
}

#[test]
fn a_batch_of_which_nothing_is_accepted_writes_nothing() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let wrong = || append(&[(stream, Expected::Exact(9))], vec![fact(stream)]);
        let answers = in_one_batch(app, &log, vec![wrong(), wrong(), wrong()]).await;
        assert!(answers.iter().all(|a| matches!(a, Ok(Answer::Conflict { actual: 0, .. }))));
        assert_eq!((batches(app).await, everything(&log).await.len()), (1, 1));
    });
}

#[test]
fn what_postgresql_refuses_is_answered_alone_and_spares_its_neighbours() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let taken = fact(stream).event_id;
        first(log.append(append(&[], vec![named(stream, taken)])).await);
        let good = || append(&[(stream, Expected::Any)], vec![fact(stream)]);
        let bad = append(&[(stream, Expected::Any)], vec![fact(stream), named(stream, taken)]);
        let answers = gathered(app, &log, vec![good(), bad, good()]).await;
        assert!(matches!(answers[0], Ok(Answer::Appended { .. })), "{answers:?}");
        assert!(matches!(&answers[1], Err(LogError::Database(_))), "{answers:?}");
        assert!(matches!(answers[2], Ok(Answer::Appended { .. })), "{answers:?}");
        let facts = everything(&log).await;
        super::whole(&facts);
        assert_eq!(facts.len(), 4);
    });
}

#[test]
fn the_same_stream_id_in_two_organizations_is_two_streams() {
    test(async |app| {
        let (log, one) = (open(app).await, stream());
        let other = events::log::StreamKey { organization: stream().organization, id: one.id };
        any(&log, one).await;
        let new = log.append(append(&[(other, Expected::None)], vec![fact(other)])).await;
        assert_eq!(first(new), Position(2));
        assert_eq!(log.read_stream(one, 0, 10).await.unwrap().len(), 1);
        assert_eq!(log.read_stream(other, 0, 10).await.unwrap()[0].version, 1);
    });
}

#[test]
fn the_view_of_facts_shows_data_and_meta_as_json() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        any(&log, stream).await;
        let query = "select count(*) from log.facts where pg_typeof(data)::text = 'jsonb' \
            and pg_typeof(meta)::text = 'jsonb' and (data->>'n')::numeric = 1.5 \
            and meta->>'command' = 'things.do' and version = 1 and type = 'thing.happened'";
        assert_eq!(count(app, query).await, 1);
    });
}
