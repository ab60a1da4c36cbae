//! Which organization a file is imported into: as the caller says, as the mapping says, or the only
//! one there is. One that the mapping describes is registered, if there is none yet.

use commands::organizations::register::RegisterOrganization;
use events::access::Access;
use events::words::{Actor, OrganizationId};
use queries::Reader;
use uuid::Uuid;

use super::ImportError;
use super::commander::{Commander, Why};
use super::mapping::Mapping;

/// An organization to import into.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// It.
    pub id: OrganizationId,
    /// Its short name, as far as anybody said it.
    pub slug: Option<String>,
    /// Facts that were appended to register it.
    pub facts: u32,
}

/// Finds the organization, or registers it. `caught_up` waits until the read models hold what the
/// log does.
///
/// # Errors
/// If there is none, or nobody says which.
pub async fn choose(
    slug: Option<&str>,
    mapping: &Mapping,
    reader: &Reader,
    commander: &Commander,
    caught_up: impl AsyncFn() -> Result<(), ImportError>,
) -> Result<Chosen, ImportError> {
    let described = mapping.organization.as_ref();
    let Some(slug) = slug.or(described.map(|described| described.slug.as_str())) else {
        caught_up().await?;
        return only(reader, commander).await;
    };
    let id = OrganizationId::of_slug(slug);
    let chosen = Chosen { id, slug: Some(slug.to_owned()), facts: 0 };
    if let Some(described) = described {
        let register = RegisterOrganization {
            slug: slug.to_owned(),
            name: described.name.clone(),
            currency: described.currency.unwrap_or(mapping.currency),
            time_zone: described.time_zone.unwrap_or(mapping.dates.zone).0,
        };
        let founder = Commander { organization: id, ..commander.clone() };
        let key = format!("import/organizations/{slug}");
        return match founder.give(id.0, &key, &register).await? {
            Ok(outcome) if outcome.repeated => Ok(chosen),
            Ok(outcome) => Ok(Chosen { facts: outcome.facts, ..chosen }),
            Err(refused) if matches!(refused.why, Why::Taken | Why::KeyReused) => Ok(chosen),
            Err(refused) => {
                let reason = refused.reason;
                Err(ImportError::Usage(format!("the mapping's `organization`: {reason}")))
            }
        };
    }
    caught_up().await?;
    let access = Access { organization: id, actor: Actor::Administrator, as_of: None };
    if commander.ask(async || reader.has_organization(&access).await).await? {
        return Ok(chosen);
    }
    Err(ImportError::Usage(format!(
        "there is no organization `{slug}`; describe it in the mapping, with \
         [organization] slug = \"{slug}\", name = \"…\", and it is registered"
    )))
}

async fn only(reader: &Reader, commander: &Commander) -> Result<Chosen, ImportError> {
    let ask = async || reader.organizations_of(Actor::Administrator).await;
    match commander.ask(ask).await?.as_slice() {
        [id] => Ok(Chosen { id: *id, slug: None, facts: 0 }),
        [] => Err(ImportError::Usage(
            "there is no organization to import into; describe one in the mapping, with \
             [organization] slug = \"…\", name = \"…\", and it is registered"
                .to_owned(),
        )),
        _ => Err(ImportError::Usage(
            "there are several organizations; say which with --organization SLUG, or in the \
             mapping"
                .to_owned(),
        )),
    }
}

/// No organization: until one is chosen.
pub const NOBODY: OrganizationId = OrganizationId(Uuid::nil());
