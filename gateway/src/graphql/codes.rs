//! Gives every error of GraphQL itself a code of the error table.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, ServerError, ServerResult, ValidationResult, Variables, async_trait,
};

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
        let code = if error.message.contains("too deep") {
            error.message = format!("{} At most {} levels are allowed.", error.message, self.depth);
            Code::QueryTooDeep
        } else if error.message.contains("recursion depth") {
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
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", code.name());
        }
        error
    }
}

#[async_trait::async_trait]
impl Extension for Codes {
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
}
