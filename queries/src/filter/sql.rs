//! A filter as SQL. Values are parameters, never text; what is negated is turned into its opposite,
//! so that nothing is neither true nor false.

use tokio_postgres::types::{ToSql, Type};

use super::{Filter, Test, Value};
use crate::Param;
use crate::fields::{Field, Kind};

/// A condition and its parameters.
pub(crate) struct Sql {
    text: String,
    /// How many parameters the statement has beside these, before them.
    others: usize,
    params: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Sql {
    /// The condition that a filter is, in a statement with so many parameters of its own.
    pub(crate) fn of(filter: &Filter, others: usize) -> Self {
        let mut sql = Self { text: String::new(), others, params: Vec::new() };
        sql.write(filter, true);
        sql
    }

    /// The condition.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A parameter to be named in the text, with its type.
    pub(crate) fn param(
        &mut self,
        value: impl ToSql + Sync + Send + 'static,
        sort: Type,
    ) -> String {
        let cast = sort.name().to_owned();
        self.params.push((Box::new(value), sort));
        let number = self.others + self.params.len();
        match cast.strip_prefix('_') {
            Some(of) => format!("${number}::{of}[]"),
            None => format!("${number}::{cast}"),
        }
    }

    /// Its parameters.
    pub(crate) fn params(&self) -> impl Iterator<Item = (Param<'_>, Type)> {
        self.params.iter().map(|(value, sort)| (&**value as Param<'_>, sort.clone()))
    }

    /// More text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn write(&mut self, filter: &Filter, wanted: bool) {
        match filter {
            Filter::All(all) => self.join(all, wanted, if wanted { " and " } else { " or " }),
            Filter::Any(any) => self.join(any, wanted, if wanted { " or " } else { " and " }),
            Filter::Not(one) => self.write(one, !wanted),
            Filter::Field(field, test) => {
                let condition = self.test(field, test, wanted);
                self.push(&condition);
            }
        }
    }

    fn join(&mut self, filters: &[Filter], wanted: bool, between: &str) {
        if filters.is_empty() {
            // All of none hold, none of none does.
            return self.push(if between == " and " { "true" } else { "false" });
        }
        self.push("(");
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            self.write(filter, wanted);
        }
        self.push(")");
    }

    fn test(&mut self, field: &Field, test: &Test, wanted: bool) -> String {
        let column = column(field);
        // What differs holds something else or nothing.
        let or_null = |opposite: String| match field.nullable {
            true => format!("({opposite} or {column} is null)"),
            false => opposite,
        };
        let always = |holds: bool| (holds == wanted).to_string();
        match test {
            Test::Ne(value) => self.test(field, &Test::Eq(value.clone()), !wanted),
            Test::Eq(value) if beyond(value).is_some() => always(false),
            Test::Eq(value) => {
                let value = self.value(field, value);
                match wanted {
                    true => format!("{column} = {value}"),
                    false => or_null(format!("{column} <> {value}")),
                }
            }
            Test::In(values) => {
                let values = self.values(field, values);
                match wanted {
                    true => format!("{column} = any({values})"),
                    false => or_null(format!("{column} <> all({values})")),
                }
            }
            Test::Lt(value) => self.compared(field, ["<", ">="], value, wanted),
            Test::Lte(value) => self.compared(field, ["<=", ">"], value, wanted),
            Test::Gt(value) => self.compared(field, [">", "<="], value, wanted),
            Test::Gte(value) => self.compared(field, [">=", "<"], value, wanted),
            Test::Contains(part) | Test::StartsWith(part) if part.contains('\0') => always(false),
            Test::Contains(part) => {
                let part = self.param(format!("%{}%", escaped(&fold(field, part))), Type::TEXT);
                match wanted {
                    true => format!("{column} like {part}"),
                    false => or_null(format!("{column} not like {part}")),
                }
            }
            Test::StartsWith(start) => self.starting(field, &fold(field, start), wanted),
            Test::IsNull(null) if *null == wanted => format!("{column} is null"),
            Test::IsNull(_) => format!("{column} is not null"),
        }
    }

    fn compared(
        &mut self,
        field: &Field,
        [sign, opposite]: [&'static str; 2],
        value: &Value,
        wanted: bool,
    ) -> String {
        let column = column(field);
        let (mut sign, mut opposite) = (sign, opposite);
        let cut = beyond(value);
        if cut.is_some() {
            // Whatever begins as the text up to its NUL and goes on is greater.
            let less = sign.starts_with('<');
            (sign, opposite) = if less { ("<=", ">") } else { (">", "<=") };
        }
        let value = self.value(field, cut.as_ref().unwrap_or(value));
        match (wanted, field.nullable) {
            (true, _) => format!("{column} {sign} {value}"),
            (false, true) => format!("({column} {opposite} {value} or {column} is null)"),
            (false, false) => format!("{column} {opposite} {value}"),
        }
    }

    /// As a range, which an index in order of code points can find.
    fn starting(&mut self, field: &Field, start: &str, wanted: bool) -> String {
        let column = column(field);
        if start.is_empty() {
            return format!("{column} is {}null", if wanted { "not " } else { "" });
        }
        let from = self.param(start.to_owned(), Type::TEXT);
        let to = after(start).map(|to| self.param(to, Type::TEXT));
        let (inside, outside) = match to {
            Some(to) => (
                format!("({column} >= {from} and {column} < {to})"),
                format!("{column} < {from} or {column} >= {to}"),
            ),
            None => (format!("{column} >= {from}"), format!("{column} < {from}")),
        };
        match (wanted, field.nullable) {
            (true, _) => inside,
            (false, true) => format!("({outside} or {column} is null)"),
            (false, false) => format!("({outside})"),
        }
    }

    /// A value as a parameter.
    pub(crate) fn value(&mut self, field: &Field, value: &Value) -> String {
        match value {
            Value::Id(id) => self.param(*id, Type::UUID),
            Value::Text(text) => self.param(fold(field, text), Type::TEXT),
            Value::Truth(truth) => self.param(*truth, Type::BOOL),
            Value::Whole(number) => self.param(*number, Type::INT8),
            Value::Number(number) => self.param(*number, Type::NUMERIC),
            Value::Day(day) => self.param(*day, Type::DATE),
            Value::Time(time) => self.param(*time, Type::TIMESTAMPTZ),
        }
    }

    fn values(&mut self, field: &Field, values: &[Value]) -> String {
        macro_rules! array {
            ($variant:path, $sort:expr) => {{
                let of = |value: &Value| match value {
                    $variant(value) => Some(value.clone()),
                    _ => None,
                };
                self.param(values.iter().filter_map(of).collect::<Vec<_>>(), $sort)
            }};
        }
        match field.kind {
            Kind::Id => array!(Value::Id, Type::UUID_ARRAY),
            Kind::Text | Kind::Word(_) => {
                let text = |value: &Value| match value {
                    Value::Text(text) => Some(fold(field, text)),
                    _ => None,
                };
                // No record holds a NUL.
                let texts = values.iter().filter_map(text).filter(|text| !text.contains('\0'));
                self.param(texts.collect::<Vec<_>>(), Type::TEXT_ARRAY)
            }
            Kind::Truth => array!(Value::Truth, Type::BOOL_ARRAY),
            Kind::Whole => array!(Value::Whole, Type::INT8_ARRAY),
            Kind::Number => array!(Value::Number, Type::NUMERIC_ARRAY),
            Kind::Day => array!(Value::Day, Type::DATE_ARRAY),
            Kind::Time => array!(Value::Time, Type::TIMESTAMPTZ_ARRAY),
        }
    }
}

/// A column as it is compared: texts by their code points, whatever the database's language is.
pub(crate) fn column(field: &Field) -> String {
    match field.kind {
        Kind::Text if field.folded => format!("lower({} collate \"C\")", field.column),
        Kind::Text | Kind::Word(_) => format!("{} collate \"C\"", field.column),
        _ => field.column.to_owned(),
    }
}

fn fold(field: &Field, text: &str) -> String {
    if field.folded { text.to_ascii_lowercase() } else { text.to_owned() }
}

/// A text with a NUL, which PostgreSQL has none of: what stands before it.
fn beyond(value: &Value) -> Option<Value> {
    let Value::Text(text) = value else { return None };
    let (before, _) = text.split_once('\0')?;
    Some(Value::Text(before.to_owned()))
}

/// The first text behind all that begin with this; none, if there is none.
fn after(start: &str) -> Option<String> {
    let mut chars: Vec<char> = start.chars().collect();
    while let Some(last) = chars.pop() {
        // Between these two there are no characters.
        let next =
            if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// A text in which nothing is a wildcard.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
