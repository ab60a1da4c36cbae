//! What a writer writes down, in few words: the facts themselves follow from them.

use events::log::{Answer, Append, Expected, LogError, NewFact, StreamKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the writers of a history write to: a few streams that they share.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct World {
    /// How many streams.
    pub streams: u32,
}

/// What somebody tries to append.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Which of the writer's attempts.
    pub number: u32,
    /// The last position that was known to be committed when it was made.
    pub head: i64,
    /// The streams named and their versions; -1: any.
    pub expected: Vec<(u32, i64)>,
    /// The streams of its facts, in order.
    pub facts: Vec<u32>,
    /// The ids of its first facts, which others use too.
    pub ids: Vec<u32>,
    /// Those of them that serve as keys.
    pub keys: Vec<u32>,
    /// The attempts of the same writer that it rests on.
    pub rests_on: Vec<u32>,
    /// Whether it was decided under the tail lock.
    pub locked: bool,
    /// Whether PostgreSQL cannot take it.
    pub broken: bool,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// It is there.
    Appended {
        /// The position of its first fact.
        first: i64,
        /// When it was recorded, in microseconds.
        at: i64,
    },
    /// A stream is at another version.
    Conflict {
        /// That stream.
        stream: u32,
        /// Its version.
        actual: i64,
    },
    /// A key is taken.
    Repeated {
        /// That key.
        id: Uuid,
        /// The position of the fact that has it.
        position: i64,
        /// Its stream.
        stream: u32,
        /// Its version.
        version: i64,
        /// When it was recorded, in microseconds.
        at: i64,
    },
    /// What it rests on is not there.
    Unfounded,
    /// The log cannot be reached, or is busy.
    Unavailable(String),
    /// PostgreSQL refuses it.
    Refused(String),
}

/// What a writer writes down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Note {
    /// It is going to try this.
    Tried(Tried),
    /// It was told this.
    Told {
        /// About which attempt.
        number: u32,
        /// What.
        told: Told,
    },
    /// Something cannot be right.
    Flaw(String),
}

/// Where streams begin, in the space of ids; where keys do; where other facts do.
const STREAMS: u128 = 1 << 96;
const KEYS: u128 = 2 << 96;
const FACTS: u128 = 3 << 96;

impl World {
    /// A stream by its number.
    #[must_use]
    pub fn stream(&self, number: u32) -> StreamKey {
        let id = Uuid::from_u128(STREAMS + u128::from(number));
        StreamKey { organization: Uuid::from_u128(1), id }
    }

    /// The number of a stream.
    #[must_use]
    pub fn number(&self, stream: StreamKey) -> u32 {
        u32::try_from(stream.id.as_u128() - STREAMS).unwrap_or(u32::MAX)
    }

    /// The id that a key is.
    #[must_use]
    pub fn key(&self, number: u32) -> Uuid {
        Uuid::from_u128(KEYS + u128::from(number))
    }

    /// What the log is asked for; without tickets.
    #[must_use]
    pub fn append(&self, writer: u32, tried: &Tried) -> Append {
        let expected = tried.expected.iter().map(|&(stream, version)| {
            let expected = match version {
                -1 => Expected::Any,
                // Both are the same.
                0 if writer.is_multiple_of(2) => Expected::None,
                version => Expected::Exact(version),
            };
            (self.stream(stream), expected)
        });
        Append {
            expected: expected.collect(),
            keys: tried.keys.iter().map(|key| self.key(*key)).collect(),
            facts: (0..tried.facts.len()).map(|at| self.fact(writer, tried, at)).collect(),
            ..Append::default()
        }
    }

    /// One of the facts of an attempt.
    #[must_use]
    pub fn fact(&self, writer: u32, tried: &Tried, at: usize) -> NewFact {
        let own = (u128::from(writer) << 64) + (u128::from(tried.number) << 32) + at as u128;
        let key = tried.ids.get(at).map(|key| self.key(*key));
        let wrong = if tried.broken { "\0" } else { "" };
        let (number, of) = (tried.number, tried.facts.len());
        NewFact {
            stream: self.stream(tried.facts[at]),
            feature: "things".into(),
            fact_type: format!("thing.happened{wrong}").into(),
            schema_version: 1,
            event_id: key.unwrap_or(Uuid::from_u128(FACTS + own)),
            data: format!("[{writer},{number},{at},{of}]").into_bytes(),
            meta: format!(r#"{{"by":{writer},"attempt":{number}}}"#).into_bytes(),
            tags: Vec::new(),
        }
    }
}

impl Told {
    /// An answer of the log.
    #[must_use]
    pub fn of(world: &World, answer: Result<Answer, LogError>) -> Self {
        match answer {
            Ok(Answer::Appended { first, recorded_at }) => {
                Self::Appended { first: first.0, at: recorded_at.timestamp_micros() }
            }
            Ok(Answer::Conflict { stream, actual, .. }) => {
                Self::Conflict { stream: world.number(stream), actual }
            }
            Ok(Answer::Repeated(earlier)) => Self::Repeated {
                id: earlier.event_id,
                position: earlier.position.0,
                stream: world.number(earlier.stream),
                version: earlier.version,
                at: earlier.recorded_at.timestamp_micros(),
            },
            Ok(Answer::Unfounded { .. }) => Self::Unfounded,
            Ok(answer @ Answer::Excluded { .. }) => panic!("nobody set a condition: {answer:?}"),
            Err(error @ (LogError::Database(_) | LogError::TooLarge { .. })) => {
                Self::Refused(error.to_string())
            }
            Err(error) => Self::Unavailable(error.to_string()),
        }
    }
}
