//! Facts as lines of JSON: `data` and `meta` as they are stored, byte for byte.

use std::io::{self, Write};

use chrono::SecondsFormat;
use events::log::RawFact;

/// Writes facts, a line each.
pub(super) fn write(facts: &[RawFact], mut to: impl Write) -> io::Result<()> {
    for fact in facts {
        write!(
            to,
            r#"{{"position":{},"organization_id":"{}","feature":{},"stream_id":"{}","version":{},"#,
            fact.position,
            fact.stream.organization,
            text(&fact.feature),
            fact.stream.id,
            fact.version,
        )?;
        write!(
            to,
            r#""event_id":"{}","type":{},"schema_version":{},"data":"#,
            fact.event_id,
            text(&fact.fact_type),
            fact.schema_version,
        )?;
        in_a_line(&fact.data, &mut to)?;
        to.write_all(br#","meta":"#)?;
        in_a_line(&fact.meta, &mut to)?;
        let recorded_at = fact.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        writeln!(to, r#","recorded_at":"{recorded_at}"}}"#)?;
    }
    Ok(())
}

fn text(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

/// JSON may be broken into lines only where blanks may stand as well: never within a text.
fn in_a_line(json: &[u8], to: &mut impl Write) -> io::Result<()> {
    let mut pieces = json.split(|byte| matches!(byte, b'\n' | b'\r'));
    to.write_all(pieces.next().unwrap_or_default())?;
    for piece in pieces {
        to.write_all(b" ")?;
        to.write_all(piece)?;
    }
    Ok(())
}
