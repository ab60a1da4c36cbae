//! Gives every error of GraphQL itself a code of the error table.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextRequest,
    NextSubscribe, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, Response, ServerError, ServerResult, ValidationResult, Variables,
    async_trait,
};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::Executed;
use crate::error::Code;

/// The limits, to be named where one is exceeded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    pub(super) depth: usize,
    pub(super) complexity: usize,
}

impl ExtensionFactory for Codes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

impl Codes {
    fn coded(self, mut error: ServerError) -> ServerError {
        let too_deep_to_parse = error.message.contains("stack limit reached");
        shorten(&mut error.message);
        let code = if error.message.contains("too deep") {
            error.message = format!("{} At most {} levels are allowed.", error.message, self.depth);
            Code::QueryTooDeep
        } else if error.message.contains("recursion") || too_deep_to_parse {
            error.message =
                format!("Query is too deep. At most {} levels are allowed.", self.depth);
            Code::QueryTooDeep
        } else if error.message.contains("too complex") {
            error.message = format!(
                "{} At most {} fields are allowed; a list counts its fields for each record.",
                error.message, self.complexity,
            );
            Code::QueryTooComplex
        } else {
            Code::InvalidQuery
        };
        set(&mut error, code);
        error
    }
}

/// Gives an error a code, unless it has one.
fn set(error: &mut ServerError, code: Code) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code.name());
    }
}

fn invalid_query(mut response: Response) -> Response {
    for error in &mut response.errors {
        set(error, Code::InvalidQuery);
    }
    response
}

/// The parser shows the line that it stumbled over, however long it is.
fn shorten(message: &mut String) {
    const CHARACTERS_MAX: usize = 400;
    if let Some((end, _)) = message.char_indices().nth(CHARACTERS_MAX) {
        message.truncate(end);
        message.push('…');
    }
}

#[async_trait::async_trait]
impl Extension for Codes {
    /// What is found between parsing and running, such as an operation that nobody chose.
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        invalid_query(next.run(ctx).await)
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        next.run(ctx, stream).map(invalid_query).boxed()
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        next.run(ctx, query, variables).await.map_err(|error| self.coded(error))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let validated = next.run(ctx).await;
        validated.map_err(|errors| errors.into_iter().map(|error| self.coded(error)).collect())
    }

    /// What is left without a code is an argument that does not have its type.
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(executed) = ctx.data_opt::<Executed>() {
            executed.begins();
        }
        let mut response = next.run(ctx, operation_name).await;
        for error in &mut response.errors {
            set(error, Code::InvalidInput);
        }
        response
    }
}
