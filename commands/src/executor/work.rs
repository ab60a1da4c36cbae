//! A request whose command's type is not known: what the loop sees of it.

use std::borrow::Cow;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use events::access::Permission;
use events::log::{NewFact, NewKey, StreamKey};
use events::organizations::OrganizationStatus;
use events::personal::{Key, Keyring};
use events::words::{Meta, OrganizationId, RequestMeta};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Request;
use crate::organizations::Organization;
use crate::rejection::{Kind, Rejection};
use crate::state::{Needs, States};
use crate::{Command, Decision};

/// The bits of an event id that count the facts of one command: the others are the request's.
const FACT_BITS: u128 = 0xf_ffff;

/// A request, as the loop sees it.
pub(crate) trait Work: Send + Sync {
    fn organization(&self) -> OrganizationId;
    /// The record that it is about, by the states that it named.
    fn record(&self, states: &States) -> StreamKey;
    fn expected_version(&self) -> Option<i64>;
    /// The event id that the idempotency key makes, if there is one.
    fn key(&self) -> Option<Uuid>;
    fn fingerprint(&self) -> String;
    fn needs(&self, known: &States, needs: &mut Needs);
    fn decide(&self, states: &States) -> Result<Decision, Rejection>;
    /// The facts, ready to append.
    fn encode(&self, decision: &Decision) -> Vec<NewFact>;
    /// The keys of persons of whom they are the first to speak.
    fn new_keys(&self) -> Vec<NewKey>;
}

/// A request with the keys of the persons of whom its command's facts speak.
pub(crate) struct Prepared<C> {
    pub(crate) request: Request<C>,
    pub(crate) persons: Persons,
}

/// The keys of persons, of one request; most have none.
#[derive(Default)]
pub(crate) struct Persons {
    pub(crate) keys: Keyring,
    pub(crate) new: Vec<NewKey>,
    /// Makes the request's fingerprint, so that it tells nobody what the request said.
    pub(crate) digest: Option<Key>,
}

impl<C> Deref for Prepared<C> {
    type Target = Request<C>;
    fn deref(&self) -> &Request<C> {
        &self.request
    }
}

impl<C> From<Request<C>> for Prepared<C> {
    fn from(request: Request<C>) -> Self {
        Self { request, persons: Persons::default() }
    }
}

impl<C: Command> Prepared<C> {
    /// Encrypts what belongs to persons.
    fn seal(&self, mut decision: Decision) -> Result<Decision, Rejection> {
        let organization = self.context.organization.0;
        let mut place = 0_u32;
        for (_, event) in &mut decision.facts {
            for personal in event.personal() {
                place += 1;
                let salt = [self.context.id.as_bytes().as_slice(), &place.to_be_bytes()];
                personal.seal(organization, &self.persons.keys, &salt).map_err(|error| {
                    // Whoever is erased was found so by the decision.
                    let message = format!("{}.{}: {error}", C::FEATURE, C::ACTION);
                    Rejection::new(Kind::Broken, message)
                })?;
            }
        }
        Ok(decision)
    }
}

impl<C: Command> Work for Prepared<C> {
    fn organization(&self) -> OrganizationId {
        self.context.organization
    }

    fn record(&self, states: &States) -> StreamKey {
        let id = self.command.record(&self.context, states);
        StreamKey { organization: self.context.organization.0, id }
    }

    fn expected_version(&self) -> Option<i64> {
        self.expected_version
    }

    fn key(&self) -> Option<Uuid> {
        let actor = self.context.actor.id();
        let key = self.key.as_ref()?.as_bytes();
        Some(self.context.organization.derive("idempotency_key", &[actor.as_bytes(), key]))
    }

    fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(C::FEATURE);
        digest.update(".");
        digest.update(C::ACTION);
        digest.update(serde_json::to_vec(&self.command).unwrap_or_default());
        digest.update(format!("{:?}", self.expected_version));
        let digest = digest.finalize();
        match &self.persons.digest {
            None => format!("{digest:x}"),
            Some(key) => hexadecimal(&key.digest(&[b"fingerprint", &digest])),
        }
    }

    fn needs(&self, known: &States, needs: &mut Needs) {
        needs.name::<Organization>(self.context.organization);
        self.command.needs(&self.context, known, needs);
    }

    fn decide(&self, states: &States) -> Result<Decision, Rejection> {
        let permission = Permission { feature: C::FEATURE, action: C::ACTION };
        if !self.context.actor.may(permission) {
            return Err(Rejection::denied(permission));
        }
        if self.command.founds().is_none() {
            let organization = self.context.organization;
            let state = states.get::<Organization>(organization)?;
            if state.status != Some(OrganizationStatus::Active) {
                return Err(Rejection::not_found("organization", "organization", organization));
            }
        }
        // One command that panics must not take the loop, and so all others, with it.
        let decide = AssertUnwindSafe(|| self.command.decide(&self.context, states));
        let decided = catch_unwind(decide).unwrap_or_else(|_| {
            let message = format!("{}.{} broke off while deciding", C::FEATURE, C::ACTION);
            Err(Rejection::new(Kind::Broken, message))
        });
        self.seal(decided?)
    }

    fn new_keys(&self) -> Vec<NewKey> {
        self.persons.new.clone()
    }

    fn encode(&self, decision: &Decision) -> Vec<NewFact> {
        let organization = self.context.organization.0;
        let mut meta = Meta {
            actor: self.context.actor,
            command: Cow::Owned(format!("{}.{}", C::FEATURE, C::ACTION)),
            correlation: self.correlation,
            causation: None,
            request: None,
        };
        let later = serde_json::to_vec(&meta).unwrap_or_default();
        let facts = u32::try_from(decision.facts.len()).unwrap_or(u32::MAX);
        meta.request = Some(RequestMeta { fingerprint: self.fingerprint(), facts });
        let first = serde_json::to_vec(&meta).unwrap_or_default();
        let mut encoded = Vec::with_capacity(decision.facts.len());
        for (index, (id, event)) in decision.facts.iter().enumerate() {
            let counted = self.context.id.as_u128() & !FACT_BITS | index as u128;
            let own = Uuid::from_u128(counted);
            let event_id = if index == 0 { self.key().unwrap_or(own) } else { own };
            encoded.push(NewFact {
                stream: StreamKey { organization, id: *id },
                feature: event.feature().into(),
                fact_type: event.fact_type().name.into(),
                schema_version: event.fact_type().schema_version,
                event_id,
                data: event.encode(),
                meta: if index == 0 { first.clone() } else { later.clone() },
                tags: event.tags(),
            });
        }
        encoded
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
