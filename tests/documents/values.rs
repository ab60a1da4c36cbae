//! Values for arguments and variables, by their types: good ones, odd ones, extreme ones. Nothing
//! by the name of a field: only scalars have names here.

use std::fmt::Write;

use harness::Dice;
use serde_json::Value as Json;

use super::schema::{Kind, Schema};

/// A value as a document writes it.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// A value of an enum, or the name of a variable with its `$`.
    Name(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Given {
    /// As a literal of GraphQL.
    pub(super) fn literal(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(is) => is.to_string(),
            Self::Number(text) | Self::Name(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::List(all) => format!("[{}]", joined(all.iter().map(Self::literal).collect())),
            Self::Object(all) => {
                let field = |(name, value): &(String, Self)| format!("{name}: {}", value.literal());
                format!("{{{}}}", joined(all.iter().map(field).collect()))
            }
        }
    }

    /// As a variable's value, in the text of JSON: numbers may be such as no number holds.
    pub(super) fn json(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        let text = |text: &str| Json::from(text).to_string();
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(is) => is.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(said) | Self::Name(said) => text(said),
            Self::List(all) => format!("[{}]", joined(all.iter().map(Self::json).collect())),
            Self::Object(all) => {
                let field =
                    |(name, value): &(String, Self)| format!("{}:{}", text(name), value.json());
                format!("{{{}}}", joined(all.iter().map(field).collect()))
            }
        }
    }
}

/// A text between quotes. Those of GraphQL and JSON are the same, but for blocks.
fn quoted(text: &str) -> String {
    let is_block = text.len() % 5 == 3 && !text.contains(['"', '\\', '\0']);
    match is_block {
        true => format!("\"\"\"{text}\"\"\""),
        false => Json::from(text).to_string(),
    }
}

/// What was found in answers, to be asked for again.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    pub(super) ids: Vec<String>,
    pub(super) texts: Vec<String>,
}

/// So many of each kind are kept.
const POOL_MAX: usize = 300;

impl Pool {
    /// Keeps the texts of an answer; once there are enough, some in the place of others.
    pub(super) fn gather(&mut self, answer: &Json, dice: &mut Dice) {
        match answer {
            Json::String(text) if text.len() <= 200 => {
                let is_id = text.len() == 36 && text.matches('-').count() == 4;
                let kept = if is_id { &mut self.ids } else { &mut self.texts };
                match kept.len() < POOL_MAX {
                    true => kept.push(text.clone()),
                    false => kept[dice.below(POOL_MAX)] = text.clone(),
                }
            }
            Json::Array(all) => all.iter().for_each(|value| self.gather(value, dice)),
            Json::Object(all) => all.values().for_each(|value| self.gather(value, dice)),
            _ => {}
        }
    }
}

const TEXTS: [&str; 24] = [
    "",
    " ",
    "\u{0}",
    "a\u{0}b",
    "\u{feff}\u{202e}\u{200b}",
    "🔩🔩👩‍👩‍👧",
    "ß İ ı ﬁ",
    "e\u{301}\u{301}\u{301}",
    "'; drop schema log cascade; --",
    "%",
    "_%\\%",
    "\\",
    "\"",
    "$1 {} ${x}",
    "\u{10ffff}",
    "[1,2)",
    "2026-02-30",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01T00:00:00Z",
    "99999-01-01",
    "EUR",
    "en",
    "Europe/Zurich",
    "null",
];
const NUMBERS: [&str; 12] = [
    "-0",
    "-1",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e400",
    "-1e-400",
    "0.1",
    "1.0",
    "123456789012345678901234567890",
];
const DECIMALS: [&str; 9] =
    ["1", "2.50", "0.000001", "-3", "0", "79228162514264337593543950335", "1e9", "٣", "1_000"];
const DAYS: [&str; 6] =
    ["2026-03-01", "2026-02-28", "1970-01-01", "0001-01-01", "9999-12-31", "-0001-01-01"];
const TIMES: [&str; 6] = [
    "2026-03-01T12:00:00Z",
    "2020-01-01T00:00:00.000000001+14:00",
    "1970-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "2026-03-01",
];

/// Whoever makes values up.
pub(super) struct Values<'a> {
    pub(super) schema: &'a Schema,
    pub(super) dice: &'a mut Dice,
    pub(super) pool: &'a Pool,
    /// Of a hundred values so many are such as the type does not have.
    pub(super) odd: u32,
}

impl Values<'_> {
    /// A value for what takes this.
    pub(super) fn value(&mut self, kind: &Kind, depth: usize) -> Given {
        if self.dice.chance(self.odd) {
            return self.anything(2);
        }
        match kind {
            Kind::NonNull(inner) => self.there(inner, depth),
            _ if self.dice.chance(20) => Given::Null,
            _ => self.there(kind, depth),
        }
    }

    fn there(&mut self, kind: &Kind, depth: usize) -> Given {
        match kind {
            Kind::NonNull(inner) => self.there(inner, depth),
            Kind::List(inner) => {
                let count = if self.dice.chance(3) { 120 } else { self.dice.below(4) };
                let count = if depth == 0 { 0 } else { count };
                Given::List((0..count).map(|_| self.value(inner, depth - 1)).collect())
            }
            Kind::Named(name) => {
                let schema = self.schema;
                let Some(known) = schema.types.get(name) else { return Given::Null };
                if !known.values.is_empty() {
                    return Given::Name(known.values[self.dice.below(known.values.len())].clone());
                }
                if known.inputs.is_empty() {
                    return self.scalar(name);
                }
                let only = known.takes_one.then(|| self.dice.below(known.inputs.len()));
                let mut fields = Vec::new();
                for (at, input) in known.inputs.iter().enumerate() {
                    let wanted = match only {
                        Some(only) => only == at,
                        None => input.kind.must_be() || (depth > 0 && self.dice.chance(40)),
                    };
                    if wanted {
                        let inner = depth.saturating_sub(1);
                        let value = match only {
                            Some(_) => self.there(&input.kind, inner),
                            None => self.value(&input.kind, inner),
                        };
                        fields.push((input.name.clone(), value));
                    }
                }
                Given::Object(fields)
            }
        }
    }

    fn scalar(&mut self, name: &str) -> Given {
        let text = |text: &str| Given::Text(text.to_owned());
        match name {
            "Boolean" => Given::Bool(self.dice.chance(50)),
            "Int" if self.dice.chance(15) => Given::Number(self.dice.pick(&NUMBERS).to_owned()),
            "Int" => Given::Number(self.dice.between(0, 30).to_string()),
            "Float" => Given::Number(self.dice.pick(&NUMBERS).to_owned()),
            "Decimal" => text(self.dice.pick(&DECIMALS)),
            "Date" => text(self.dice.pick(&DAYS)),
            "DateTime" => text(self.dice.pick(&TIMES)),
            "ID" if self.dice.chance(85) => self.of_pool(true),
            _ => self.text(),
        }
    }

    fn of_pool(&mut self, is_id: bool) -> Given {
        let pool = if is_id { &self.pool.ids } else { &self.pool.texts };
        match pool.is_empty() {
            true => Given::Text("none".to_owned()),
            false => Given::Text(pool[self.dice.below(pool.len())].clone()),
        }
    }

    fn text(&mut self) -> Given {
        match self.dice.below(20) {
            0..9 => self.of_pool(false),
            9..14 => Given::Text(self.dice.pick(&TEXTS).to_owned()),
            14..19 => {
                let mut text = self.dice.pick(&["A-", "bolt ", "n"]).to_owned();
                write!(text, "{}", self.dice.below(1_000)).expect("a text");
                Given::Text(text)
            }
            _ => Given::Text(self.dice.pick(&TEXTS).repeat(self.dice.below(3_000))),
        }
    }

    /// A value of no type.
    fn anything(&mut self, depth: usize) -> Given {
        match self.dice.below(if depth == 0 { 6 } else { 8 }) {
            0 => Given::Null,
            1 => Given::Bool(true),
            2 | 3 => Given::Number(self.dice.pick(&NUMBERS).to_owned()),
            4 => self.text(),
            5 => Given::Name(self.dice.pick(&["NOTHING", "on", "__typename"]).to_owned()),
            6 => Given::List((0..self.dice.below(3)).map(|_| self.anything(depth - 1)).collect()),
            _ => Given::Object(vec![("id".to_owned(), self.anything(depth - 1))]),
        }
    }
}
