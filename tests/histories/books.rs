//! The books that a history of executors left: every stream folded as decisions fold it, with what
//! it came to after each fact; set against the states in every executor's memory.

use std::collections::BTreeMap;
use std::time::Duration;

use commands::credit::Credit;
use commands::customers::Customer;
use commands::orders::Order;
use commands::products::Product;
use commands::stock::StockItem;
use commands::{CommandError, Kind, Needs, Rejection, State, States};
use events::credit::CreditId;
use events::customers::CustomerId;
use events::log::RawFact;
use events::products::ProductId;
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{OrganizationId, Unit};
use events::{Event, Recorded};
use harness::Desk;
use uuid::Uuid;

use super::clerks::Shelf;
use crate::executor::probe::Probe;

/// How soon an executor shows its states.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);

/// Everything that happened.
pub(super) struct Books {
    pub(super) organization: OrganizationId,
    pub(super) facts: Vec<Recorded>,
    /// The place of each stream's facts in `facts`.
    streams: BTreeMap<Uuid, Vec<usize>>,
}

/// A state after each of its facts, with the fact's position; first as it was before all of them.
pub(super) type Course<S> = Vec<(i64, S)>;

impl Books {
    pub(super) fn of(desk: &Desk, facts: &[RawFact]) -> Result<Self, String> {
        let facts: Result<Vec<_>, _> = facts.iter().map(Recorded::try_from).collect();
        let facts = facts.map_err(|error| error.to_string())?;
        let mut streams: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        for (place, fact) in facts.iter().enumerate() {
            streams.entry(fact.stream_id).or_default().push(place);
        }
        Ok(Self { organization: desk.organization, facts, streams })
    }

    /// How a record's state came about.
    pub(super) fn course<S>(&self, id: impl Into<Uuid>) -> Course<S>
    where
        S: State,
        for<'a> &'a S::Fact: TryFrom<&'a Event>,
    {
        let mut course = vec![(0, S::default())];
        for &place in self.streams.get(&id.into()).map_or(&[][..], Vec::as_slice) {
            let Recorded { position, event, .. } = &self.facts[place];
            let mut state = course.last().map(|(_, state)| state.clone()).unwrap_or_default();
            if let Ok(fact) = <&S::Fact>::try_from(event) {
                state.evolve(fact);
            }
            course.push((position.0, state));
        }
        course
    }

    pub(super) fn item(&self, product: ProductId) -> StockItemId {
        let warehouse = WarehouseId::default_of(self.organization);
        StockItemId::of(self.organization, product, warehouse, &Unit("piece".to_owned()))
    }

    pub(super) fn credit(&self, customer: CustomerId) -> CreditId {
        CreditId::of(self.organization, customer)
    }

    /// The streams of a feature.
    pub(super) fn of_feature(&self, feature: &str) -> Vec<Uuid> {
        let first = |places: &Vec<usize>| self.facts[places[0]].event.feature();
        let streams = self.streams.iter().filter(|(_, places)| first(places) == feature);
        streams.map(|(id, _)| *id).collect()
    }

    /// The states in an executor's memory are those that the facts make. It is asked by a command
    /// that is refused, and the reason is the state: that is told only if the log agrees.
    pub(super) async fn are_those_of(&self, desk: &Desk, shelf: &Shelf) -> Result<(), String> {
        let products = shelf.products.iter().map(|id| id.0);
        let items = shelf.products.iter().map(|id| self.item(*id).0);
        let customers = shelf.customers.iter().map(|id| id.0);
        let credits = shelf.customers.iter().map(|id| self.credit(*id).0);
        self.same::<Product>(desk, products).await?;
        self.same::<StockItem>(desk, items).await?;
        self.same::<Customer>(desk, customers).await?;
        self.same::<Credit>(desk, credits).await?;
        self.same::<Order>(desk, self.of_feature("orders")).await
    }

    async fn same<S>(
        &self,
        desk: &Desk,
        records: impl IntoIterator<Item = Uuid>,
    ) -> Result<(), String>
    where
        S: State + std::fmt::Debug,
        for<'a> &'a S::Fact: TryFrom<&'a Event>,
    {
        let records: Vec<Uuid> = records.into_iter().collect();
        let Some(&first) = records.first() else { return Ok(()) };
        let (named, told) = (records.clone(), records.clone());
        let needs = move |_: &States, needs: &mut Needs| {
            named.iter().for_each(|id| needs.name::<S>(*id));
        };
        let decide = move |states: &States| {
            let mut shown = Vec::new();
            for id in &told {
                shown.push(states.get::<S>(*id)?.clone());
            }
            Err(Rejection::new(Kind::Invalid, format!("{shown:?}")))
        };
        let asked = desk.attempt(Probe::new(first, needs, decide));
        let shown = tokio::time::timeout(SHOWN_WITHIN, asked).await;
        let last = |id| self.course::<S>(id).pop().map(|(_, state)| state).unwrap_or_default();
        let folded: Vec<S> = records.into_iter().map(last).collect();
        let folded = format!("{folded:?}");
        match shown {
            Ok(Err(CommandError::Rejected(rejection))) if rejection.message == folded => Ok(()),
            shown => Err(format!("an executor has {shown:?}, the log {folded}")),
        }
    }
}
