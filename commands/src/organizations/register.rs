//! Register an organization.

use chrono_tz::Tz;
use events::organizations::OrganizationEvent;
use events::words::{Currency, OrganizationId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

use super::Organization;
use crate::rejection::{Kind, Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Founds an organization, the tenant in which everything else happens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterOrganization {
    /// Its short name in URLs and headers: a-z, 0-9 and hyphens, 2 to 40 characters. For ever.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The currency (ISO 4217) of its customers, unless they state another.
    pub currency: Currency,
    /// The IANA zone in which its business days begin and end, such as `Europe/Zurich`.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: Tz,
}

impl Command for RegisterOrganization {
    const FEATURE: &'static str = "organizations";
    const ACTION: &'static str = "register";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        OrganizationId::of_slug(&self.slug).0
    }

    fn founds(&self) -> Option<OrganizationId> {
        Some(OrganizationId::of_slug(&self.slug))
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Organization>(OrganizationId::of_slug(&self.slug));
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = OrganizationId::of_slug(&self.slug);
        let slug = slug(&self.slug)?;
        if states.get::<Organization>(id)?.status.is_some() {
            let message = format!("an organization with the slug `{slug}` exists already");
            return Err(Rejection::new(Kind::Taken, message).at("slug"));
        }
        let registered = OrganizationEvent::Registered {
            slug,
            name: text("name", &self.name, 200)?,
            currency: self.currency,
            time_zone: self.time_zone,
        };
        Ok(Decision::of(id, registered))
    }
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        let right = "use one of the IANA database, such as Europe/Zurich";
        de::Error::custom(format!("unknown time zone `{name}`; {right}"))
    })
}

fn slug(slug: &str) -> Result<String, Rejection> {
    let fits = (2..=40).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if fits {
        return Ok(slug.to_owned());
    }
    let message = format!("`{slug}` is no slug; use 2 to 40 of a-z, 0-9 and inner hyphens");
    Err(Rejection::invalid("slug", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{fact, given, registered};

    fn register(slug: &str) -> RegisterOrganization {
        RegisterOrganization {
            slug: slug.to_owned(),
            name: "Acme".to_owned(),
            currency: "EUR".parse().unwrap(),
            time_zone: chrono_tz::Europe::Zurich,
        }
    }

    #[test]
    fn a_free_slug_is_registered() {
        let id = OrganizationId::of_slug("beta");
        let registered = OrganizationEvent::Registered {
            slug: "beta".to_owned(),
            name: "Acme".to_owned(),
            currency: "EUR".parse().unwrap(),
            time_zone: chrono_tz::Europe::Zurich,
        };
        // The scenario's states are those of one organization: the one that is founded.
        let then = crate::Context { organization: id, ..crate::scenario::context() };
        let mut states = States::new(id);
        let mut needs = Needs::new(id);
        register("beta").needs(&then, &states, &mut needs);
        states.entries.extend(needs.list.iter().map(|need| (need.key, need.fresh())));
        let decision = register("beta").decide(&then, &states).unwrap();
        assert_eq!(decision.facts, vec![fact(id, registered)]);
    }

    #[test]
    fn a_slug_is_registered_once() {
        given([registered()]).when(register("acme")).then_rejected(Kind::Taken, "slug");
    }

    #[test]
    fn a_slug_with_other_characters_is_refused() {
        for slug in ["a", "Acme", "a b", "-ab", "ab-", &"a".repeat(41)] {
            let rejection = super::slug(slug).unwrap_err();
            assert_eq!(rejection.kind, Kind::Invalid, "{slug}");
        }
    }
}
