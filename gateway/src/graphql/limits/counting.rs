//! Counts what stands in a document, in time that grows with the document alone, however often its
//! fragments name each other. What may stand there is not decided here.

use std::collections::{HashMap, HashSet};

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

/// What stands in a document.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// Fields and fragments of all operations, with fragments put in wherever they are named.
    pub(super) selections: usize,
    /// Fields that are given another name, in operations and fragments.
    pub(super) aliases: usize,
    /// Directives of operations, variables, fields and fragments.
    pub(super) directives: usize,
}

impl Counted {
    /// What stands in a document; none, if something nests deeper than that, or a fragment stands
    /// in itself.
    pub(super) fn of(document: &ExecutableDocument, nesting_max: usize) -> Option<Self> {
        let mut walk =
            Walk { document, nesting_max, fragments: HashMap::new(), counted: Self::default() };
        let mut selections = 0_usize;
        for (_, operation) in document.operations.iter() {
            let operation = &operation.node;
            let variables = operation.variable_definitions.iter();
            walk.counted.directives += operation.directives.len();
            walk.counted.directives +=
                variables.map(|variable| variable.node.directives.len()).sum::<usize>();
            let found = walk.selections(&operation.selection_set.node, 0)?;
            selections = selections.saturating_add(found);
        }
        // Those that nobody names are refused, but only after they were looked at.
        for name in document.fragments.keys() {
            if !walk.fragments.contains_key(name) {
                selections = selections.saturating_add(walk.fragment(name, 0)?);
            }
        }
        Some(Self { selections, ..walk.counted })
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    nesting_max: usize,
    /// What fragments come to; none of those that are being walked.
    fragments: HashMap<&'a Name, Option<usize>>,
    counted: Counted,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, set: &'a SelectionSet, nesting: usize) -> Option<usize> {
        if set.items.is_empty() {
            return Some(0);
        }
        let inner = nesting.checked_add(1).filter(|_| nesting <= self.nesting_max)?;
        let mut count = set.items.len();
        for selection in &set.items {
            self.counted.directives += selection.node.directives().len();
            let below = match &selection.node {
                Selection::Field(field) => {
                    self.counted.aliases += usize::from(field.node.alias.is_some());
                    self.selections(&field.node.selection_set.node, inner)?
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.node.selection_set.node, inner)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, inner)?
                }
            };
            count = count.saturating_add(below);
        }
        Some(count)
    }

    /// What a fragment comes to: it is walked once. One that is not there is the schema's to tell.
    fn fragment(&mut self, name: &'a Name, nesting: usize) -> Option<usize> {
        if let Some(walked) = self.fragments.get(name) {
            return *walked;
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Some(0);
        };
        self.fragments.insert(name, None);
        self.counted.directives += fragment.node.directives.len();
        let found = self.selections(&fragment.node.selection_set.node, nesting)?;
        self.fragments.insert(name, Some(found));
        Some(found)
    }
}

/// The fields at the top of an operation, also those that stand in fragments.
pub(super) fn root_fields<'a>(
    document: &'a ExecutableDocument,
    operation: &'a SelectionSet,
) -> Vec<&'a Field> {
    let (mut fields, mut sets, mut seen) = (Vec::new(), vec![operation], HashSet::new());
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => fields.push(&field.node),
                Selection::InlineFragment(fragment) => {
                    sets.push(&fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && seen.insert(name)
                    {
                        sets.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    fields
}

/// Whether a field at the top asks for the schema.
pub(super) fn introspects(field: &Field) -> bool {
    matches!(field.name.node.as_str(), "__schema" | "__type")
}

/// The lists of the schema that lead from a type to others. graphql-js has the same ones
/// (`MaxIntrospectionDepthRule`).
const LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// How many of them may not stand in each other: each makes the answer many times as large.
const LISTS_NESTED: usize = 3;

/// Whether so many of these lists stand in each other. The document is known not to come to too
/// many selections.
pub(super) fn lists_nest(document: &ExecutableDocument, set: &SelectionSet, above: usize) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let lists = above + usize::from(LISTS.contains(&field.node.name.node.as_str()));
            lists >= LISTS_NESTED || lists_nest(document, &field.node.selection_set.node, lists)
        }
        Selection::InlineFragment(fragment) => {
            lists_nest(document, &fragment.node.selection_set.node, above)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.is_some_and(|it| lists_nest(document, &it.node.selection_set.node, above))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql::parser::parse_query;

    use super::*;

    fn counted(query: &str) -> Option<Counted> {
        Counted::of(&parse_query(query).unwrap(), 64)
    }

    #[test]
    fn fragments_count_as_often_as_they_are_named_and_what_stands_in_them_once() {
        let query = "query($a: Int @x) @x { b: a @x ... @x { a } ...f ...f } \
            fragment f on Query @x { c: a @x }";
        let expected = Counted { selections: 7, aliases: 2, directives: 6 };
        assert_eq!(counted(query), Some(expected));
        let several = counted("query a { a } query b { a b } fragment unused on Query { c }");
        assert_eq!(several.map(|counted| counted.selections), Some(4));
    }

    #[test]
    fn fragments_that_double_each_other_are_counted_without_being_put_in() {
        let mut query = "{ ...f0 } ".to_owned();
        for n in 0..60 {
            write!(query, "fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1).unwrap();
        }
        query.push_str("fragment f60 on Query { a }");
        assert!(counted(&query).is_some_and(|counted| counted.selections > 1 << 60));
    }

    #[test]
    fn what_nests_too_deep_or_in_itself_is_not_counted() {
        let nested = |levels| format!("{}a{}", "{ a ".repeat(levels), " }".repeat(levels));
        let counted_within = |query: &str, max| Counted::of(&parse_query(query).unwrap(), max);
        assert!(counted_within(&nested(11), 10).is_some());
        assert!(counted_within(&nested(12), 10).is_none());
        assert!(counted("{ ...f } fragment f on Query { a { ...f } }").is_none());
        assert!(counted("{ ...nobody }").is_some());
        let chain = "{ ...f } fragment f on Query { ...g } fragment g on Query { a }";
        assert!(counted_within(chain, 2).is_some());
        assert!(counted_within(chain, 1).is_none());
    }

    #[test]
    fn root_fields_are_found_in_fragments_too() {
        let query = "{ a ...f ...f ... { c } } fragment f on Query { b ...f }";
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let fields = root_fields(&document, &operation.node.selection_set.node);
        let names: HashSet<&str> = fields.iter().map(|field| field.name.node.as_str()).collect();
        assert_eq!((fields.len(), names), (3, HashSet::from(["a", "b", "c"])));
    }
}
