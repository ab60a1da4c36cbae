//! Somebody who gives commands straight to an executor, without a gateway in between.

use chrono::{DateTime, Utc};
use commands::credit_notes::post::{CreditNoteLineInput, PostCreditNote};
use commands::customers::open::OpenCustomer;
use commands::orders::place::OrderLineInput;
use commands::orders::place::PlaceOrder;
use commands::organizations::register::RegisterOrganization;
use commands::products::create::CreateProduct;
use commands::products::publish::PublishProduct;
use commands::products::set_list_price::ListPriceInput;
use commands::stock::receive::ReceiveStock;
use commands::{Command, CommandError, Context, Executor, ExecutorLimits, Outcome, Request};
use events::customers::CustomerId;
use events::log::{Log, LogId, LogLimits};
use events::personal::{Vault, VaultLimits};
use events::products::ProductId;
use events::words::{Actor, OrganizationId};
use gateway::app::fresh_id;
use gateway::master_keys::fresh_keys;

use crate::TestApp;
use crate::app::masters;

/// Somebody who gives commands in an organization.
#[derive(Clone)]
pub struct Desk {
    /// Where the commands go.
    pub executor: Executor,
    /// The organization.
    pub organization: OrganizationId,
    /// The time that decisions see.
    pub now: DateTime<Utc>,
}

impl Desk {
    /// Registers an organization that trades in euros, in Zurich, through the app's own executor.
    pub async fn open(app: &TestApp, slug: &str) -> Self {
        Self::found(app.parts.executor.clone(), slug, app.clock.now()).await
    }

    /// As [`Self::open`], through this executor.
    pub async fn found(executor: Executor, slug: &str, now: DateTime<Utc>) -> Self {
        let organization = OrganizationId::of_slug(slug);
        let desk = Self { executor, organization, now };
        desk.run(RegisterOrganization {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            currency: "EUR".parse().expect("a currency"),
            time_zone: "Europe/Zurich".parse().expect("a time zone"),
        })
        .await;
        desk
    }

    /// The same organization through an executor and a log of their own: another process.
    pub async fn elsewhere(&self, app: &TestApp) -> Self {
        self.limited(app, ExecutorLimits::default()).await
    }

    /// As [`Self::elsewhere`], with other limits.
    pub async fn limited(&self, app: &TestApp, limits: ExecutorLimits) -> Self {
        self.behind(app, LogLimits::default(), limits).await
    }

    /// As [`Self::limited`], over a log with other limits too.
    pub async fn behind(&self, app: &TestApp, log: LogLimits, limits: ExecutorLimits) -> Self {
        let log = Log::open(&app.database.config, LogId::default(), log).await;
        let log = log.expect("opening the log");
        let vault = Vault::new(log.clone(), masters(), fresh_keys(), VaultLimits::default());
        let executor = Executor::start(log, limits).with_vault(vault);
        Self { executor, ..self.clone() }
    }

    /// A request for a command, with a fresh id and no key.
    pub fn request<C: Command>(&self, command: C) -> Request<C> {
        let (organization, now, id) = (self.organization, self.now, fresh_id());
        let context = Context { organization, actor: Actor::Administrator, now, id };
        Request { command, context, key: None, expected_version: None, correlation: fresh_id() }
    }

    /// Gives a command.
    ///
    /// # Errors
    /// What the executor answers.
    pub async fn attempt<C: Command>(&self, command: C) -> Result<Outcome, CommandError> {
        self.executor.execute(self.request(command)).await
    }

    /// Gives a command under an idempotency key.
    ///
    /// # Errors
    /// What the executor answers.
    pub async fn keyed<C: Command>(&self, key: &str, command: C) -> Result<Outcome, CommandError> {
        let request = Request { key: Some(key.to_owned()), ..self.request(command) };
        self.executor.execute(request).await
    }

    /// Gives a command that knows the record's version.
    ///
    /// # Errors
    /// What the executor answers.
    pub async fn at<C: Command>(&self, version: i64, command: C) -> Result<Outcome, CommandError> {
        let request = Request { expected_version: Some(version), ..self.request(command) };
        self.executor.execute(request).await
    }

    /// Gives a command that has to succeed.
    pub async fn run<C: Command>(&self, command: C) -> Outcome {
        self.attempt(command).await.expect("an accepted command")
    }

    /// A published product at 2.50 euros, so many pieces of it in stock.
    pub async fn product(&self, sku: &str, stock: u32) -> ProductId {
        let list_price = ListPriceInput {
            amount: "2.50".parse().expect("a price"),
            currency: "EUR".parse().expect("a currency"),
        };
        let create = CreateProduct {
            sku: sku.to_owned(),
            unit: None,
            name: Some(sku.to_owned()),
            list_price: Some(list_price),
        };
        let product_id = ProductId(self.run(create).await.id);
        self.run(PublishProduct { product_id }).await;
        if stock > 0 {
            self.run(receive(product_id, stock)).await;
        }
        product_id
    }

    /// A customer without a credit limit.
    pub async fn customer(&self, name: &str) -> CustomerId {
        CustomerId(self.run(customer(name)).await.id)
    }
}

/// The command that opens a customer without a credit limit.
#[must_use]
pub fn customer(name: &str) -> OpenCustomer {
    let name = name.to_owned();
    OpenCustomer { name, number: None, currency: None, terms: None, credit_limit: None }
}

/// The command that receives so many pieces.
#[must_use]
pub fn receive(product_id: ProductId, pieces: u32) -> ReceiveStock {
    let quantity = pieces.to_string().parse().expect("a quantity");
    ReceiveStock { product_id, warehouse_id: None, quantity }
}

/// The command that orders so many pieces.
#[must_use]
pub fn order(customer_id: CustomerId, product_id: ProductId, pieces: u32) -> PlaceOrder {
    let quantity = pieces.to_string().parse().expect("a quantity");
    PlaceOrder {
        customer_id,
        lines: vec![OrderLineInput { product_id, quantity, unit_price: None, warehouse_id: None }],
        number: None,
        series: None,
        reference: None,
        placed_at: None,
        business_date: None,
        rounding: None,
        credit_override: None,
    }
}

/// The command that credits so many pieces at the list price, in the series that counts.
#[must_use]
pub fn credit_note(customer_id: CustomerId, product_id: ProductId, pieces: u32) -> PostCreditNote {
    let quantity = pieces.to_string().parse().expect("a quantity");
    PostCreditNote {
        customer_id,
        lines: vec![CreditNoteLineInput { product_id, quantity, unit_price: None }],
        order_id: None,
        number: None,
        series: None,
        reference: None,
        reason: None,
        posted_at: None,
        business_date: None,
        rounding: None,
    }
}
