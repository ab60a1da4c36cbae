//! The customers and products that a file names: found where they exist, whoever made them, and
//! created where they do not. What exists is used as it is, and not changed.

mod customers;
mod products;

use std::collections::HashMap;

use commands::Outcome;
use events::access::Access;
use events::customers::CustomerId;
use events::products::ProductId;
use events::words::Actor;
use futures_util::{StreamExt, TryStreamExt, stream};
use queries::Reader;
use uuid::Uuid;

use super::ImportError;
use super::commander::{Commander, Refused, Why};
use super::documents::Document;
use super::survey::{Refusal, Survey};
use super::task::Task;

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
        self.task.progress.begin("customers and products", total as u64);
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
        Access {
            organization: self.commander.organization,
            actor: Actor::Administrator,
            as_of: None,
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
