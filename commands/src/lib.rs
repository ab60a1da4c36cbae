//! May it happen? Every command, and the executor that loads, decides and appends. Decisions are
//! pure: time, ids and states come in.

pub mod contacts;
pub mod credit;
pub mod credit_notes;
pub mod customers;
pub mod decision;
pub mod documents;
pub mod executor;
pub mod orders;
pub mod organizations;
pub mod parked;
pub mod products;
pub mod rejection;
pub mod reservations;
#[cfg(test)]
mod scenario;
pub mod series;
pub mod state;
pub mod stock;
pub mod warehouses;

use chrono::{DateTime, Utc};
use events::words::{Actor, OrganizationId};
use serde::Serialize;
use uuid::Uuid;

pub use crate::decision::Decision;
pub use crate::executor::{CommandError, Executor, ExecutorLimits, Outcome, Request};
pub use crate::rejection::{Kind, Rejection};
pub use crate::state::{Needs, State, States};

/// Something that somebody wants to happen: its fields, and a pure decision over states.
pub trait Command: Serialize + Send + Sync + 'static {
    /// The feature's word: `orders`.
    const FEATURE: &'static str;
    /// What is done, in the feature's words: `place`. With the feature, the permission it takes.
    const ACTION: &'static str;

    /// The record that it is about: its stream gets the command's first fact, its version is what
    /// `expectedVersion` speaks of. Nil if the states do not tell: then the decision rejects.
    fn record(&self, context: &Context, states: &States) -> Uuid;

    /// The organization that it founds, for the one command that runs outside of any.
    fn founds(&self) -> Option<OrganizationId> {
        None
    }

    /// Names every stream that the decision reads or writes. Asked again with what was named
    /// before, at most three times more: an order names products, and they name stock items.
    fn needs(&self, context: &Context, known: &States, needs: &mut Needs);

    /// The persons of whom its facts speak: those whom they are the first to speak of get a key,
    /// the others' keys are looked up.
    fn persons(&self, _: &Context) -> Vec<Person> {
        Vec::new()
    }

    /// What happens, or why it may not.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection>;
}

/// A person of whom a command's facts speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Nothing was said of it yet.
    New(Uuid),
    /// It has a key, or is erased, or there is no such person.
    Known(Uuid),
    /// It is going to be erased.
    Erased(Uuid),
}

/// What a decision may know beside states: made at the edge and passed in.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The tenant.
    pub organization: OrganizationId,
    /// Who wants it.
    pub actor: Actor,
    /// Now.
    pub now: DateTime<Utc>,
    /// A fresh id (UUIDv7): that of the record, if the command makes one.
    pub id: Uuid,
}
