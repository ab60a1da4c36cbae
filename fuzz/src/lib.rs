//! What has to hold of any bytes, whoever made them up. How the bytes are found is libFuzzer's
//! business (`targets/`); `tests/fuzzing.rs` tries those of the corpus.

use events::Event;
use events::facts::DecodeError;
use events::personal::{KEY_BYTES, Key};
use queries::cursor;
use queries::fields::{Field, Listed};
use queries::orders::OrderRow;
use queries::position;

/// A stored fact: its feature, type and version in the first line, then its data. What can be read
/// is written again as something that is read as the same.
pub fn payloads(input: &[u8]) {
    let Some((feature, name, version, data)) = stored(input) else { return };
    let Ok(event) = Event::decode(feature, name, version, data) else { return };
    let (fact_type, again) = (event.fact_type(), event.encode());
    let (feature, version) = (event.feature(), fact_type.schema_version);
    let read = Event::decode(feature, fact_type.name, version, &again);
    assert_eq!(read, Ok(event), "{}", String::from_utf8_lossy(&again));
}

/// The feature, type, schema version and data in an input of [`payloads`].
pub fn stored(input: &[u8]) -> Option<(&str, &str, i16, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&input[..end]).ok()?.split(' ');
    let (feature, name) = (words.next()?, words.next()?);
    Some((feature, name, words.next()?.parse().ok()?, &input[end + 1..]))
}

/// The texts that the world is given to hand back: cursors and positions. Those that are taken are
/// the ones that are given.
pub fn cursors(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // What is signed in a cursor: somebody may have the key one day.
    let fields: Vec<&Field> = OrderRow::LIST.fields.iter().collect();
    for count in 1..=fields.len() {
        let fields = &fields[..count];
        if let Some(place) = cursor::decode(input, fields) {
            let again = cursor::decode(&cursor::encode(&place), fields);
            assert_eq!(again, Some(place), "{text}");
        }
    }
    // Nobody makes one up without the key.
    assert_eq!(cursor::opened(&Key::new([7; KEY_BYTES]), "history", text), None, "{text}");
    if let Ok(at) = position::decode("atLeast", text) {
        assert!(at.0 >= 0, "{text} is before everything");
        assert_eq!(position::decode("atLeast", &position::encode(at)).ok(), Some(at), "{text}");
    }
}

/// The data of a fact, taken for that of every version that any type has had: the steps to today's
/// leave something that can be read, or is known not to have its shape.
pub fn upcasters(input: &[u8]) {
    for (feature, fact_type) in Event::fact_types() {
        for version in 1..fact_type.schema_version {
            let read = Event::decode(feature, fact_type.name, version, input);
            assert!(matches!(read, Ok(_) | Err(DecodeError::Malformed { .. })), "{read:?}");
            let today = Event::upcast(feature, fact_type.name, version, input);
            assert!(matches!(today, Ok(_) | Err(DecodeError::Malformed { .. })), "{today:?}");
            let (Ok(read), Ok(today)) = (read, today) else { continue };
            // JSON's depth has a limit, which counts from here on one object more.
            let again = Event::decode(feature, fact_type.name, fact_type.schema_version, &today);
            let again = again.unwrap_or_else(|_| read.clone());
            assert_eq!(again, read, "{}", String::from_utf8_lossy(&today));
        }
    }
}
