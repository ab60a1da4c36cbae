//! What is there after an import, read from the read models.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;
use tokio_postgres::Client;

/// A document as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// The customer's number.
    pub(super) customer: String,
    /// When it was made, in the zone that was asked for: `2011-07-01 08:26:00`.
    pub(super) made: String,
    /// The day it counts for.
    pub(super) day: String,
    /// SKU, quantity, price.
    pub(super) lines: Vec<(String, Decimal, Decimal)>,
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Books {
    /// By number.
    pub(super) orders: BTreeMap<String, Document>,
    /// By number.
    pub(super) credit_notes: BTreeMap<String, Document>,
    /// How many are promised, by SKU.
    pub(super) reserved: BTreeMap<String, Decimal>,
    /// What customers owe, by number.
    pub(super) exposure: BTreeMap<String, Decimal>,
}

const ORDERS: &str = "
    select o.number, c.number, to_char(o.placed_at at time zone $1, 'YYYY-MM-DD HH24:MI:SS'),
        o.business_date::text, l.sku, l.quantity::text, l.unit_price::text
    from read.orders o join read.customers c using (organization_id, customer_id)
        join read.order_lines l using (organization_id, order_id)
    where o.series = 'external' order by o.number, l.line";

const CREDIT_NOTES: &str = "
    select o.number, c.number, to_char(o.posted_at at time zone $1, 'YYYY-MM-DD HH24:MI:SS'),
        o.business_date::text, l.sku, l.quantity::text, l.unit_price::text
    from read.credit_notes o join read.customers c using (organization_id, customer_id)
        join read.credit_note_lines l using (organization_id, credit_note_id)
    where o.series = 'external' order by o.number, l.line";

const RESERVED: &str = "
    select p.sku, sum(s.reserved)::text from read.stock s
        join read.products p using (organization_id, product_id)
    where s.reserved <> 0 group by p.sku";

const EXPOSURE: &str = "
    select c.number, k.exposure::text from read.credit k
        join read.customers c using (organization_id, customer_id)
    where k.exposure <> 0 and c.number is not null";

pub(super) fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).expect("a decimal").normalize()
}

impl Books {
    /// Reads them; times in this zone.
    pub(super) async fn read(client: &Client, zone: &str) -> Self {
        Self {
            orders: documents(client, ORDERS, zone).await,
            credit_notes: documents(client, CREDIT_NOTES, zone).await,
            reserved: sums(client, RESERVED).await,
            exposure: sums(client, EXPOSURE).await,
        }
    }
}

async fn documents(client: &Client, query: &str, zone: &str) -> BTreeMap<String, Document> {
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    for row in client.query(query, &[&zone]).await.expect("documents") {
        let [number, customer, made, day, sku, quantity, price] =
            std::array::from_fn(|at| row.get::<_, String>(at));
        let document = documents.entry(number).or_insert_with(|| Document {
            customer,
            made,
            day,
            lines: Vec::new(),
        });
        document.lines.push((sku, decimal(&quantity), decimal(&price)));
    }
    documents
}

async fn sums(client: &Client, query: &str) -> BTreeMap<String, Decimal> {
    let rows = client.query(query, &[]).await.expect("sums");
    rows.iter().map(|row| (row.get(0), decimal(row.get(1)))).collect()
}

impl Books {
    /// As they have to be, by what was sold and credited; lines are rounded to cents.
    pub(super) fn of(
        orders: BTreeMap<String, Document>,
        credits: BTreeMap<String, Document>,
    ) -> Self {
        let (mut reserved, mut exposure) = (BTreeMap::new(), BTreeMap::new());
        let signs = [(&orders, Decimal::ONE), (&credits, Decimal::NEGATIVE_ONE)];
        for (document, sign) in
            signs.iter().flat_map(|(documents, sign)| documents.values().map(move |d| (d, *sign)))
        {
            for (sku, quantity, price) in &document.lines {
                let how = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
                let net = (quantity * price).round_dp_with_strategy(2, how);
                *exposure.entry(document.customer.clone()).or_insert(Decimal::ZERO) += sign * net;
                if sign.is_sign_positive() {
                    *reserved.entry(sku.clone()).or_insert(Decimal::ZERO) += quantity;
                }
            }
        }
        let normal = |sums: BTreeMap<String, Decimal>| {
            let sums = sums.into_iter().map(|(code, sum)| (code, sum.normalize()));
            sums.filter(|(_, sum)| !sum.is_zero()).collect()
        };
        let (reserved, exposure) = (normal(reserved), normal(exposure));
        Self { orders, credit_notes: credits, reserved, exposure }
    }

    /// Fails with the first difference, not with all there is.
    #[track_caller]
    pub(super) fn are(&self, expected: &Self) {
        let differs = |there: &BTreeMap<String, Document>, wanted: &BTreeMap<String, Document>| {
            let numbers = there.keys().chain(wanted.keys());
            let first =
                numbers.into_iter().find(|number| there.get(*number) != wanted.get(*number));
            first.map(|number| {
                format!("{number}: {:?}, not {:?}", there.get(number), wanted.get(number))
            })
        };
        assert_eq!(differs(&self.orders, &expected.orders), None, "orders");
        assert_eq!(differs(&self.credit_notes, &expected.credit_notes), None, "credit notes");
        assert_eq!(self.reserved, expected.reserved, "reserved");
        assert_eq!(self.exposure, expected.exposure, "exposure");
    }
}
