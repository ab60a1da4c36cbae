//! Positions as the world sees them: opaque strings, to be handed back, not computed with.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use events::words::Position;

use crate::QueryError;

/// Leads every encoded position, so that another form can be told from this one.
const FORM: u8 = 1;

/// The opaque text of a position.
#[must_use]
pub fn encode(position: Position) -> String {
    let mut bytes = vec![FORM];
    bytes.extend(position.0.to_be_bytes().iter().skip_while(|byte| **byte == 0));
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a text.
///
/// # Errors
/// If no write gave the text.
pub fn decode(field: &'static str, text: &str) -> Result<Position, QueryError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    match bytes.split_first() {
        Some((&FORM, digits)) if digits.len() < 8 || digits.len() == 8 && digits[0] < 0x80 => {
            let position = digits.iter().fold(0, |value, digit| value << 8 | i64::from(*digit));
            Ok(Position(position))
        }
        _ => {
            let message = format!("`{text}` is no position; use one that a write gave you");
            Err(QueryError::Invalid { field, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text() {
        for position in [0, 1, 255, 256, i64::from(u32::MAX), i64::MAX] {
            let position = Position(position);
            assert_eq!(decode("atLeast", &encode(position)).unwrap(), position);
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in ["", "17", "!!", "AQAAAAAAAAAAAA", "Af__________"] {
            assert!(decode("atLeast", text).is_err(), "{text}");
        }
    }
}
