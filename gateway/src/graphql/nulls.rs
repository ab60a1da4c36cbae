//! Null where a field failed: async-graphql leaves such a field out, and clients that keep answers
//! take what is left out for a mistake. (GraphQL's specification, 6.4.4: handling field errors.)

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest,
};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::registry::Registry;
use async_graphql::{Name, PathSegment, Request, Response, ServerResult, Value, async_trait};

/// Puts nulls into answers with errors.
pub(super) struct Nulls;

impl ExtensionFactory for Nulls {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Asked(OnceLock::new()))
    }
}

/// What was asked, to be looked at again if something failed.
struct Asked(OnceLock<String>);

#[async_trait::async_trait]
impl Extension for Asked {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.0.get_or_init(|| request.query.clone());
        next.run(ctx, request).await
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        if response.errors.is_empty() {
            // All of it was skipped.
            if response.data == Value::Null {
                response.data = Value::Object(IndexMap::new());
            }
        } else if let Some(document) = self.0.get().and_then(|query| parse_query(query).ok()) {
            let shape = Shape { registry: &ctx.schema_env.registry, document: &document };
            shape.complete(&mut response, operation_name);
        }
        response
    }
}

/// What an answer has to look like.
struct Shape<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
}

/// A selection set, and the type that it selects from.
type Selected<'a> = (&'a SelectionSet, String);

impl<'a> Shape<'a> {
    fn complete(&self, response: &mut Response, operation_name: Option<&str>) {
        let Some((operation, root)) = self.operation(operation_name) else { return };
        let Response { data, errors, .. } = response;
        for error in &*errors {
            fill(data, &error.path);
        }
        let sets = [(&operation.selection_set.node, root.clone())];
        for error in errors {
            self.settle(data, &root, &sets, &error.path);
        }
    }

    fn operation(&self, name: Option<&str>) -> Option<(&'a OperationDefinition, String)> {
        let mut operations = self.document.operations.iter();
        let wanted = |found: Option<&str>| name.is_none() || found == name;
        let (_, operation) = operations.find(|(found, _)| wanted(found.map(|it| it.as_str())))?;
        let root = match operation.node.ty {
            OperationType::Query => Some(&self.registry.query_type),
            OperationType::Mutation => self.registry.mutation_type.as_ref(),
            OperationType::Subscription => self.registry.subscription_type.as_ref(),
        };
        Some((&operation.node, root?.clone()))
    }

    /// Puts null in the place of what has a null at this path that may not be one. Whether the
    /// value may be what it is then.
    fn settle(
        &self,
        value: &mut Value,
        kind: &str,
        sets: &[Selected<'a>],
        path: &[PathSegment],
    ) -> bool {
        let may_be_null = !kind.ends_with('!');
        let kind = kind.trim_end_matches('!');
        let may_stay = match (&mut *value, path.split_first()) {
            (Value::Object(fields), Some((PathSegment::Field(key), rest))) => {
                match (fields.get_mut(key.as_str()), self.field(sets, key)) {
                    (Some(value), Some((kind, sets))) => self.settle(value, &kind, &sets, rest),
                    _ => true,
                }
            }
            (Value::List(elements), Some((PathSegment::Index(index), rest))) => {
                let kind = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']'));
                match (elements.get_mut(*index), kind) {
                    (Some(element), Some(kind)) => self.settle(element, kind, sets, rest),
                    _ => true,
                }
            }
            (value, _) => *value != Value::Null,
        };
        if !may_stay {
            *value = Value::Null;
        }
        may_stay || may_be_null
    }

    /// The field of this name in an answer: its type, and what is selected from that.
    fn field(&self, sets: &[Selected<'a>], key: &str) -> Option<(String, Vec<Selected<'a>>)> {
        let (mut found, mut open) = (None, sets.to_vec());
        while let Some((set, of)) = open.pop() {
            for selection in &set.items {
                match &selection.node {
                    Selection::Field(field) if field.node.response_key().node == key => {
                        let known = self.registry.types.get(&of)?;
                        let kind = &known.field_by_name(&field.node.name.node)?.ty;
                        let (_, below) = found.get_or_insert_with(|| (kind.clone(), Vec::new()));
                        let named = kind.replace(['[', ']', '!'], "");
                        below.push((&field.node.selection_set.node, named));
                    }
                    Selection::Field(_) => {}
                    Selection::InlineFragment(fragment) => {
                        let on = fragment.node.type_condition.as_ref();
                        let on = on.map_or(of.clone(), |on| on.node.on.node.to_string());
                        open.push((&fragment.node.selection_set.node, on));
                    }
                    Selection::FragmentSpread(spread) => {
                        let name = &spread.node.fragment_name.node;
                        let fragment = &self.document.fragments.get(name)?.node;
                        let on = fragment.type_condition.node.on.node.to_string();
                        open.push((&fragment.selection_set.node, on));
                    }
                }
            }
        }
        found
    }
}

/// Puts null at a path where nothing is. An object of which everything failed is null itself, and
/// becomes one again.
fn fill(value: &mut Value, path: &[PathSegment]) {
    if let (Value::Null, Some(PathSegment::Field(_))) = (&*value, path.first()) {
        *value = Value::Object(IndexMap::new());
    }
    match (value, path.split_first()) {
        (Value::Object(fields), Some((PathSegment::Field(key), rest))) => {
            fill(fields.entry(Name::new(key)).or_default(), rest);
        }
        (Value::List(elements), Some((PathSegment::Index(index), rest))) => {
            if let Some(element) = elements.get_mut(*index) {
                fill(element, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Error, Object, Schema};
    use serde_json::json;

    use super::*;

    struct Query;

    struct Part;

    #[Object]
    impl Part {
        async fn fine(&self) -> i32 {
            1
        }

        async fn may_fail(&self) -> Result<Option<i32>, Error> {
            Err(Error::new("it failed"))
        }

        async fn must_not_fail(&self) -> Result<i32, Error> {
            Err(Error::new("it failed"))
        }

        async fn parts(&self) -> Vec<Option<Self>> {
            vec![Some(Self), None, Some(Self)]
        }

        async fn all_parts(&self) -> Option<Vec<Self>> {
            Some(vec![Self, Self])
        }

        async fn part(&self) -> Self {
            Self
        }
    }

    #[Object]
    impl Query {
        async fn part(&self) -> Option<Part> {
            Some(Part)
        }

        async fn whole(&self) -> Part {
            Part
        }
    }

    #[tokio::test]
    async fn an_answer_of_which_all_is_skipped_is_empty() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(Nulls);
        let response = schema.finish().execute("{ whole @skip(if: true) { fine } }").await;
        assert_eq!(serde_json::to_value(response).unwrap(), json!({ "data": {} }));
    }

    #[tokio::test]
    async fn what_failed_is_null_or_what_it_stands_in() {
        let failed = json!({ "part": null });
        for (query, data) in [
            ("{ part { fine mayFail } }", json!({ "part": { "fine": 1, "mayFail": null } })),
            (
                "{ part { mustNotFail mayFail } whole { fine } }",
                json!({ "part": null, "whole": { "fine": 1 } }),
            ),
            ("{ part { a: mayFail } }", json!({ "part": { "a": null } })),
            ("{ part { mustNotFail fine } }", failed.clone()),
            ("{ part { part { part { mustNotFail } } } }", failed.clone()),
            ("{ whole { mustNotFail } }", json!(null)),
            ("{ whole { mustNotFail } part { fine } }", json!(null)),
            (
                "{ part { parts { mustNotFail } } }",
                json!({ "part": { "parts": [null, null, null] } }),
            ),
            ("{ part { allParts { mustNotFail fine } } }", json!({ "part": { "allParts": null } })),
            (
                "{ part { a: allParts { fine ...f } } } fragment f on Part { b: mayFail }",
                json!({ "part": { "a": [{ "fine": 1, "b": null }, { "fine": 1, "b": null }] } }),
            ),
            (
                "query a { whole { fine mayFail } } query b { whole { fine } }",
                json!({ "whole": { "fine": 1, "mayFail": null } }),
            ),
        ] {
            let request = Request::new(query);
            let request = match query.starts_with("query a") {
                true => request.operation_name("a"),
                false => request,
            };
            let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(Nulls);
            let response = schema.finish().execute(request).await;
            assert!(!response.errors.is_empty(), "{query}");
            assert_eq!(serde_json::to_value(response.data).unwrap(), data, "{query}");
        }
    }
}
