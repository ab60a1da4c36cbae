//! Everything that GraphQL shows of records, with what stands in them.

use std::collections::BTreeMap;

use harness::TestApp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

/// Each feature's query: its field and its fields. Credit stands in the customer.
const CARDS: [(&str, &str, &str); 7] = [
    (
        "customers",
        "customer",
        "id number name currency netDays status statusReason version changedAt
        credit { currency limit exposure available version changedAt }",
    ),
    (
        "contacts",
        "contact",
        "id name email phone address role status statusReason mergedInto addedAt version changedAt
        customer { name status netDays version credit { exposure available version } }",
    ),
    (
        "products",
        "product",
        "id sku name description de: name(locale: \"de-CH\") unit unitPrecision
        listPrice { amount currency } status version changedAt
        stock { id warehouseId unit onHand reserved available backorder version changedAt }",
    ),
    ("warehouses", "warehouse", "id code name status statusReason openedAt version changedAt"),
    (
        "stock",
        "stockItem",
        "id productId warehouseId unit onHand reserved available backorder version changedAt
        warehouse { code status statusReason version }",
    ),
    (
        "orders",
        "order",
        "id series number customerId customerName reference status placedAt businessDate currency
        gross net credited lineCount creditOverride cancelReason version changedAt
        lines { line productId sku name unit warehouseId quantity unitPrice priceSource gross net }
        customer { name status netDays version credit { limit exposure version } }",
    ),
    (
        "credit_notes",
        "creditNote",
        "id series number customerId customerName orderId reference reason status postedAt
        businessDate currency gross net lineCount version changedAt
        lines { line productId sku name unit quantity unitPrice priceSource gross net }
        order { status credited version lines { quantity } customer { status version } }
        customer { name status version credit { exposure version } }",
    ),
];

/// What is shown of records as of a moment, or now: by feature and id.
pub(super) async fn cards<'a>(
    app: &TestApp,
    slug: &str,
    records: impl Iterator<Item = (&'a str, Uuid)>,
    as_of: Option<Value>,
) -> BTreeMap<(String, Uuid), Value> {
    let client = app.administrator().within(slug);
    let mut cards = BTreeMap::new();
    for (feature, id) in records {
        let Some((_, field, fields)) = CARDS.iter().find(|(known, ..)| *known == feature) else {
            assert!(["organizations", "credit"].contains(&feature), "no card of {feature}");
            continue;
        };
        // A product may be named otherwise, so its id may be left out.
        let id_type = if *field == "product" { "ID" } else { "ID!" };
        let query = format!(
            "query($id: {id_type}, $asOf: AsOf) {{ {field}(id: $id, asOf: $asOf) {{ {fields} }}
            organization(asOf: $asOf) {{ id slug name currency timeZone status version }} }}"
        );
        let shown = client.ask(&query, json!({ "id": id, "asOf": as_of })).await;
        cards.insert((feature.to_owned(), id), plain(shown));
    }
    cards
}

/// Numbers without zeros at their end: rows keep them or not, as PostgreSQL does.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<Decimal>() {
            Ok(number) => json!(number.normalize().to_string()),
            Err(_) => Value::String(text),
        },
        Value::Array(all) => all.into_iter().map(plain).collect(),
        Value::Object(all) => all.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}
