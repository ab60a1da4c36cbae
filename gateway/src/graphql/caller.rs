//! Who calls, in which organization, for which request: made once a request, from its headers or
//! from `connection_init`.

use std::sync::Arc;

use async_graphql::Context;
use axum::http::HeaderMap;
use commands::Context as CommandContext;
use events::access::Access;
use events::words::{Actor, OrganizationId, Position};
use uuid::Uuid;

use super::as_of::AsOf;
use crate::app::{App, fresh_id};
use crate::error::{ApiError, Code};
use crate::position;

/// Who calls, and what they said beside the query.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// `Millrace-Organization`: the slug.
    pub organization: Option<String>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// `Millrace-Position`: what reads are to see at least.
    pub at_least: Option<Position>,
    /// Joins everything that the request causes: the trace id of `traceparent`, or a fresh one.
    pub correlation: Uuid,
}

/// The longest idempotency key.
const KEY_BYTES_MAX: usize = 200;

impl Caller {
    /// The caller of a request.
    ///
    /// # Errors
    /// If a header does not have its form.
    pub fn of(actor: Actor, headers: &HeaderMap) -> Result<Self, ApiError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let at_least = header("millrace-position");
        let at_least = at_least.map(|text| position::decode("Millrace-Position", text));
        Ok(Self {
            actor,
            organization: header("millrace-organization").map(str::to_owned),
            key: header("idempotency-key").map(str::to_owned),
            at_least: at_least.transpose()?,
            correlation: header("traceparent").and_then(trace_id).unwrap_or_else(fresh_id),
        })
    }

    /// The organization that the caller named, or the only one there is.
    async fn resolve(&self, app: &App) -> Result<OrganizationId, ApiError> {
        if let Some(slug) = &self.organization {
            return Ok(OrganizationId::of_slug(slug));
        }
        registered_by_now(app).await?;
        let found = app.reader.organizations_of(self.actor).await?;
        let message = match found[..] {
            [only] => return Ok(only),
            [] => "there is no organization yet; register one with `registerOrganization`",
            _ => "there are several organizations: say which in the header `Millrace-Organization`",
        };
        Err(ApiError::new(Code::OrganizationRequired, message))
    }

    /// What a query may see.
    ///
    /// # Errors
    /// If it is not clear in which organization.
    pub async fn access(&self, app: &App) -> Result<Access, ApiError> {
        let organization = self.resolve(app).await?;
        let access = Access { organization, actor: self.actor, as_of: None };
        let Some(slug) = &self.organization else { return Ok(access) };
        if app.reader.has_organization(&access).await? {
            return Ok(access);
        }
        // One that was registered a moment ago counts.
        registered_by_now(app).await?;
        if app.reader.has_organization(&access).await? { Ok(access) } else { Err(unknown(slug)) }
    }

    /// What a command is told.
    pub(super) async fn context(
        &self,
        app: &App,
        founds: Option<OrganizationId>,
    ) -> Result<CommandContext, ApiError> {
        let organization = match founds {
            Some(organization) => organization,
            None => self.resolve(app).await?,
        };
        let now = (app.clock)();
        Ok(CommandContext { organization, actor: self.actor, now, id: fresh_id() })
    }

    /// The idempotency key of a command: that of its input, else the header's.
    pub(super) fn key(&self, input: Option<String>) -> Result<Option<String>, ApiError> {
        let Some(key) = input.or_else(|| self.key.clone()) else {
            return Ok(None);
        };
        if (1..=KEY_BYTES_MAX).contains(&key.len()) {
            return Ok(Some(key));
        }
        let message = format!("an idempotency key has 1 to {KEY_BYTES_MAX} bytes");
        Err(ApiError::new(Code::InvalidInput, message).at("idempotencyKey"))
    }
}

/// Waits until every organization that was registered by now can be seen.
async fn registered_by_now(app: &App) -> Result<(), ApiError> {
    let head = Some(app.log.known_head());
    Ok(app.reader.at_least(queries::organizations::READS, head).await?)
}

/// Nobody has registered the organization that a caller names.
pub(super) fn unknown(slug: &str) -> ApiError {
    let message = format!("there is no organization `{slug}`; see `Millrace-Organization`");
    ApiError::new(Code::NotFound, message).at("organization")
}

/// The trace id of a `traceparent` (W3C Trace Context, version 00).
fn trace_id(traceparent: &str) -> Option<Uuid> {
    let id = traceparent.split('-').nth(1).filter(|id| id.len() == 32)?;
    Uuid::try_parse(id).ok().filter(|id| !id.is_nil())
}

/// The running gateway, and who calls it.
pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<(&'a App, &'a Caller), ApiError> {
    match (ctx.data_opt::<Arc<App>>(), ctx.data_opt::<Caller>()) {
        (Some(app), Some(caller)) => Ok((app, caller)),
        _ => Err(ApiError::new(Code::Unauthenticated, "no token: send it in `connection_init`")),
    }
}

/// Waits for the position that a query is to see, and tells what it may see.
pub(super) async fn reading<'a>(
    ctx: &Context<'a>,
    reads: &[&'static str],
    at_least: Option<String>,
) -> Result<(&'a App, Access), ApiError> {
    let (app, caller) = of(ctx)?;
    let at_least = match at_least {
        Some(text) => Some(position::decode("atLeast", &text)?),
        None => caller.at_least,
    };
    app.reader.at_least(reads, at_least).await?;
    Ok((app, caller.access(app).await?))
}

/// As [`reading`], of a record that may be asked for as of a moment. That is read from the log,
/// which holds at once whatever was answered: what a header names need not be waited for.
pub(super) async fn reading_record<'a>(
    ctx: &Context<'a>,
    reads: &[&'static str],
    at_least: Option<String>,
    as_of: Option<AsOf>,
) -> Result<(&'a App, Access), ApiError> {
    let Some(as_of) = as_of else {
        return reading(ctx, reads, at_least).await;
    };
    let (app, caller) = of(ctx)?;
    if at_least.is_some() {
        let message = "say `atLeast` or `asOf`, not both: as of a moment nothing is missing";
        return Err(ApiError::new(Code::InvalidInput, message).at("asOf"));
    }
    let access = caller.access(app).await?;
    let as_of = app.reader.moment(as_of.try_into()?).await?;
    Ok((app, Access { as_of: Some(as_of), ..access }))
}

/// A record's id in an argument.
pub(super) fn id(field: &str, id: &async_graphql::ID) -> Result<Uuid, ApiError> {
    Uuid::try_parse(id).map_err(|_| {
        let message = format!("`{}` is no id; ids are UUIDs", id.as_str());
        ApiError::new(Code::InvalidInput, message).at(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_joins_what_a_request_causes() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let id = trace_id(parent).unwrap();
        assert_eq!(id.simple().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for wrong in ["", "00-xyz-1", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(trace_id(wrong), None);
        }
    }
}
