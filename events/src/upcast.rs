//! How facts of older shapes are brought to today's: a chain of steps per fact type, one from each
//! version to the next. Which steps a type has stands beside it, in its feature's `facts!`.

use serde_json::{Map, Value};

/// The fields of a fact, those that this program does not know among them. Their numbers are what
/// JSON's usually are: whole ones of 64 bits, or floats; amounts are strings.
pub type Object = Map<String, Value>;

/// Makes of a fact of one version one of the next. Pure, and total: what does not have the shape of
/// its version is left as it is, and refused once it is read.
pub type Step = fn(Object) -> Object;

/// A fact of version `from`, in the shape that the last step leaves.
pub(crate) fn run(steps: &[Step], from: i16, fact: Object) -> Object {
    let taken = usize::try_from(from).unwrap_or(1).saturating_sub(1);
    steps.iter().skip(taken).fold(fact, |fact, step| step(fact))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::{DecodeError, FactType, Facts as _};

    mod notes {
        use super::{Object, Value};

        crate::facts! {
            /// A feature whose only fact has seen two other shapes.
            NoteEvent of "notes";
            /// It was written.
            Written {
                /// By whom; of nobody, before it was asked.
                by: String,
                /// What; `content` once.
                text: String,
            } "note.written" 3 from [the_writer_is_named, content_is_text];
        }

        fn the_writer_is_named(mut fact: Object) -> Object {
            fact.entry("by").or_insert_with(|| Value::from("nobody"));
            fact
        }

        fn content_is_text(mut fact: Object) -> Object {
            if let Some(content) = fact.remove("content") {
                fact.insert("text".to_owned(), content);
            }
            fact
        }
    }

    use notes::NoteEvent;

    fn decode(version: i16, data: &Value) -> Result<NoteEvent, DecodeError> {
        crate::facts::decode("note.written", version, data.to_string().as_bytes())
    }

    #[test]
    fn a_fact_takes_the_steps_from_its_version_on() {
        let written = |by: &str| NoteEvent::Written { by: by.to_owned(), text: "a".to_owned() };
        assert_eq!(decode(1, &json!({ "content": "a" })), Ok(written("nobody")));
        assert_eq!(decode(2, &json!({ "content": "a", "by": "b" })), Ok(written("b")));
        assert_eq!(decode(3, &json!({ "text": "a", "by": "b" })), Ok(written("b")));
        for (version, data) in
            [(2, json!({ "content": "a" })), (3, json!({ "content": "a", "by": "b" }))]
        {
            let refused = decode(version, &data);
            assert!(matches!(refused, Err(DecodeError::Malformed { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_version_that_never_was_is_malformed_and_one_to_come_is_newer() {
        for version in [i16::MIN, -1, 0] {
            let refused = decode(version, &json!({ "text": "a", "by": "b" }));
            assert!(matches!(refused, Err(DecodeError::Malformed { .. })), "{refused:?}");
        }
        for version in [4, i16::MAX] {
            let refused = decode(version, &json!({ "text": "a", "by": "b" }));
            assert!(matches!(refused, Err(DecodeError::NewerVersion { .. })), "{refused:?}");
        }
    }

    #[test]
    fn what_a_fact_says_beyond_its_shape_survives_the_steps() {
        let fact = json!({ "content": "a", "later": { "content": [1, null] } });
        let Value::Object(fact) = fact else { panic!("an object") };
        let made = run(NoteEvent::TYPES[0].steps, 1, fact);
        let expected = json!({ "by": "nobody", "text": "a", "later": { "content": [1, null] } });
        assert_eq!(Value::Object(made), expected);
    }

    #[test]
    #[should_panic(expected = "a step for each version but the first")]
    fn a_type_without_the_steps_of_its_version_is_not_declared() {
        let fact_type = FactType::new("note.written", 3, &[|fact| fact]);
        panic!("it was declared: {fact_type:?}");
    }
}
