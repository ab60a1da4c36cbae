//! The demo as commands: stages that follow each other, steps of a stage that may be given side by
//! side. The same moment at the end makes the same script.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use commands::credit_notes::post::{CreditNoteLineInput, PostCreditNote};
use commands::customers::hold::HoldCustomer;
use commands::customers::open::OpenCustomer;
use commands::customers::set_terms::PaymentTermsInput;
use commands::orders::cancel::CancelOrder;
use commands::orders::place::{OrderLineInput, PlaceOrder};
use commands::products::create::{CreateProduct, ProductUnitInput};
use commands::products::discontinue::DiscontinueProduct;
use commands::products::publish::PublishProduct;
use commands::products::set_list_price::ListPriceInput;
use commands::stock::receive::ReceiveStock;
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::ProductId;
use events::words::{Amount, Currency, Quantity, UnitPrice};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::calendar::at;
use super::customers::companies;
use super::products::{Article, assortment};
use super::stock::{Delivery, deliveries};
use super::trade::{Line, Sale, Trade, trade};
use super::{DemoError, id_of};

/// The dice are thrown alike in every demo.
const SEED: u64 = 0x6d69_6c6c_7261_6365;
/// The last order's key: nothing is given after it.
pub(super) const LAST: &str = "demo/order/last";

/// A command under its idempotency key, given at a moment of the half year.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) key: String,
    pub(super) at: DateTime<Utc>,
    pub(super) wanted: Wanted,
}

/// What a step wants.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Create(CreateProduct),
    Publish(PublishProduct),
    Discontinue(DiscontinueProduct),
    Open(OpenCustomer),
    Hold(HoldCustomer),
    Receive(ReceiveStock),
    Place(PlaceOrder),
    Cancel(CancelOrder),
    Post(PostCreditNote),
}

/// Steps that may be given side by side.
pub(super) type Stage = Vec<Step>;

struct Script {
    currency: Currency,
    articles: Vec<Article>,
    companies: Vec<String>,
    trade: Trade,
    deliveries: Vec<Delivery>,
}

/// The demo whose half year ends at a moment.
pub(super) fn stages(until: DateTime<Utc>) -> Result<Vec<Stage>, DemoError> {
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    let (articles, companies) = (assortment(), companies(&mut dice));
    let trade = trade(&mut dice, &articles, companies.len(), until)
        .map_err(|error| DemoError::Script(error.to_string()))?;
    let deliveries = deliveries(&mut dice, &articles, &trade);
    let currency = super::CURRENCY.parse().map_err(DemoError::Script)?;
    Ok(Script { currency, articles, companies, trade, deliveries }.stages())
}

fn customer(index: usize) -> CustomerId {
    CustomerId(id_of(&customer_key(index)))
}

fn customer_key(index: usize) -> String {
    format!("demo/customer/{index}")
}

fn quantity(line: Line) -> Quantity {
    Quantity(Decimal::new(i64::from(line.thousandths), 3).normalize())
}

impl Script {
    fn stages(&self) -> Vec<Stage> {
        let mut stages = vec![self.master_data(), self.publications()];
        let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
        for delivery in &self.deliveries {
            days.entry(delivery.date).or_default().received = self.receipts(delivery);
        }
        let (last, sales) = match self.trade.sales.split_last() {
            Some((last, sales)) => (Some(last), sales),
            None => (None, &[][..]),
        };
        for (index, sale) in sales.iter().enumerate() {
            self.sold(index, sale, &mut days);
        }
        for (article, date) in &self.trade.discontinued {
            days.entry(*date).or_default().ended.push(self.discontinuation(*article, *date));
        }
        let (held, date) = self.trade.held;
        days.entry(date).or_default().ended.push(hold(held, date));
        for day in days.into_values() {
            // Numbers of credit notes are counted: one after another, so that they are the same.
            let one_by_one = day.credited.into_iter().map(|step| vec![step]);
            stages.extend([day.received, day.placed, day.ended]);
            stages.extend(one_by_one);
        }
        stages.extend(last.map(|last| vec![self.order(sales.len(), last)]));
        stages.retain(|stage| !stage.is_empty());
        stages
    }

    /// An order, and what became of it later.
    fn sold(&self, index: usize, sale: &Sale, days: &mut BTreeMap<NaiveDate, Day>) {
        let date = |at: DateTime<Utc>| at.with_timezone(&super::calendar::ZONE).date_naive();
        days.entry(date(sale.at)).or_default().placed.push(self.order(index, sale));
        let order_id = OrderId(id_of(&self.order_key(index)));
        if let Some((at, reason)) = sale.cancelled {
            let wanted = Wanted::Cancel(CancelOrder { order_id, reason: reason.to_owned() });
            let key = format!("demo/order/{index}/cancel");
            days.entry(date(at)).or_default().ended.push(Step { key, at, wanted });
        }
        if let Some((at, reason, lines)) = &sale.credited {
            let wanted = Wanted::Post(PostCreditNote {
                customer_id: customer(sale.customer),
                lines: lines.iter().map(|line| self.credited_line(*line)).collect(),
                order_id: Some(order_id),
                number: None,
                series: None,
                reference: sale.reference.clone(),
                reason: Some((*reason).to_owned()),
                posted_at: None,
                business_date: None,
                rounding: None,
            });
            let key = format!("demo/order/{index}/credit");
            days.entry(date(*at)).or_default().credited.push(Step { key, at: *at, wanted });
        }
    }

    fn order_key(&self, index: usize) -> String {
        match index + 1 == self.trade.sales.len() {
            true => LAST.to_owned(),
            false => format!("demo/order/{index}"),
        }
    }

    fn product(&self, article: usize) -> ProductId {
        ProductId(id_of(&self.product_key(article)))
    }

    fn product_key(&self, article: usize) -> String {
        format!("demo/product/{}", self.articles[article].sku)
    }

    fn credited_line(&self, line: Line) -> CreditNoteLineInput {
        let product_id = self.product(line.article);
        CreditNoteLineInput { product_id, quantity: quantity(line), unit_price: None }
    }

    fn order(&self, index: usize, sale: &Sale) -> Step {
        let line = |line: &Line| OrderLineInput {
            product_id: self.product(line.article),
            quantity: quantity(*line),
            unit_price: None,
            warehouse_id: None,
        };
        let wanted = Wanted::Place(PlaceOrder {
            customer_id: customer(sale.customer),
            lines: sale.lines.iter().map(line).collect(),
            number: None,
            series: None,
            reference: sale.reference.clone(),
            placed_at: None,
            business_date: None,
            rounding: None,
            credit_override: None,
        });
        Step { key: self.order_key(index), at: sale.at, wanted }
    }

    /// Products and customers, before the first day.
    fn master_data(&self) -> Stage {
        let before = at(self.trade.first, 5, 0, 0);
        let products = self.articles.iter().enumerate().map(|(index, article)| {
            let (code, precision) = article.measure.unit();
            let amount = UnitPrice(Decimal::new(i64::from(article.cents), 2));
            let wanted = Wanted::Create(CreateProduct {
                sku: article.sku.clone(),
                unit: Some(ProductUnitInput { code, precision }),
                name: Some(article.name.clone()),
                list_price: Some(ListPriceInput { amount, currency: self.currency }),
            });
            Step { key: self.product_key(index), at: before, wanted }
        });
        let bought = self.bought();
        let customers = self.companies.iter().enumerate().map(|(index, name)| {
            let wanted = Wanted::Open(OpenCustomer {
                name: name.clone(),
                number: Some(format!("K-{}", 10_001 + index)),
                currency: None,
                terms: Some(PaymentTermsInput { net_days: [30, 14, 30, 45, 30, 60][index % 6] }),
                credit_limit: limit(index, bought[index]),
            });
            Step { key: customer_key(index), at: before, wanted }
        });
        products.chain(customers).collect()
    }

    fn publications(&self) -> Stage {
        let sold = (0..self.articles.len()).filter(|article| !self.trade.drafts.contains(article));
        let publication = |article| Step {
            key: format!("{}/publish", self.product_key(article)),
            at: at(self.trade.first, 5, 0, 0),
            wanted: Wanted::Publish(PublishProduct { product_id: self.product(article) }),
        };
        sold.map(publication).collect()
    }

    fn receipts(&self, delivery: &Delivery) -> Stage {
        let receipt = |line: &Line| Step {
            key: format!("demo/delivery/{}/{}", delivery.date, self.articles[line.article].sku),
            at: at(delivery.date, 6, 0, 0),
            wanted: Wanted::Receive(ReceiveStock {
                product_id: self.product(line.article),
                warehouse_id: None,
                quantity: quantity(*line),
            }),
        };
        delivery.lines.iter().map(receipt).collect()
    }

    fn discontinuation(&self, article: usize, date: NaiveDate) -> Step {
        let reason = Some("the manufacturer makes it no more".to_owned());
        Step {
            key: format!("{}/discontinue", self.product_key(article)),
            at: at(date, 20, 0, 0),
            wanted: Wanted::Discontinue(DiscontinueProduct {
                product_id: self.product(article),
                reason,
            }),
        }
    }

    /// What each customer bought in the half year, in cents: at least, for halves are rounded up.
    fn bought(&self) -> Vec<u64> {
        let mut bought = vec![0; self.companies.len()];
        for sale in &self.trade.sales {
            for line in &sale.lines {
                let cents = u64::from(self.articles[line.article].cents);
                bought[sale.customer] += (cents * u64::from(line.thousandths)).div_ceil(1_000);
            }
        }
        bought
    }
}

/// The steps of a day, in the order in which they are given.
#[derive(Default)]
struct Day {
    received: Stage,
    placed: Stage,
    /// What was cancelled, and what ended with the day.
    ended: Stage,
    credited: Stage,
}

fn hold(index: usize, date: NaiveDate) -> Step {
    let reason = "three invoices are overdue".to_owned();
    let wanted = Wanted::Hold(HoldCustomer { customer_id: customer(index), reason });
    Step { key: format!("{}/hold", customer_key(index)), at: at(date, 20, 0, 0), wanted }
}

/// The credit limit of a customer that buys so much: two of five have one, and some have nearly
/// used it up.
fn limit(index: usize, bought: u64) -> Option<Amount> {
    let per_cent = match index % 5 {
        0 => 101,
        3 => 140,
        _ => return None,
    };
    let five_hundreds = (bought * per_cent / 100).div_ceil(50_000).max(4);
    Some(Amount(Decimal::from(five_hundreds * 500)))
}

#[cfg(test)]
mod tests;
