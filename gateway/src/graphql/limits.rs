//! Bounds of a document that are looked at before anything else is done with it, whichever way it
//! came in. Depth and complexity, which take the schema, are async-graphql's to count.

mod counting;

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Pos, Request, ServerError, ServerResult, async_trait};

use self::counting::{Counted, introspects, lists_nest, root_fields};
use crate::config::Config;
use crate::error::{ApiError, Code};

/// How deep fields and fragments may nest at all: far deeper than any query that is allowed, and
/// shallow enough to be walked.
pub(super) const NESTING_MAX: usize = 64;

/// Looks at a document before it is validated: validating puts fragments in wherever they are
/// named, which takes twice as long with each of them that names the next one twice.
#[derive(Clone)]
pub(super) struct Limits(pub(super) Arc<Config>);

impl ExtensionFactory for Limits {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Extension for Limits {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        // What is not GraphQL is told where it is parsed.
        if let Ok(document) = request.parsed_query() {
            self.check(document).map_err(shown)?;
        }
        next.run(ctx, request).await
    }
}

impl Limits {
    fn check(&self, document: &ExecutableDocument) -> Result<(), ApiError> {
        let limits = &self.0.graphql;
        let Some(counted) = Counted::of(document, NESTING_MAX) else {
            let depth = limits.depth_max;
            let message = format!("Query is too deep. At most {depth} levels are allowed.");
            return Err(ApiError::new(Code::QueryTooDeep, message));
        };
        for (found, max, code, what, setting) in [
            (
                counted.selections,
                limits.selections_max,
                Code::QueryTooComplex,
                "selections: fields and fragments, each as often as it is named",
                "selections_max",
            ),
            (counted.aliases, limits.aliases_max, Code::TooManyAliases, "aliases", "aliases_max"),
            (
                counted.directives,
                limits.directives_max,
                Code::TooManyDirectives,
                "directives",
                "directives_max",
            ),
        ] {
            within(found, max, code, what, setting)?;
        }
        for (_, operation) in document.operations.iter() {
            let fields = root_fields(document, &operation.node.selection_set.node);
            let (found, max) = (fields.len(), limits.root_fields_max);
            let what = "fields at the top of an operation";
            within(found, max, Code::TooManyRootFields, what, "root_fields_max")?;
            for field in fields.into_iter().filter(|field| introspects(field)) {
                if !limits.introspection {
                    let message = "introspection is switched off (`graphql.introspection`); the \
                        schema comes with the program";
                    return Err(ApiError::new(Code::IntrospectionDisabled, message));
                }
                if lists_nest(document, &field.selection_set.node, 0) {
                    let message = "introspection goes from types to fields to types and so on; \
                        at most two such lists may stand in each other";
                    return Err(ApiError::new(Code::QueryTooDeep, message));
                }
            }
        }
        Ok(())
    }
}

fn within(found: usize, max: usize, code: Code, what: &str, setting: &str) -> Result<(), ApiError> {
    if found <= max {
        return Ok(());
    }
    let message = format!(
        "the document has {found} {what}; at most {max} are allowed (`graphql.{setting}`): split \
         it into several requests",
    );
    Err(ApiError::new(code, message))
}

/// It is about the whole document, not a place in it.
fn shown(error: ApiError) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    error
}
