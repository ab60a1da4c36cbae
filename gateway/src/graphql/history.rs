//! The history of any record in GraphQL: its facts as a Relay connection. Each feature's type has a
//! field of that name, which asks here.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Description, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use events::words::{Actor, Meta};
use queries::Seen;
use queries::history::{Cause, Change, Entry, Historic};
use queries::page::PageArgs;

use super::loaders::{HistoryOf, Loaders};
use super::registered::camel_case;
use crate::error::ApiError;
use crate::position;

/// A page of a record's history.
pub(super) type History = Connection<String, Fact>;

/// A page of the history of a record.
pub(super) async fn history<T: Historic>(
    ctx: &Context<'_>,
    record: &Seen<T>,
    page: PageArgs,
) -> async_graphql::Result<History> {
    let key = HistoryOf { record: record.clone(), page };
    let found = ctx.data::<Loaders>()?.load_one(key).await?;
    let page = found.ok_or_else(|| ApiError::internal(&"a history was not loaded"))?;
    let page = page.map_err(ApiError::from)?;
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let edges = page.items.into_iter().map(|entry| Edge::new(entry.cursor.clone(), Fact(entry)));
    connection.edges.extend(edges);
    Ok(connection)
}

/// Something that happened to a record: who did it, by which command, and what it changed.
#[derive(Description)]
pub struct Fact(Entry);

impl Fact {
    fn meta(&self) -> Option<&Meta> {
        self.0.meta.as_ref()
    }
}

#[Object(use_type_description)]
impl Fact {
    /// The fact's own id.
    async fn id(&self) -> ID {
        self.0.event_id.into()
    }

    /// The record's version with it: its place in the history, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Its place in the log. Say it as `asOf: { position: … }`, and the record is shown as it was
    /// with this fact.
    async fn position(&self) -> String {
        position::encode(self.0.position)
    }

    /// When it was recorded, by the database's clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// What happened: `order.placed`.
    async fn fact_type(&self) -> &str {
        &self.0.fact_type
    }

    /// Who did it: `administrator`. Null if that cannot be read, which is so of none but a fact
    /// that was skipped.
    async fn actor(&self) -> Option<String> {
        self.meta().map(|meta| name(meta.actor))
    }

    /// The command that decided it: `orders.place`. Null if that cannot be read, as of `actor`.
    async fn command(&self) -> Option<&str> {
        self.meta().map(|meta| &*meta.command)
    }

    /// What all facts have in common that one request caused, on this record and on others: the
    /// trace id of its `traceparent`, or an id of its own. Null if that cannot be read, as of
    /// `actor`.
    async fn correlation(&self) -> Option<ID> {
        self.meta().map(|meta| meta.correlation.into())
    }

    /// On the first fact of a command: how many it recorded, on this record and on others; their
    /// positions follow each other. Null on its other facts.
    async fn command_facts(&self) -> Option<u32> {
        Some(self.meta()?.request.as_ref()?.facts)
    }

    /// The fact that caused it, if a reaction to that one did; null if somebody did it by a command
    /// of their own, which `command` and `correlation` tell.
    async fn caused_by(&self) -> Option<FactCause> {
        self.0.cause.map(FactCause::from)
    }

    /// Whether the record goes on without it, since somebody decided so: it could not be taken in.
    /// It changed nothing.
    async fn skipped(&self) -> bool {
        self.0.is_skipped
    }

    /// What it changed in the record and in its lines. What belonged to a person who is erased is
    /// not told.
    #[graphql(complexity = "5 * child_complexity")]
    async fn changes(&self) -> Vec<FactChange> {
        self.0.changes.iter().map(FactChange::from).collect()
    }
}

/// The word for who does something.
fn name(actor: Actor) -> String {
    match serde_json::to_value(actor) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// A fact that caused another.
#[derive(SimpleObject)]
pub struct FactCause {
    /// The fact's own id.
    fact_id: ID,
    /// Its place in the log; null if it is not to be found in the organization.
    position: Option<String>,
    /// The record that it happened to; null if it is not to be found in the organization.
    record_id: Option<ID>,
}

impl From<Cause> for FactCause {
    fn from(cause: Cause) -> Self {
        let (position, record_id) = cause.found.unzip();
        Self {
            fact_id: cause.event_id.into(),
            position: position.map(position::encode),
            record_id: record_id.map(ID::from),
        }
    }
}

/// What a fact changed in one field.
#[derive(SimpleObject)]
pub struct FactChange {
    /// The line that the field belongs to: `line 2`. Null: the record itself.
    part: Option<String>,
    /// The field: `onHand`. Texts have one for each language: `texts.de.name`.
    field: String,
    /// What it was before, as text; null: nothing.
    before: Option<String>,
    /// What it is after, as text; null: nothing.
    after: Option<String>,
}

impl From<&Change> for FactChange {
    fn from(change: &Change) -> Self {
        let Change { part, field, before, after } = change.clone();
        Self { part, field: camel_case(&field), before, after }
    }
}
