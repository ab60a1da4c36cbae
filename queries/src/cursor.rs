//! Places in lists and histories as the world sees them: opaque texts, signed for one list, one
//! order and one organization, or for one record, so that nobody makes one up or takes one
//! elsewhere.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate};
use events::personal::Key;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::QueryError;
use crate::fields::{Field, Kind};
use crate::filter::Value;

/// How many bytes of a signature are kept: 2^128 tries to make one up.
const SIGNATURE_BYTES: usize = 16;

/// A text that only who has the key makes: `of` says what it belongs to, and is not in it.
#[must_use]
pub fn seal(key: &Key, of: &str, content: &[u8]) -> String {
    let signature = key.digest(&[b"cursor", of.as_bytes(), content]);
    BASE64_URL_SAFE_NO_PAD.encode([&signature[..SIGNATURE_BYTES], content].concat())
}

/// What stands in a text that [`seal`] made; none, if it made none, or for something else.
#[must_use]
pub fn opened(key: &Key, of: &str, text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let parts = bytes.split_at_checked(SIGNATURE_BYTES);
    let signed = |(signature, content): &(&[u8], &[u8])| {
        let own = key.digest(&[b"cursor", of.as_bytes(), content]);
        // Every byte is looked at, wherever the first difference is.
        let differ = own.iter().zip(*signature).fold(0, |differ, (a, b)| differ | (a ^ b));
        differ == 0
    };
    parts.filter(signed).map(|(_, content)| content.to_vec())
}

/// As [`opened`], of a list.
///
/// # Errors
/// If there is nothing in it.
pub fn open(key: &Key, of: &str, field: &'static str, text: &str) -> Result<Vec<u8>, QueryError> {
    opened(key, of, text).ok_or_else(|| QueryError::Invalid {
        field,
        message: format!(
            "`{text}` is no cursor of this list; use one that a page of the same list, in the same \
             order and organization, gave you"
        ),
    })
}

/// The values of a place, as bytes.
#[must_use]
pub fn encode(place: &[Option<Value>]) -> Vec<u8> {
    let value = |value: &Option<Value>| match value {
        None => Json::Null,
        Some(Value::Id(id)) => id.simple().to_string().into(),
        Some(Value::Text(text)) => text.as_str().into(),
        Some(Value::Truth(truth)) => (*truth).into(),
        Some(Value::Whole(number)) => (*number).into(),
        Some(Value::Number(number)) => number.to_string().into(),
        Some(Value::Day(day)) => day.to_string().into(),
        Some(Value::Time(time)) => time.timestamp_micros().into(),
    };
    Json::Array(place.iter().map(value).collect()).to_string().into_bytes()
}

/// The values in bytes, of these fields; none, if they are of others.
#[must_use]
pub fn decode(bytes: &[u8], fields: &[&Field]) -> Option<Vec<Option<Value>>> {
    let values: Vec<Json> = serde_json::from_slice(bytes).ok()?;
    if values.len() != fields.len() {
        return None;
    }
    values.iter().zip(fields).map(|(value, field)| decode_value(value, field)).collect()
}

fn decode_value(json: &Json, field: &Field) -> Option<Option<Value>> {
    if json.is_null() {
        return field.nullable.then_some(None);
    }
    // PostgreSQL knows fewer years than chrono.
    let known = |year: i32| (0..=9_999).contains(&year).then_some(());
    let value = match field.kind {
        Kind::Id => Value::Id(Uuid::try_parse(json.as_str()?).ok()?),
        Kind::Text | Kind::Word(_) => {
            let text = json.as_str().filter(|text| !text.contains('\0'))?;
            Value::Text(text.to_owned())
        }
        Kind::Truth => Value::Truth(json.as_bool()?),
        Kind::Whole => Value::Whole(json.as_i64()?),
        Kind::Number => Value::Number(json.as_str()?.parse().ok()?),
        Kind::Day => {
            let day: NaiveDate = json.as_str()?.parse().ok()?;
            known(day.year())?;
            Value::Day(day)
        }
        Kind::Time => {
            let time = DateTime::from_timestamp_micros(json.as_i64()?)?;
            known(time.year())?;
            Value::Time(time)
        }
    };
    Some(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::field;

    #[test]
    fn a_place_survives_its_bytes() {
        static FIELDS: [Field; 8] = [
            field("id", Kind::Id, ""),
            field("text", Kind::Text, ""),
            field("word", Kind::Word(&["placed"]), ""),
            field("truth", Kind::Truth, ""),
            field("whole", Kind::Whole, ""),
            field("number", Kind::Number, ""),
            field("day", Kind::Day, ""),
            field("time", Kind::Time, "").nullable(),
        ];
        let time = DateTime::from_timestamp_micros(1_772_000_000_123_456).unwrap();
        let mut place = vec![
            Some(Value::Id(Uuid::from_u128(7))),
            Some(Value::Text("Ä \"quoted\" \\ 50%".to_owned())),
            Some(Value::Text("placed".to_owned())),
            Some(Value::Truth(true)),
            Some(Value::Whole(i64::MIN)),
            Some(Value::Number("12.340".parse().unwrap())),
            Some(Value::Day("2026-03-01".parse().unwrap())),
            Some(Value::Time(time)),
        ];
        let fields: Vec<&Field> = FIELDS.iter().collect();
        assert_eq!(decode(&encode(&place), &fields).as_ref(), Some(&place));
        place[7] = None;
        assert_eq!(decode(&encode(&place), &fields).as_ref(), Some(&place));
        assert_eq!(decode(&encode(&place[1..]), &fields), None);
        place.swap(0, 1);
        assert_eq!(decode(&encode(&place), &fields), None);
    }

    #[test]
    fn nobody_makes_a_cursor_up_or_takes_it_elsewhere() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let text = seal(&key, "orders", b"[1]");
        assert_eq!(open(&key, "orders", "after", &text).unwrap(), b"[1]");
        assert!(open(&key, "customers", "after", &text).is_err());
        assert!(open(&other, "orders", "after", &text).is_err());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
            assert!(open(&key, "orders", "after", &changed).is_err(), "{index}");
        }
        for text in ["", "x", "AAAA", "not base64!", &"A".repeat(100)] {
            assert!(open(&key, "orders", "after", text).is_err(), "{text}");
        }
    }
}
