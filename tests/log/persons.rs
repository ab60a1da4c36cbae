//! Claims about the keys of persons: written and taken away in the append's own transaction.

use events::log::{Answer, Append, Expected, LogError, NewKey, PersonKey};
use harness::test;

use super::{Log, append, everything, fact, first, held, open, queued, sql, stream};

fn person() -> PersonKey {
    let super::StreamKey { organization, id } = stream();
    PersonKey { organization, id }
}

fn key(person: PersonKey) -> NewKey {
    NewKey { person, master: "m1".to_owned(), wrapped: vec![7; 60] }
}

fn speaking_of(persons: &[PersonKey]) -> Append {
    let new_keys = persons.iter().map(|person| key(*person)).collect();
    Append { new_keys, ..append(&[], vec![fact(stream())]) }
}

/// Whether the person has a key; none: it was never spoken of.
async fn has_key(log: &Log, person: PersonKey) -> Option<bool> {
    let stored = log.person_keys(&[person]).await.unwrap();
    stored.first().map(|stored| stored.wrapped.is_some())
}

#[test]
fn a_key_comes_with_the_first_fact_and_goes_with_the_erasure() {
    test(async |app| {
        let (log, [one, other]) = (open(app).await, [person(), person()]);
        assert_eq!(has_key(&log, one).await, None);
        first(log.append(speaking_of(&[one, other])).await);
        let stored = log.person_keys(&[one]).await.unwrap().remove(0);
        assert_eq!((stored.master.as_str(), stored.wrapped), ("m1", Some(vec![7; 60])));
        let erase = || Append { erased: vec![one], ..append(&[], vec![fact(stream())]) };
        first(log.append(erase()).await);
        assert_eq!(has_key(&log, one).await, Some(false));
        assert_eq!(has_key(&log, other).await, Some(true), "another's stays");
        first(log.append(erase()).await);
        assert_eq!(has_key(&log, one).await, Some(false), "twice is no harm");
    });
}

#[test]
fn an_append_that_is_refused_neither_brings_a_key_nor_takes_one() {
    test(async |app| {
        let (log, [one, other]) = (open(app).await, [person(), person()]);
        let taken = stream();
        first(log.append(append(&[(taken, Expected::None)], vec![fact(taken)])).await);
        first(log.append(speaking_of(&[one])).await);
        let conflict = |append: Append| {
            let expected = vec![(taken, Expected::None)];
            Append { expected, erased: vec![one], new_keys: vec![key(other)], ..append }
        };
        // By a plan, and under the lock.
        for _ in 0..3 {
            let answer = log.append(conflict(append(&[], vec![fact(taken)]))).await;
            assert!(matches!(answer, Ok(Answer::Conflict { .. })), "{answer:?}");
            assert_eq!((has_key(&log, one).await, has_key(&log, other).await), (Some(true), None));
        }
        // A neighbour in the same batch is not touched by it.
        let third = person();
        let both = held(app, async {
            let log = log.clone();
            let appends = vec![conflict(append(&[], vec![fact(taken)])), speaking_of(&[third])];
            let both = tokio::spawn(async move { log.append_all(appends).await });
            queued(app, 1).await;
            [both]
        });
        let [both] = both.await;
        let answers = both.await.unwrap();
        assert!(matches!(answers[0], Ok(Answer::Conflict { .. })));
        assert!(matches!(answers[1], Ok(Answer::Appended { .. })));
        assert_eq!((has_key(&log, one).await, has_key(&log, other).await), (Some(true), None));
        assert_eq!(has_key(&log, third).await, Some(true));
    });
}

/// The plan rests on a tail that another process has moved: then nothing of it may be done, though
/// everything of it is sent in one go.
#[test]
fn a_plan_that_fails_leaves_keys_as_they_were_until_it_is_carried_out() {
    test(async |app| {
        let (log, foreign) = (open(app).await, open(app).await);
        let (one, own, persons) = (person(), stream(), [person(), person()]);
        first(log.append(speaking_of(&[one])).await);
        first(log.append(append(&[(own, Expected::None)], vec![fact(own)])).await);
        first(foreign.append(append(&[(own, Expected::Exact(1))], vec![fact(own)])).await);
        let expected = vec![(own, Expected::Exact(1))];
        let (erased, new_keys) = (vec![one], persons.iter().map(|of| key(*of)).collect());
        let stale = Append { erased, new_keys, ..append(&expected, vec![fact(own)]) };
        let answer = log.append(stale).await.unwrap();
        assert!(matches!(answer, Answer::Conflict { actual: 2, .. }), "{answer:?}");
        assert_eq!(has_key(&log, one).await, Some(true));
        assert_eq!(has_key(&log, persons[0]).await, None);
        assert_eq!(everything(&log).await.len(), 3);
    });
}

#[test]
fn nobody_gets_a_second_key_not_even_who_was_erased() {
    test(async |app| {
        let (log, one) = (open(app).await, person());
        first(log.append(speaking_of(&[one])).await);
        let again = log.append(speaking_of(&[one])).await;
        assert!(matches!(again, Err(LogError::Database(_))), "{again:?}");
        first(log.append(Append { erased: vec![one], ..append(&[], vec![fact(stream())]) }).await);
        let again = log.append(speaking_of(&[one])).await;
        assert!(matches!(again, Err(LogError::Database(_))), "{again:?}");
        assert_eq!(has_key(&log, one).await, Some(false));
        assert_eq!(everything(&log).await.len(), 2);
        let constraint = "update log.person_keys set wrapped = 'x'";
        assert!(sql(app).await.execute(constraint, &[]).await.is_err(), "erased is erased");
    });
}
