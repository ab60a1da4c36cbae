//! Claims about sales, through the front door: sums by month, by customer, by product.

pub(crate) mod books;
pub(crate) mod notes;

use events::words::OrganizationId;
use harness::{Shop, TestApp, test};
use projections::Rollup;
use projections::sales::SalesByMonth;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

const MONTHS: &str = "query($from: Date, $to: Date, $currency: String, $at: String) { \
    salesByMonth(from: $from, to: $to, currency: $currency, atLeast: $at) { month currency orders \
    lines gross net creditNotes creditLines credits creditsNet } }";
const CUSTOMERS: &str = "query($first: Int, $id: ID, $currency: String, $at: String) { \
    salesByCustomer(first: $first, customerId: $id, currency: $currency, atLeast: $at) { \
    customerId customer { name } currency orders lines gross net creditNotes creditLines credits \
    creditsNet } }";
const PRODUCTS: &str = "query($first: Int, $id: ID, $currency: String, $at: String) { \
    salesByProduct(first: $first, productId: $id, currency: $currency, atLeast: $at) { productId \
    product { sku name } currency lines quantity gross net creditLines creditedQuantity credits \
    creditsNet } }";

/// So many at this price.
fn line(product: &str, quantity: &str, price: &str) -> Value {
    json!({ "productId": product, "quantity": quantity, "unitPrice": price })
}

/// An order of one line, counting for this day.
fn order(customer: &str, product: &str, quantity: &str, price: &str, day: &str) -> Value {
    let lines = [line(product, quantity, price)];
    json!({ "customerId": customer, "businessDate": day, "lines": lines })
}

async fn place(shop: &Shop, order: Value) -> String {
    let placed = shop.run("placeOrder", order).await;
    placed["id"].as_str().unwrap_or_default().to_owned()
}

async fn credit(app: &TestApp, order: &str) {
    let order: Uuid = order.parse().expect("an id");
    notes::credit(app, OrganizationId::of_slug("acme"), order).await;
}

async fn ask(shop: &Shop, query: &str, variables: Value) -> Vec<Value> {
    let data = shop.client.ask(query, variables).await;
    let rows = data.as_object().and_then(|data| data.values().next());
    rows.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The fields of a row as text; amounts without the zeros behind them.
fn told(row: &Value, fields: &str) -> String {
    let text = |field: &str| match &row[field] {
        Value::String(text) => match text.parse::<Decimal>() {
            Ok(number) => number.normalize().to_string(),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    };
    fields.split(' ').map(text).collect::<Vec<_>>().join(" ")
}

fn all(rows: &[Value], fields: &str) -> Vec<String> {
    rows.iter().map(|row| told(row, fields)).collect()
}

#[test]
fn months_are_shown_in_order_and_within_a_range() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "1", 1_000).await;
        let yen = json!({ "name": "Nippon Bolts", "currency": "JPY" });
        let yen = shop.run("openCustomer", yen).await["id"].as_str().unwrap_or_default().to_owned();
        assert_eq!(ask(&shop, MONTHS, json!({})).await, Vec::<Value>::new());
        let mut placed = Vec::new();
        for (customer, price, day) in [
            (&customer, "2.345", "2026-02-28"),
            (&customer, "2.345", "2026-02-01"),
            (&customer, "1", "2025-12-31"),
            (&yen, "100.4", "2026-02-14"),
            (&customer, "7", "2026-01-31"),
        ] {
            placed.push(place(&shop, order(customer, &product, "3", price, day)).await);
        }
        let cancel = json!({ "orderId": placed[4], "reason": "wrong" });
        shop.run("cancelOrder", cancel).await;
        credit(app, &placed[1]).await;
        app.settled().await;
        let fields = "month currency orders lines gross net creditNotes creditLines credits \
            creditsNet";
        let december = "2025-12-01 EUR 1 1 3 3 0 0 0 0";
        let january = "2026-01-01 EUR 0 0 0 0 0 0 0 0";
        let euro = "2026-02-01 EUR 2 2 14.07 14.08 1 1 7.035 7.04";
        let yen = "2026-02-01 JPY 1 1 301.2 301 0 0 0 0";
        for (arguments, expected) in [
            (json!({}), vec![december, january, euro, yen]),
            (json!({ "currency": "EUR" }), vec![december, january, euro]),
            (json!({ "currency": "USD" }), vec![]),
            (json!({ "from": "2026-01-31", "to": "2026-02-01" }), vec![january, euro, yen]),
            (json!({ "from": "2026-02-28" }), vec![euro, yen]),
            (json!({ "to": "2026-01-01" }), vec![december, january]),
            (json!({ "from": "2026-02-01", "to": "2026-02-01", "currency": "JPY" }), vec![yen]),
            (json!({ "from": "2026-03-01" }), vec![]),
        ] {
            let found = all(&ask(&shop, MONTHS, arguments.clone()).await, fields);
            assert_eq!(found, expected, "{arguments}");
        }
    });
}

#[test]
fn the_customers_with_the_most_are_first_and_credits_are_taken_off() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let product = shop.product("A-1", "1", 1_000).await;
        let mut customers = Vec::new();
        for name in ["Least", "Even 1", "Even 2", "Most", "Credited"] {
            customers.push(shop.customer(name, json!(null)).await);
        }
        let mut orders = Vec::new();
        for (customer, quantity) in [(0, "1"), (1, "5"), (2, "5"), (3, "6"), (3, "2"), (4, "9")] {
            let order = order(&customers[customer], &product, quantity, "1.5", "2026-02-01");
            orders.push(place(&shop, order).await);
        }
        credit(app, &orders[5]).await;
        app.settled().await;
        let rows = ask(&shop, CUSTOMERS, json!({})).await;
        let names = ["Most", "Even 1", "Even 2", "Least", "Credited"];
        let found: Vec<&str> =
            rows.iter().filter_map(|row| row["customer"]["name"].as_str()).collect();
        assert_eq!(found, names, "of two with the same, the first opened has the lower id");
        let fields = "currency orders lines gross net creditNotes creditLines credits creditsNet";
        assert_eq!(told(&rows[0], fields), "EUR 2 2 12 12 0 0 0 0");
        assert_eq!(told(&rows[4], fields), "EUR 1 1 13.5 13.5 1 1 13.5 13.5");
        assert_eq!(ask(&shop, CUSTOMERS, json!({ "first": 2 })).await, rows[..2]);
        let only = json!({ "id": customers[0], "currency": "EUR" });
        assert_eq!(ask(&shop, CUSTOMERS, only).await, rows[3..4]);
        let none = json!({ "id": customers[0], "currency": "JPY" });
        assert_eq!(ask(&shop, CUSTOMERS, none).await, Vec::<Value>::new());
    });
}

#[test]
fn the_products_with_the_most_are_first_and_count_their_pieces() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let (bolt, nut) =
            (shop.product("BOLT", "1", 1_000).await, shop.product("NUT", "1", 1_000).await);
        let lines = [line(&bolt, "3", "2.345"), line(&nut, "1", "40"), line(&bolt, "2", "1")];
        let credited = place(&shop, json!({ "customerId": customer, "lines": lines })).await;
        place(&shop, order(&customer, &bolt, "4", "10", "2026-02-01")).await;
        let cancelled = place(&shop, order(&customer, &nut, "100", "10", "2026-02-01")).await;
        shop.run("cancelOrder", json!({ "orderId": cancelled, "reason": "wrong" })).await;
        credit(app, &credited).await;
        app.settled().await;
        let rows = ask(&shop, PRODUCTS, json!({})).await;
        let fields = "productId currency lines quantity gross net creditLines creditedQuantity \
            credits creditsNet";
        let expected = [
            format!("{bolt} EUR 3 9 49.035 49.04 2 5 9.035 9.04"),
            format!("{nut} EUR 1 1 40 40 1 1 40 40"),
        ];
        assert_eq!(all(&rows, fields), expected);
        let names = json!([{ "sku": "BOLT", "name": "BOLT" }, { "sku": "NUT", "name": "NUT" }]);
        assert_eq!(json!([rows[0]["product"], rows[1]["product"]]), names);
        assert_eq!(ask(&shop, PRODUCTS, json!({ "first": 1 })).await, rows[..1]);
        assert_eq!(ask(&shop, PRODUCTS, json!({ "id": nut })).await, rows[1..]);
        assert_eq!(ask(&shop, PRODUCTS, json!({ "currency": "JPY" })).await, Vec::<Value>::new());
    });
}

#[test]
fn whoever_says_what_they_wrote_sees_it_summed_up() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let product = shop.product("A-1", "1", 1_000).await;
        for round in 1..=20 {
            let customer = shop.customer(&format!("Customer {round}"), json!(null)).await;
            let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
            let at = order["position"].clone();
            let months = ask(&shop, MONTHS, json!({ "at": at })).await;
            assert_eq!(all(&months, "orders lines"), [format!("{round} {round}")]);
            let customers = ask(&shop, CUSTOMERS, json!({ "at": at, "id": customer })).await;
            let name = json!({ "name": format!("Customer {round}") });
            assert_eq!(customers[0]["customer"], name, "what stands in the row is there too");
            let products = ask(&shop, PRODUCTS, json!({ "at": at })).await;
            assert_eq!(all(&products, "lines quantity"), [format!("{round} {round}")]);
        }
    });
}

#[test]
fn more_months_than_can_be_shown_are_refused_and_never_cut() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let (name, version) = (SalesByMonth::NAME, SalesByMonth::VERSION);
        let fill = format!(
            "insert into {name}_v{version}.{name} select $1, month, currency, \
             1, 1, 1, 1, 0, 0, 0, 0, 1 from unnest(array['EUR', 'JPY']) as currency, \
             generate_series('1990-01-01'::date, '2040-01-01'::date, interval '1 month') as month"
        );
        let organization = OrganizationId::of_slug("acme");
        app.database.connect().await.execute(&fill, &[&organization.0]).await.expect("months");
        let (code, message) = shop.client.refused(MONTHS, json!({})).await;
        assert_eq!(code, "INVALID_INPUT");
        assert!(message.contains("more than 1200"), "{message}");
        let fewer = ask(&shop, MONTHS, json!({ "from": "1990-02-01" })).await;
        assert_eq!(fewer.len(), 1_200);
        assert_eq!(ask(&shop, MONTHS, json!({ "currency": "EUR" })).await.len(), 601);
    });
}
