//! Claims about noise: whatever comes, it is no mistake of ours. It is seeded: a failure can be
//! repeated.

use harness::shop::mutation_of;
use harness::{Client, Shop, TestApp, test};
use serde_json::{Value, json};

use super::NOBODY;

/// Numbers that look random (xorshift64*, Vigna 2016), the same ones each time.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % limit
    }

    pub(super) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.below(256)).unwrap_or_default()).collect()
    }

    /// A value that might be awkward.
    pub(super) fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => json!(self.of(&TEXTS)),
            1 => json!(self.of(&[i64::MIN, i64::MAX, -1, 0, 1, 1 << 31])),
            2 => json!(self.of(&[1e308, -0.0, 0.1, 5e-324])),
            3 => self.of(&[json!(null), json!(true), json!({}), json!([])]),
            4 => json!((0..self.below(4)).map(|_| self.value(depth - 1)).collect::<Vec<_>>()),
            _ => {
                let names = ["id", "name", "amount", "input", "__proto__", "\u{0}"];
                let entry =
                    |chance: &mut Self| (chance.of(&names).to_owned(), chance.value(depth - 1));
                Value::Object((0..self.below(4)).map(|_| entry(self)).collect())
            }
        }
    }
}

const TEXTS: [&str; 20] = [
    "",
    "\u{0}",
    "a\u{0}b",
    "\u{feff}\u{202e}",
    "🔩🔩",
    NOBODY,
    "00000000-0000-0000-0000-000000000000",
    "1",
    "-1",
    "0.000001",
    "999999999999",
    "79228162514264337593543950335",
    "1970-01-01T00:00:00Z",
    "-262143-01-01T00:00:00Z",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01",
    "EUR",
    "BHD",
    "America/New_York",
    "'; drop schema log cascade; --",
];

/// Requests that would be right, to be spoilt in one place.
async fn right(shop: &Shop) -> Vec<(String, Value)> {
    let customer = shop.customer("Bolt & Co", json!("1000000")).await;
    let product = shop.product("A-1", "2.50", 1_000_000).await;
    let price = json!({ "amount": "1", "currency": "EUR" });
    let mutations = [
        (
            "placeOrder",
            json!({
                "customerId": customer, "number": "1", "series": "web", "reference": "r",
                "placedAt": "2026-01-01T00:00:00Z", "businessDate": "2026-01-01",
                "rounding": { "place": "TOTAL", "how": "HALF_EVEN" }, "creditOverride": "o",
                "lines": [{ "productId": product, "quantity": "1", "unitPrice": "1" }],
                "idempotencyKey": "k", "expectedVersion": 0,
            }),
        ),
        (
            "postCreditNote",
            json!({
                "customerId": customer, "orderId": NOBODY, "number": "1", "series": "external",
                "reference": "r", "reason": "b", "postedAt": "2026-01-01T00:00:00Z",
                "businessDate": "2026-01-01", "rounding": { "place": "LINE", "how": "HALF_UP" },
                "lines": [{ "productId": product, "quantity": "1", "unitPrice": "1" }],
                "idempotencyKey": "n", "expectedVersion": 0,
            }),
        ),
        ("postCreditNote", Shop::order(&customer, &product, "1")),
        (
            "openCustomer",
            json!({
                "name": "N", "number": "7", "currency": "EUR", "terms": { "netDays": 1 },
                "creditLimit": "1", "idempotencyKey": "c",
            }),
        ),
        (
            "createProduct",
            json!({
                "sku": "B", "unit": { "code": "kg", "precision": 3 }, "name": "B",
                "listPrice": price,
            }),
        ),
        (
            "describeProduct",
            json!({
                "productId": product, "locale": "en", "name": "n", "description": "d",
            }),
        ),
        (
            "registerOrganization",
            json!({
                "slug": "beta", "name": "B", "currency": "EUR", "timeZone": "Europe/Zurich",
            }),
        ),
        ("adjustStock", json!({ "productId": product, "difference": "1", "reason": "r" })),
        ("reserveStock", json!({ "productId": product, "quantity": "1", "reason": "r" })),
        ("setCustomerTerms", json!({ "customerId": customer, "terms": { "netDays": 1 } })),
        ("holdCustomer", json!({ "customerId": NOBODY, "reason": "r" })),
        ("cancelOrder", json!({ "orderId": NOBODY, "reason": "r" })),
    ];
    let mut all: Vec<(String, Value)> = mutations
        .into_iter()
        .map(|(mutation, input)| (mutation_of(mutation), json!({ "input": input })))
        .collect();
    all.extend(right_queries(&customer));
    all
}

fn right_queries(customer: &str) -> [(String, Value); 3] {
    let list = "query($a: String, $b: String, $n: Int, $c: ID, $p: String) { \
        orders(after: $a, before: $b, first: $n, filter: { customerId: { eq: $c } }, atLeast: $p) \
        { nodes { id lines { sku } customer { credit { limit } } } } }";
    let notes = "query($a: String, $b: String, $n: Int, $c: ID, $o: ID, $p: String) { \
        creditNotes(after: $a, before: $b, last: $n, filter: \
        { customerId: { eq: $c }, orderId: { eq: $o } }, \
        atLeast: $p) { nodes { id lines { sku } order { id } } } }";
    let product_query = "query($id: ID, $sku: String, $l: String) { product(id: $id, sku: $sku) \
        { id name(locale: $l) stock { available } } }";
    [
        (list, json!({ "a": null, "b": null, "n": 1, "c": customer, "p": "AQ" })),
        (notes, json!({ "a": null, "b": null, "n": 1, "c": customer, "o": NOBODY })),
        (product_query, json!({ "id": null, "sku": "A-1", "l": "en" })),
    ]
    .map(|(query, variables)| (query.to_owned(), variables))
}

/// Every place in a value where something else could stand.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(all) => all.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(all) => all.iter().enumerate().map(|(at, v)| (at.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        let path = format!("{path}/{name}");
        places(value, &path, found);
        found.push(path);
    }
}

async fn is_no_mistake_of_ours(client: &Client, body: Vec<u8>) {
    let shown = String::from_utf8_lossy(&body).into_owned();
    let json = [("content-type", "application/json")];
    let (status, _, text) = client.send("POST", "/graphql", &json, body).await;
    assert!(status < 500, "{status} for {shown}: {text}");
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{shown}: {text}"));
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("no code");
        assert!(!["INTERNAL", "UNAVAILABLE", "no code"].contains(&code), "{shown}: {answer}");
    }
}

async fn hear(app: &TestApp, shop: &Shop, seed: u64) {
    let mut chance = Chance(seed);
    let right = right(shop).await;
    for _ in 0..300 {
        let body = match chance.below(6) {
            0 => {
                let count = chance.below(200);
                chance.bytes(count)
            }
            1 => chance.value(4).to_string().into_bytes(),
            2 => {
                let (query, variables) = chance.of(&right);
                let mut body = json!({ "query": query, "variables": variables }).to_string();
                let mut end = chance.below(body.len());
                while !body.is_char_boundary(end) {
                    end -= 1;
                }
                body.truncate(end);
                body.into_bytes()
            }
            _ => {
                let (query, mut variables) = chance.of(&right);
                let mut all = Vec::new();
                places(&variables, "", &mut all);
                for _ in 0..=chance.below(2) {
                    let place = chance.of(&all);
                    let value = chance.value(2);
                    variables.pointer_mut(&place).into_iter().for_each(|v| *v = value.clone());
                }
                json!({ "query": query, "variables": variables }).to_string().into_bytes()
            }
        };
        is_no_mistake_of_ours(&shop.client, body).await;
    }
    app.settled().await;
}

#[test]
fn three_hundred_random_requests_are_no_mistake_of_ours() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        hear(app, &shop, 0x6d69_6c6c_7261_6365).await;
    });
}

#[test]
fn every_awkward_text_in_every_place_is_no_mistake_of_ours() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for (query, variables) in right(&shop).await {
            let mut all = Vec::new();
            places(&variables, "", &mut all);
            for place in all {
                for text in TEXTS {
                    let mut spoilt = variables.clone();
                    spoilt.pointer_mut(&place).into_iter().for_each(|v| *v = json!(text));
                    let body = json!({ "query": query, "variables": spoilt }).to_string();
                    is_no_mistake_of_ours(&shop.client, body.into_bytes()).await;
                }
            }
        }
        app.settled().await;
    });
}
