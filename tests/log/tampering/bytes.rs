//! Claims about single bytes: each one of each stored column, changed.

use std::error::Error;

use harness::test;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{BATCHES, LAST, Victim, batch_of};

/// A value's bytes, as they are stored and sent.
#[derive(Debug, Clone, PartialEq)]
struct Bytes(Vec<u8>);

impl<'a> FromSql<'a> for Bytes {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Bytes {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What a byte is changed by: none makes a letter a NUL, nor, but for the last, text that is none.
const CHANGES: [u8; 3] = [0x01, 0x14, 0x80];

/// What PostgreSQL refuses to store, whoever asks: what is there already, and what is no value.
const REFUSALS: [SqlState; 3] = [
    SqlState::UNIQUE_VIOLATION,
    SqlState::DATETIME_FIELD_OVERFLOW,
    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
];

/// A table of the log, and how a row of it is found again.
struct Table {
    name: &'static str,
    key: &'static str,
}

/// How many changed bytes were found, and how many refused.
#[derive(Default)]
struct Tally {
    found: usize,
    refused: usize,
}

impl Table {
    /// Changes every byte of every value; where the log must then be wrong, `expected` tells of the
    /// row's key, the column, the value before and after.
    async fn tamper(
        &self,
        victim: &Victim,
        expected: impl Fn(i64, &str, &[u8], &[u8]) -> (i64, i64),
    ) -> Tally {
        let (name, key) = (self.name, self.key);
        let query = format!("select * from {name} order by {key}");
        let rows: Vec<Row> = victim.client.query(&query, &[]).await.expect("the rows");
        let mut tally = Tally::default();
        for row in &rows {
            let of: i64 = row.get(key);
            for (index, column) in row.columns().iter().enumerate() {
                let (column, Bytes(value)) = (column.name(), row.get(index));
                let changes = (0..value.len()).flat_map(|at| CHANGES.map(|change| (at, change)));
                for (at, change) in changes {
                    let mut changed = value.clone();
                    changed[at] ^= change;
                    let found = self.change(victim, (of, column), &value, &changed).await;
                    let what = format!("{column} of {name} at {of}, byte {at} by {change:#x}");
                    match found {
                        None => tally.refused += 1,
                        Some(place) => {
                            assert_eq!(place, expected(of, column, &value, &changed), "{what}");
                            tally.found += 1;
                        }
                    }
                }
            }
        }
        tally
    }

    /// Changes a value, looks, and changes it back; none, if PostgreSQL refuses it.
    async fn change(
        &self,
        victim: &Victim,
        (of, column): (i64, &str),
        value: &[u8],
        changed: &[u8],
    ) -> Option<(i64, i64)> {
        let (name, key) = (self.name, self.key);
        let update = format!("update {name} set {column} = $1 where {key} = $2");
        let update = victim.client.prepare(&update).await.expect("an update");
        let (value, changed) = (Bytes(value.to_vec()), Bytes(changed.to_vec()));
        match victim.client.execute(&update, &[&changed, &of]).await {
            Ok(rows) => assert_eq!(rows, 1),
            Err(error) => {
                let code = error.code().expect("a refusal");
                assert!(REFUSALS.contains(code), "{error:?}");
                return None;
            }
        }
        let (first, last, _) = victim.wrong(&format!("{column} of {name} at {of}")).await;
        let key_now = if column == key { number(&changed.0) } else { of };
        let back = victim.client.execute(&update, &[&value, &key_now]).await;
        assert_eq!(back.expect("as it was"), 1);
        Some((first, last))
    }
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().expect("a number"))
}

#[test]
fn every_changed_byte_of_every_fact_is_found_at_its_batch() {
    test(async |app| {
        let victim = Victim::small(app).await;
        let table = Table { name: "log.events", key: "position" };
        let tally = table
            .tamper(&victim, |position, column, _, changed| match (column, number_of(changed)) {
                // It is another fact's place now: before all, or behind all.
                ("position", Some(now)) if now < 1 => (now, now),
                ("position", _) => (position, position),
                _ => batch_of(position),
            })
            .await;
        victim.right("as it was").await;
        assert!(tally.found > 2_000 && tally.refused < 400, "{} {}", tally.found, tally.refused);
        victim.restore().await;
    });
}

fn number_of(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

#[test]
fn every_changed_byte_of_every_batch_is_found_at_it() {
    test(async |app| {
        let victim = Victim::small(app).await;
        let table = Table { name: "log.batches", key: "last_position" };
        let tally = table
            .tamper(&victim, |last, column, _, changed| {
                let batch = batch_of(last);
                match (column, number_of(changed)) {
                    ("first_position", Some(now)) => begins_elsewhere(batch, now),
                    ("last_position", Some(now)) => ends_elsewhere(batch, now),
                    _ => batch,
                }
            })
            .await;
        victim.right("as it was").await;
        assert!(tally.found > 700 && tally.refused < 100, "{} {}", tally.found, tally.refused);
        victim.restore().await;
    });
}

/// Positions that no batch has any more; or too many are this one's.
fn begins_elsewhere((first, last): (i64, i64), now: i64) -> (i64, i64) {
    if now > first { (first, last.min(now - 1)) } else { (first, last) }
}

/// It says too little, too much, or that it ends where another one is.
fn ends_elsewhere((first, last): (i64, i64), now: i64) -> (i64, i64) {
    let next = BATCHES.into_iter().find(|(next, _)| *next == last + 1);
    match next {
        _ if now < 1 => (now, now),
        _ if now < first => (batch_of(now).0, now),
        // It has lost facts, or taken others in.
        _ if now < last => (first, now),
        Some((_, end)) if now < end => (first, now),
        // It is behind others now: nobody has its positions.
        Some(_) => (first, last),
        // It was the last one, and there are no more facts.
        None => (LAST + 1, now),
    }
}
