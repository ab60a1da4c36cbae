//! What every mutation does: execute a command, and tell what it left.

use std::marker::PhantomData;

use async_graphql::Context;
use commands::{Outcome, Request};

use super::caller;
use super::input::{Input, Sendable};
use crate::error::ApiError;
use crate::position;

/// Executes the command in a mutation's input.
pub(super) async fn execute<C: Sendable>(
    ctx: &Context<'_>,
    input: Input<C>,
) -> Result<Done<C>, ApiError> {
    let (app, caller) = caller::of(ctx)?;
    let command = input.command?;
    let context = caller.context(app, command.founds()).await?;
    let request = Request {
        key: caller.key(input.key)?,
        expected_version: input.expected_version,
        correlation: caller.correlation,
        command,
        context,
    };
    let outcome = app.executor.execute(request).await.map_err(|error| {
        match (ApiError::from(error), &caller.organization) {
            (refused, Some(slug)) if refused.field.as_deref() == Some("organization") => {
                caller::unknown(slug)
            }
            (refused, _) => refused,
        }
    })?;
    ctx.insert_http_header("millrace-position", position::encode(outcome.position));
    let organization = context.organization;
    let access = events::access::Access { organization, actor: context.actor, as_of: None };
    Ok(Done { outcome, access, command: PhantomData })
}

/// What a command left.
pub(super) struct Done<C> {
    pub(super) outcome: Outcome,
    pub(super) access: events::access::Access,
    command: PhantomData<fn() -> C>,
}

/// The record; or null and its error beside it: the mutation is done, whatever becomes of showing
/// what it did.
pub(super) fn shown<T>(ctx: &Context<'_>, found: Result<Option<T>, ApiError>) -> Option<T> {
    found.unwrap_or_else(|error| {
        let error = async_graphql::Error::from(error).into_server_error(ctx.item.pos);
        ctx.add_error(ctx.set_error_path(error));
        None
    })
}

/// Declares the mutations of a feature: a line each, `field: Command`. The payload of each shows
/// the changed record, if the client selects it and it is readable in time.
macro_rules! mutations {
    (
        $mutations:ident, $payload:ident shows $record:ident: $shown:ty
            = $find:path, $reads:expr;
        $( $(#[$doc:meta])* $field:ident: $command:ty, )+
    ) => {
        /// The mutations of this feature.
        #[derive(Default)]
        pub struct $mutations;

        #[async_graphql::Object]
        impl $mutations {
            $(
                $(#[$doc])*
                async fn $field(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    input: $crate::graphql::input::Input<$command>,
                ) -> async_graphql::Result<$payload<$command>> {
                    Ok($payload($crate::graphql::mutation::execute(ctx, input).await?))
                }
            )+
        }

        /// What a command left.
        pub struct $payload<C>($crate::graphql::mutation::Done<C>);

        impl<C: $crate::graphql::input::Sendable> async_graphql::TypeName for $payload<C> {
            fn type_name() -> std::borrow::Cow<'static, str> {
                format!("{}Payload", $crate::graphql::input::name::<C>()).into()
            }
        }

        /// What the command did, and the record as it left it.
        #[async_graphql::Object(name_type)]
        impl<C: $crate::graphql::input::Sendable> $payload<C> {
            /// Hand it to a query as `atLeast`, and the query sees what this command did.
            async fn position(&self) -> String {
                $crate::position::encode(self.0.outcome.position)
            }

            /// Whether an earlier request with the same idempotency key had done it already.
            async fn repeated(&self) -> bool {
                self.0.outcome.repeated
            }

            /// The id of the record that it changed; not called `id`, for clients that keep
            /// whatever has one by it would take this answer for the record.
            async fn record_id(&self) -> async_graphql::ID {
                self.0.outcome.id.into()
            }

            /// The record as it is now; null with the error PENDING, if it is not readable in
            /// time: it was done all the same.
            async fn $record(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> async_graphql::Result<Option<$shown>> {
                let (app, _) = $crate::graphql::caller::of(ctx)?;
                let (done, reads) = (&self.0, $reads);
                let readable = app.reader.at_least(reads, Some(done.outcome.position)).await;
                let found = match readable {
                    Ok(()) => $find(app, &done.access, done.outcome.id).await,
                    Err(error) => Err(error.into()),
                };
                Ok($crate::graphql::mutation::shown(ctx, found))
            }
        }
    };
}

pub(super) use mutations;
