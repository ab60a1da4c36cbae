//! Documents made up from the schema: operations with fields, arguments, aliases, fragments,
//! variables and directives.

use std::fmt::Write;

use harness::Dice;

use super::schema::{Input, Kind, Schema};
use super::values::{Given, Pool, Values};

/// What is sent: a document and its variables, which may not be JSON.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) query: String,
    pub(super) variables: String,
}

/// Makes a document up.
pub(super) fn written(schema: &Schema, dice: &mut Dice, pool: &Pool) -> Asked {
    let (odd, plain) = (dice.pick(&[0, 0, 0, 1, 8]), dice.chance(40));
    let mut writer = Writer {
        values: Values { schema, dice, pool, odd },
        plain,
        names: 0,
        fragments: Vec::new(),
        variables: Vec::new(),
    };
    writer.document()
}

struct Writer<'a> {
    values: Values<'a>,
    /// Without fragments, variables and directives.
    plain: bool,
    names: usize,
    fragments: Vec<(String, String, String)>,
    variables: Vec<(String, Kind, Given)>,
}

impl Writer<'_> {
    fn document(&mut self) -> Asked {
        let roots = &self.values.schema.roots;
        // As often as there is something to see.
        let root = self.values.dice.pick(&[0, 0, 0, 0, 0, 1, 1, 1, 2]).min(roots.len() - 1);
        let (kind, from) = roots[root].clone();
        let depth = self.values.dice.below(6) + 2;
        let fields = if kind == "query" { self.values.dice.below(3) + 1 } else { 1 };
        let selected = self.selections(&from, depth, fields);
        let declared = self.declared();
        let mut query = format!("{kind} Asked{declared} {selected}");
        for (name, on, selected) in &self.fragments {
            write!(query, " fragment {name} on {on} {selected}").expect("a text");
        }
        let given =
            |(name, _, value): &(String, Kind, Given)| format!("\"{name}\":{}", value.json());
        let variables: Vec<String> = self.variables.iter().map(given).collect();
        Asked { query, variables: format!("{{{}}}", variables.join(",")) }
    }

    fn declared(&mut self) -> String {
        let written =
            |(name, kind, _): &(String, Kind, Given)| format!("${name}: {}", kind.written());
        let all: Vec<String> = self.variables.iter().map(written).collect();
        if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) }
    }

    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}{}", self.names)
    }

    fn selections(&mut self, from: &str, depth: usize, count: usize) -> String {
        let mut written = String::from("{ ");
        for _ in 0..count {
            let one = self.selection(from, depth);
            written.push_str(&one);
            written.push(' ');
        }
        written.push('}');
        written
    }

    fn selection(&mut self, from: &str, depth: usize) -> String {
        let kinds = if self.plain || depth < 2 { 1 } else { 12 };
        match self.values.dice.below(kinds) {
            0..9 => self.field(from, depth),
            9 => {
                let (on, directive) = (self.narrowed(from), self.directive());
                format!("... on {on}{directive} {}", self.selections(&on, depth - 1, 2))
            }
            10 => {
                let on = self.narrowed(from);
                let selected = self.selections(&on, depth - 1, 2);
                let name = self.name("Part");
                let spread = format!("...{name}{}", self.directive());
                self.fragments.push((name, on, selected));
                spread
            }
            _ => format!("{}: __typename", self.name("t")),
        }
    }

    /// The type itself, or one that it may be.
    fn narrowed(&mut self, from: &str) -> String {
        let possible = &self.values.schema.types[from].possible;
        match possible.is_empty() || self.values.dice.chance(20) {
            true => from.to_owned(),
            false => possible[self.values.dice.below(possible.len())].clone(),
        }
    }

    fn field(&mut self, from: &str, depth: usize) -> String {
        let schema = self.values.schema;
        let fields = &schema.types[from].fields;
        let fitting: Vec<_> = fields
            .iter()
            .filter(|field| depth > 0 || !schema.has_fields(field.kind.name()))
            .collect();
        let Some(field) = (!fitting.is_empty()).then(|| self.values.dice.pick(&fitting)) else {
            return "__typename".to_owned();
        };
        let mut written = String::new();
        if !field.args.is_empty() || self.values.dice.chance(10) {
            // Two of one name with other arguments would not be a document.
            write!(written, "{}: ", self.name("a")).expect("a text");
        }
        written.push_str(&field.name);
        let arguments = self.arguments(&field.args);
        written.push_str(&arguments);
        written.push_str(&self.directive());
        let name = field.kind.name();
        if schema.has_fields(name) {
            let count = self.values.dice.below(4) + 1;
            written.push(' ');
            written.push_str(&self.selections(name, depth.saturating_sub(1), count));
        }
        written
    }

    fn arguments(&mut self, args: &[Input]) -> String {
        let mut given = Vec::new();
        for arg in args {
            if arg.kind.must_be() || self.values.dice.chance(35) {
                let value = self.given(&arg.kind);
                given.push(format!("{}: {}", arg.name, value.literal()));
            }
        }
        if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
    }

    /// A value, or a variable that has it.
    fn given(&mut self, kind: &Kind) -> Given {
        let value = self.values.value(kind, 4);
        if self.plain || !self.values.dice.chance(50) {
            return value;
        }
        let name = self.name("v");
        self.variables.push((name.clone(), kind.clone(), value));
        Given::Name(format!("${name}"))
    }

    fn directive(&mut self) -> String {
        if self.plain || !self.values.dice.chance(8) {
            return String::new();
        }
        let name = self.values.dice.pick(&["skip", "include"]);
        let value = self.given(&Kind::NonNull(Box::new(Kind::Named("Boolean".to_owned()))));
        format!(" @{name}(if: {})", value.literal())
    }
}
