//! What decisions need to know of a stock item: a product in a warehouse, counted in one unit.
//! Never promised twice: 0 ≤ reserved ≤ on hand, unless backorders are allowed.

pub mod adjust;
pub mod receive;
pub mod release;
pub mod reserve;
pub mod set_backorder;

use events::orders::OrderId;
use events::products::{ProductId, ProductStatus, ProductUnit};
use events::stock::{StockEvent, StockItemId};
use events::warehouses::WarehouseId;
use events::words::{OrganizationId, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::products::{self, Product};
use crate::rejection::{Kind, Rejection};
use crate::state::{Needs, State, States};
use crate::{Command, Context, Decision};

/// A stock item, as decisions see it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct StockItem {
    /// Whether it is counted at all.
    pub open: bool,
    /// How many are there.
    pub on_hand: Decimal,
    /// How many of them are promised, to orders and by hand.
    pub reserved: Decimal,
    /// How many are set aside by hand: a part of `reserved`.
    pub reserved_by_hand: Decimal,
    /// Whether more may be promised than is there.
    pub backorder: bool,
}

impl State for StockItem {
    type Fact = StockEvent;
    const NAME: &'static str = "stock_item";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &StockEvent) {
        match fact {
            StockEvent::Opened { .. } => self.open = true,
            StockEvent::Received { quantity } => self.on_hand += quantity.0,
            StockEvent::Adjusted { difference, .. } => self.on_hand += difference.0,
            StockEvent::BackorderSet { allowed } => self.backorder = *allowed,
            StockEvent::Reserved { quantity, order_id, .. } => {
                self.reserved += quantity.0;
                self.reserved_by_hand +=
                    if order_id.is_none() { quantity.0 } else { Decimal::ZERO };
            }
            StockEvent::Released { quantity, order_id, .. } => {
                self.reserved -= quantity.0;
                self.reserved_by_hand -=
                    if order_id.is_none() { quantity.0 } else { Decimal::ZERO };
            }
        }
    }
}

impl StockItem {
    /// How many can still be promised.
    #[must_use]
    pub fn available(&self) -> Decimal {
        self.on_hand - self.reserved
    }

    /// Whether so many more can be promised.
    pub(crate) fn check(
        &self,
        quantity: Quantity,
        what: &str,
        field: &str,
    ) -> Result<(), Rejection> {
        if self.backorder || quantity.0 <= self.available() {
            return Ok(());
        }
        let message = format!(
            "{quantity} of {what} are wanted, {} are available",
            self.available().max(Decimal::ZERO).normalize(),
        );
        Err(Rejection::new(Kind::OutOfStock, message).at(field))
    }
}

/// A command about the stock item of a product in a warehouse.
pub trait AtPlace: Serialize + Send + Sync + 'static {
    /// See [`Command::ACTION`].
    const ACTION: &'static str;

    /// Where it finds its item.
    fn place(&self) -> Place;

    /// See [`Command::decide`]: what happens to the item, which is counted from now on if nobody
    /// has begun to.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection>;
}

impl<C: AtPlace> Command for C {
    const FEATURE: &'static str = "stock";
    const ACTION: &'static str = <C as AtPlace>::ACTION;

    fn record(&self, context: &Context, states: &States) -> Uuid {
        self.place().record(context, states)
    }

    fn needs(&self, context: &Context, known: &States, needs: &mut Needs) {
        self.place().needs(context, known, needs);
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        self.decide_there(self.place().open(context, states)?)
    }
}

/// Where a stock command finds its item: the fields that all of them share.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    pub warehouse_id: Option<WarehouseId>,
}

impl Place {
    pub(crate) fn warehouse(self, organization: OrganizationId) -> WarehouseId {
        self.warehouse_id.unwrap_or_else(|| WarehouseId::default_of(organization))
    }

    /// The item, once the product's unit is known.
    pub(crate) fn item(
        self,
        organization: OrganizationId,
        product: &Product,
    ) -> Option<StockItemId> {
        let unit = &product.unit.as_ref()?.code;
        let warehouse = self.warehouse(organization);
        Some(StockItemId::of(organization, self.product_id, warehouse, unit))
    }

    /// The item's id; nil while the product is not known.
    pub(crate) fn record(self, context: &Context, states: &States) -> Uuid {
        let product = states.known::<Product>(self.product_id);
        let item = product.and_then(|product| self.item(context.organization, product));
        item.map_or(Uuid::nil(), Uuid::from)
    }

    /// Needs the product and, once that is known, the stock item.
    pub(crate) fn needs(self, context: &Context, known: &States, needs: &mut Needs) {
        needs.name::<Product>(self.product_id);
        let product = known.known::<Product>(self.product_id);
        if let Some(item) = product.and_then(|product| self.item(context.organization, product)) {
            needs.name::<StockItem>(item);
        }
    }

    /// The item's id, state and unit, and a decision that begins to count it if nobody has yet.
    pub(crate) fn open(self, context: &Context, states: &States) -> Result<Opened, Rejection> {
        let (product, status) = products::existing(states, self.product_id)?;
        let organization = context.organization;
        let (Some(unit), Some(id)) = (&product.unit, self.item(organization, product)) else {
            return Err(Rejection::wrong_state("the product has no unit: it cannot be counted"));
        };
        if status == ProductStatus::Discontinued && !states.get::<StockItem>(id)?.open {
            return Err(Rejection::wrong_state("the product is discontinued"));
        }
        let item = *states.get::<StockItem>(id)?;
        let mut decision = Decision::default();
        if !item.open {
            decision.push(
                id,
                StockEvent::Opened {
                    product_id: self.product_id,
                    warehouse_id: self.warehouse(organization),
                    unit: unit.code.clone(),
                },
            );
        }
        Ok(Opened { id, item, unit: unit.clone(), decision })
    }
}

/// A stock item that a command is about.
pub struct Opened {
    pub(crate) id: StockItemId,
    pub(crate) item: StockItem,
    pub(crate) unit: ProductUnit,
    pub(crate) decision: Decision,
}

/// A quantity above zero that the unit can express.
pub(crate) fn positive(
    field: &str,
    quantity: Quantity,
    unit: &ProductUnit,
) -> Result<Quantity, Rejection> {
    if quantity.0 <= Decimal::ZERO {
        let message = format!("a quantity of {quantity} is not above zero");
        return Err(Rejection::invalid(field, message));
    }
    precise(field, quantity, unit)
}

/// A quantity that the unit can express.
pub(crate) fn precise(
    field: &str,
    quantity: Quantity,
    unit: &ProductUnit,
) -> Result<Quantity, Rejection> {
    let normal = quantity.0.normalize();
    if normal.scale() > u32::from(unit.precision) {
        let ProductUnit { code, precision } = unit;
        let message = format!("{quantity} {code} is too fine: {code} has {precision} decimals");
        return Err(Rejection::invalid(field, message));
    }
    Ok(Quantity(normal))
}

/// The reservation of an order's goods.
pub(crate) fn reserved_by(order_id: OrderId, quantity: Quantity) -> StockEvent {
    StockEvent::Reserved { quantity, order_id: Some(order_id), reason: None }
}

/// The end of [`reserved_by`].
pub(crate) fn released_by(order_id: OrderId, quantity: Quantity) -> StockEvent {
    StockEvent::Released { quantity, order_id: Some(order_id), reason: None }
}
