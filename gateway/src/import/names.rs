//! The customers and products that a file names: found where they exist, whoever made them, and
//! created where they do not. What exists is used as it is, and not changed.

use std::collections::HashMap;

use commands::Outcome;
use commands::customers::open::OpenCustomer;
use commands::customers::set_terms::PaymentTermsInput;
use commands::products::create::CreateProduct;
use commands::products::publish::PublishProduct;
use commands::stock::set_backorder::SetStockBackorder;
use events::access::Access;
use events::customers::CustomerId;
use events::products::{ProductId, ProductUnit};
use events::words::Actor;
use futures_util::{StreamExt, TryStreamExt, stream};
use queries::Reader;
use queries::customers::CustomerRow;
use queries::products::ProductRow;
use uuid::Uuid;

use super::ImportError;
use super::commander::{Commander, Refused, Why};
use super::documents::Document;
use super::survey::{Customer, Product, Refusal, Survey, Task};
use crate::app::fresh_id;

/// What ids of customers and products are derived with.
const CUSTOMER: &str = "imported_customer";
const PRODUCT: &str = "imported_product";

/// How often a code is looked up that others may be creating.
const LOOKS: u32 = 2;

/// Codes that are looked up at once.
const LOOKED_UP: usize = 1_000;

/// The customers and products of a file, by index in its survey.
#[derive(Debug, Default)]
pub struct Names {
    customers: HashMap<u32, Known<CustomerId>>,
    products: HashMap<u32, Known<ProductId>>,
    /// How many customers were created now.
    pub customers_created: u64,
    /// How many products were created now.
    pub products_created: u64,
    /// How many facts that took.
    pub facts: u64,
}

/// A thing's id, or why documents cannot name it.
type Known<I> = Result<I, String>;

/// What a look for a thing found, or what was made.
struct Found<I> {
    known: Known<I>,
    /// Whether an import made it, now or before.
    ours: bool,
    /// Whether it was created now.
    created: bool,
    /// Facts that were appended for it now.
    facts: u32,
}

/// Finds and creates what the file names.
pub struct NameClerk<'a> {
    /// The file.
    pub task: &'a Task,
    /// What it holds.
    pub survey: &'a Survey,
    /// Finds what exists.
    pub reader: &'a Reader,
    /// Creates what does not.
    pub commander: &'a Commander,
}

impl Names {
    /// The ids that a document's command takes.
    ///
    /// # Errors
    /// The first of them that it cannot name.
    pub fn of(
        &self,
        customer: u32,
        document: &Document,
    ) -> Result<(CustomerId, HashMap<u32, ProductId>), Refusal> {
        let refused =
            |line, field, reason: &str| Refusal { line, field, reason: reason.to_owned() };
        let first = document.lines.first().map_or(0, |line| line.line);
        let customer = known(&self.customers, customer);
        let customer = customer.map_err(|reason| refused(first, "customer", reason))?;
        let mut products = HashMap::with_capacity(document.lines.len());
        for line in &document.lines {
            let product = known(&self.products, line.product);
            let product = product.map_err(|reason| refused(line.line, "product", reason))?;
            products.insert(line.product, product);
        }
        Ok((customer, products))
    }
}

fn known<I: Copy>(all: &HashMap<u32, Known<I>>, index: u32) -> Result<I, &str> {
    match all.get(&index) {
        Some(Ok(id)) => Ok(*id),
        Some(Err(reason)) => Err(reason),
        None => Err("nobody looked for it"),
    }
}

impl NameClerk<'_> {
    /// Finds or creates every customer and product of a document that is taken. `caught_up` waits
    /// until the read models hold what the log does: somebody else may just have created one.
    ///
    /// # Errors
    /// If nothing goes on for too long.
    pub async fn names(
        &self,
        caught_up: impl AsyncFn() -> Result<(), ImportError>,
    ) -> Result<Names, ImportError> {
        let (customers, products) = (&self.survey.customers.list, &self.survey.products.list);
        let customers = used(customers.iter().map(|customer| customer.used));
        let products = used(products.iter().map(|product| product.used));
        let total = customers.len() + products.len();
        self.task.progress.begin("customers, products", total as u64);
        let mut names = Names::default();
        let (find, make) = (
            async |wanted: &[u32]| self.find_customers(wanted).await,
            async |index, exists| self.make_customer(index, exists).await,
        );
        let found = self.resolve(customers, find, make, &caught_up).await?;
        names.customers_created = created(&found, &mut names.facts);
        names.customers = found.into_iter().map(|(index, found)| (index, found.known)).collect();
        let (find, make) = (
            async |wanted: &[u32]| self.find_products(wanted).await,
            async |index, exists| self.make_product(index, exists).await,
        );
        let found = self.resolve(products, find, make, &caught_up).await?;
        names.products_created = created(&found, &mut names.facts);
        names.products = found.into_iter().map(|(index, found)| (index, found.known)).collect();
        Ok(names)
    }

    /// Finds what is wanted, and creates the rest. What turns out to be there after all is looked
    /// for once more, when the read models show it.
    async fn resolve<I>(
        &self,
        mut wanted: Vec<u32>,
        find: impl AsyncFn(&[u32]) -> Result<HashMap<u32, Found<I>>, ImportError>,
        make: impl AsyncFn(u32, bool) -> Result<Option<Found<I>>, ImportError>,
        caught_up: &impl AsyncFn() -> Result<(), ImportError>,
    ) -> Result<HashMap<u32, Found<I>>, ImportError> {
        let (mut all, make) = (HashMap::new(), &make);
        for round in 0..LOOKS {
            if round > 0 {
                caught_up().await?;
            }
            let mut found = find(&wanted).await?;
            // What an earlier import made may not be ready yet.
            let is_ready = |found: &Found<I>| !found.ours || found.known.is_err();
            let unready: Vec<(u32, bool)> = wanted
                .iter()
                .filter(|index| !found.get(index).is_some_and(is_ready))
                .map(|index| (*index, found.contains_key(index)))
                .collect();
            found.retain(|_, found| is_ready(found));
            self.task.progress.add(found.len() as u64);
            all.extend(found);
            let made = stream::iter(unready).map(|(index, exists)| async move {
                Ok::<_, ImportError>((index, make(index, exists).await?))
            });
            let mut made = made.buffer_unordered(self.task.limits.flight_documents_max);
            wanted = Vec::new();
            while let Some((index, made)) = made.try_next().await? {
                match made {
                    Some(made) => {
                        self.task.progress.add(1);
                        all.insert(index, made);
                    }
                    None => wanted.push(index),
                }
            }
            if wanted.is_empty() {
                break;
            }
        }
        let lost = "its code is taken by a record that cannot be found";
        all.extend(wanted.into_iter().map(|index| (index, Found::there(Err(lost.to_owned())))));
        Ok(all)
    }

    fn access(&self) -> Access {
        Access { organization: self.commander.organization, actor: Actor::Administrator }
    }

    async fn find_customers(
        &self,
        wanted: &[u32],
    ) -> Result<HashMap<u32, Found<CustomerId>>, ImportError> {
        let mut found = HashMap::new();
        for wanted in wanted.chunks(LOOKED_UP) {
            let customer = |index: &u32| &*self.survey.customers.at(*index).number;
            let numbers: Vec<&str> = wanted.iter().map(customer).collect();
            let access = self.access();
            let ask = async || self.reader.customers_by_number(&access, &numbers).await;
            for row in self.commander.ask(ask).await? {
                let number = row.number.as_deref().unwrap_or_default();
                if let Some(index) = self.survey.customers.index(number) {
                    let ours = row.customer_id == self.derived(CUSTOMER, number);
                    found.insert(index, Found { ours, ..Found::there(self.usable(&row)) });
                }
            }
        }
        Ok(found)
    }

    /// The amounts of the file are in its currency; a customer's orders are in the customer's.
    fn usable(&self, row: &CustomerRow) -> Known<CustomerId> {
        let currency = self.task.mapping.currency;
        if row.currency == currency.code() {
            return Ok(CustomerId(row.customer_id));
        }
        let (number, theirs) = (row.number.as_deref().unwrap_or_default(), &row.currency);
        Err(format!("customer {number} trades in {theirs}, the file is in {currency}"))
    }

    /// None: another customer has its number, or an import gave it to one of another name.
    async fn make_customer(
        &self,
        index: u32,
        exists: bool,
    ) -> Result<Option<Found<CustomerId>>, ImportError> {
        let Customer { number, name, .. } = self.survey.customers.at(index);
        let id = self.derived(CUSTOMER, number);
        if exists {
            return Ok(Some(Found::there(Ok(id.into()))));
        }
        let customers = &self.task.mapping.customers;
        let name = match name {
            Some(name) => name.to_string(),
            None => customers.name.replace("{number}", number),
        };
        let open = OpenCustomer {
            name,
            number: Some(number.to_string()),
            currency: Some(self.task.mapping.currency),
            terms: customers.net_days.map(|net_days| PaymentTermsInput { net_days }),
            credit_limit: customers.credit_limit,
        };
        let opened = self.commander.give(id, &format!("import/customers/{number}"), &open).await?;
        Ok(made(id, opened))
    }

    async fn find_products(
        &self,
        wanted: &[u32],
    ) -> Result<HashMap<u32, Found<ProductId>>, ImportError> {
        let mut found = HashMap::new();
        for wanted in wanted.chunks(LOOKED_UP) {
            let product = |index: &u32| &*self.survey.products.at(*index).sku;
            let skus: Vec<&str> = wanted.iter().map(product).collect();
            let access = self.access();
            let ask = async || self.reader.products_by_sku(&access, &skus).await;
            for row in self.commander.ask(ask).await? {
                if let Some(index) = self.survey.products.index(&row.sku) {
                    let ours = row.product_id == self.derived(PRODUCT, &row.sku);
                    let known = self.sold_in(index, &row);
                    found.insert(index, Found { ours, ..Found::there(known) });
                }
            }
        }
        Ok(found)
    }

    /// Quantities of the file are in its unit; a product's orders are in the product's.
    fn sold_in(&self, index: u32, row: &ProductRow) -> Known<ProductId> {
        let unit = self.unit(self.survey.products.at(index)).code.0;
        match &row.unit {
            Some(theirs) if *theirs != unit => {
                Err(format!("product {} is sold in {theirs}, the file has {unit}", row.sku))
            }
            _ => Ok(ProductId(row.product_id)),
        }
    }

    fn unit(&self, product: &Product) -> ProductUnit {
        let products = &self.task.mapping.products;
        match &product.unit {
            Some(meant) => ProductUnit { code: meant.unit.clone(), precision: meant.precision },
            None => ProductUnit { code: products.unit.clone(), precision: products.precision },
        }
    }

    /// None: another product has its SKU, or an import gave it to one of another name or unit.
    async fn make_product(
        &self,
        index: u32,
        exists: bool,
    ) -> Result<Option<Found<ProductId>>, ImportError> {
        let product = self.survey.products.at(index);
        let sku = product.sku.to_string();
        let key = |step: &str| format!("import/products/{step}/{sku}");
        let id = self.derived(PRODUCT, &sku);
        let mut found = Found::there(Ok(ProductId(id)));
        if !exists {
            let name = product.name.as_deref().unwrap_or(&sku).to_owned();
            let (unit, name) = (Some(self.unit(product)), Some(name));
            let create = CreateProduct { sku: sku.clone(), unit, name, list_price: None };
            match made(id, self.commander.give(id, &key("create"), &create).await?) {
                Some(made) if made.known.is_ok() => found = made,
                otherwise => return Ok(otherwise),
            }
        }
        let product_id = ProductId(id);
        let publish = PublishProduct { product_id };
        let published = self.commander.give(fresh_id(), &key("publish"), &publish).await?;
        found.facts += self.appended(&sku, published);
        if self.task.mapping.products.backorder {
            let allow = SetStockBackorder { product_id, warehouse_id: None, allowed: true };
            let allowed = self.commander.give(fresh_id(), &key("backorder"), &allow).await?;
            found.facts += self.appended(&sku, allowed);
        }
        Ok(Some(found))
    }

    /// A step of making a product ready may be refused, since somebody has taken it in hand; what
    /// that means for documents they are told themselves.
    fn appended(&self, sku: &str, step: Result<Outcome, Refused>) -> u32 {
        match step {
            Ok(outcome) if outcome.repeated => 0,
            Ok(outcome) => outcome.facts,
            Err(refused) => {
                tracing::warn!(sku, reason = refused.reason, "a product is used as it is");
                0
            }
        }
    }

    fn derived(&self, kind: &str, code: &str) -> Uuid {
        self.commander.organization.derive(kind, &[code.as_bytes()])
    }
}

impl<I> Found<I> {
    /// It was there.
    fn there(known: Known<I>) -> Self {
        Self { known, ours: false, created: false, facts: 0 }
    }
}

/// What came of a command that makes a thing; none: its code was given to another before.
fn made<I: From<Uuid>>(id: Uuid, outcome: Result<Outcome, Refused>) -> Option<Found<I>> {
    match outcome {
        Ok(outcome) if outcome.repeated => Some(Found::there(Ok(id.into()))),
        Ok(outcome) => {
            Some(Found { created: true, facts: outcome.facts, ..Found::there(Ok(id.into())) })
        }
        Err(Refused { why: Why::KeyReused | Why::Taken, .. }) => None,
        Err(refused) => Some(Found::there(Err(refused.reason))),
    }
}

fn used(marks: impl Iterator<Item = bool>) -> Vec<u32> {
    marks.zip(0..).filter_map(|(used, index)| used.then_some(index)).collect()
}

/// How many of these were created now; adds up the facts that were appended.
fn created<I>(found: &HashMap<u32, Found<I>>, facts: &mut u64) -> u64 {
    *facts += found.values().map(|found| u64::from(found.facts)).sum::<u64>();
    found.values().filter(|found| found.created).count() as u64
}
