//! Claims about what others have or did: another company's file, records that exist, files that
//! changed, rules that refuse.

use commands::orders::place::PlaceOrder;
use harness::desk::{customer, order};
use harness::{Desk, schema_of, test as with_app};
use serde_json::{Value, json};

use super::place::{Imported, Place, test};

fn fixture(name: &str) -> std::path::PathBuf {
    harness::root().join("tests/fixtures/import").join(name)
}

/// Rows of a query, each as JSON.
async fn ask(place: &Place, query: &str) -> Value {
    let query = format!("select coalesce(json_agg(r), '[]')::text from ({query}) r");
    let client = place.connect().await;
    let text: String = client.query_one(&query, &[]).await.expect("an answer").get(0);
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn another_companys_file_takes_a_mapping_and_no_code() {
    test(async |place| {
        let (file, mapping) = (fixture("werkstatt.csv"), fixture("werkstatt.toml"));
        let imported = place.import(&file, &mapping, &[]);
        let summary = &imported.summary;
        assert_eq!(
            summary["orders"],
            json!({
                "created": 2, "there_already": 0, "lines": 4, "gross": "486.875",
            })
        );
        assert_eq!(
            summary["credit_notes"],
            json!({
                "created": 1, "there_already": 0, "lines": 1, "gross": "-61.7",
            })
        );
        let reported: Vec<(u64, &str, &str)> = imported
            .report
            .iter()
            .map(|(row, number, field, _)| (*row, &**number, &**field))
            .collect();
        assert_eq!(
            reported,
            [
                (6, "AB-77", "document"),
                (7, "RE-1003", "placed_at"),
                (8, "RE-1004", "quantity"),
                (10, "RE-1005", "unit"),
            ]
        );
        let orders = "select number, series, customer_name, reference, placed_at, business_date, \
            gross, net from read.orders order by number";
        assert_eq!(
            ask(place, orders).await,
            json!([
                { "number": "RE-1001", "series": "erp", "customer_name": "Müller & Söhne GmbH",
                  "reference": "Best. 17", "placed_at": "2022-01-02T23:00:00+00:00",
                  "business_date": "2022-01-03", "gross": 484.65, "net": 484.65 },
                { "number": "RE-1002", "series": "erp", "customer_name": "Bäckerei \"Zum Korn\"",
                  "reference": null, "placed_at": "2022-02-27T23:00:00+00:00",
                  "business_date": "2022-02-28", "gross": 2.225, "net": 2.23 },
            ])
        );
        let customers = "select c.number, c.net_days, k.credit_limit, k.exposure \
            from read.customers c join read.credit k using (customer_id) order by 1";
        assert_eq!(
            ask(place, customers).await,
            json!([
                { "number": "D-7", "net_days": 14, "credit_limit": 5000, "exposure": 422.95 },
                { "number": "D-8", "net_days": 14, "credit_limit": 5000, "exposure": 2.23 },
            ])
        );
        let products =
            "select sku, name, unit, unit_precision, status from read.products order by 1";
        assert_eq!(
            ask(place, products).await,
            json!([
                { "sku": "0815", "name": "Öl, kalt gepresst", "unit": "litre", "unit_precision": 3,
                  "status": "published" },
                { "sku": "4711", "name": "Schraube M6", "unit": "piece", "unit_precision": 0,
                  "status": "published" },
            ])
        );
    });
}

const MAPPING: &str = "
    currency = 'EUR'
    columns = { document = 'No', placed_at = 'Day', customer = 'Buyer', product = 'SKU', \
        quantity = 'Pieces', unit_price = 'Price' }
    dates = { format = '%Y-%m-%d', zone = 'Europe/Zurich' }
    documents = { orders = '^[0-9]+$' }
";

/// Imports rows under `No,Day,Buyer,SKU,Pieces,Price` into the shop of a desk.
async fn import(place: &Place, rows: &[&str], mapping: &str) -> Imported {
    let mapping = place.write("mapping.toml", mapping);
    let text = format!("No,Day,Buyer,SKU,Pieces,Price\n{}\n", rows.join("\n"));
    place.import(&place.write("orders.csv", text), &mapping, &[])
}

/// The rows that are reported: line, document, field; and the reasons.
fn reported(imported: &Imported) -> Vec<(u64, &str, &str, &str)> {
    let rows = imported.report.iter();
    rows.map(|(row, document, field, reason)| (*row, &**document, &**field, &**reason)).collect()
}

#[track_caller]
fn is_reported(imported: &Imported, expected: &[(u64, &str, &str, &str)]) {
    let found = reported(imported);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(expected) {
        assert_eq!((found.0, found.1, found.2), (wanted.0, wanted.1, wanted.2), "{}", found.3);
        assert!(found.3.contains(wanted.3), "`{}` is not told: {}", wanted.3, found.3);
    }
}

#[test]
fn customers_and_products_that_exist_are_used_as_they_are() {
    with_app(async |app| {
        let (place, desk) = (Place::of(&app.database), Desk::open(app, "shop").await);
        let product_id = desk.product("A-1", 7).await;
        let known = commands::customers::open::OpenCustomer {
            number: Some("17".to_owned()),
            ..customer("Bolt & Co")
        };
        let customer_id = desk.run(known).await.id;
        let rows = [
            "1,2022-01-03,17,A-1,5,2.00",
            // Two are left, and nobody allowed to promise more.
            "2,2022-01-03,17,A-1,3,2.00",
            "3,2022-01-03,18,B-2,1,2.00",
        ];
        let imported = import(&place, &rows, MAPPING).await;
        is_reported(&imported, &[(3, "2", "quantity", "2 are available")]);
        assert_eq!(imported.summary["customers_created"], json!(1));
        assert_eq!(imported.summary["products_created"], json!(1));
        let order = "select customer_id, customer_name, product_id, name, price_source \
            from read.orders join read.order_lines using (order_id) where number = '1'";
        assert_eq!(
            ask(&place, order).await,
            json!([{
                "customer_id": customer_id, "customer_name": "Bolt & Co",
                "product_id": product_id.0,
                "name": "A-1", "price_source": "stated",
            }])
        );
        let products = "select sku, status, list_price, s.on_hand, s.reserved, s.backorder \
            from read.products join read.stock s using (product_id) order by sku";
        assert_eq!(
            ask(&place, products).await,
            json!([
                { "sku": "A-1", "status": "published", "list_price": 2.5, "on_hand": 7,
                  "reserved": 5,
                  "backorder": false },
                { "sku": "B-2", "status": "published", "list_price": null, "on_hand": 0,
                  "reserved": 1, "backorder": true },
            ])
        );
    });
}

#[test]
fn what_trades_in_another_currency_or_unit_is_not_taken_for_the_same() {
    with_app(async |app| {
        let (place, desk) = (Place::of(&app.database), Desk::open(app, "shop").await);
        let dollars = commands::customers::open::OpenCustomer {
            number: Some("17".to_owned()),
            currency: Some("USD".parse().expect("a currency")),
            ..customer("Bolt & Co")
        };
        desk.run(dollars).await;
        desk.product("A-1", 7).await;
        let rows = ["1,2022-01-03,17,B,1,2", "1,2022-01-03,17,C,1,2", "2,2022-01-03,18,A-1,1,2"];
        let mapping = format!("products = {{ unit = 'box' }}\n{MAPPING}");
        let imported = import(&place, &rows, &mapping).await;
        is_reported(
            &imported,
            &[
                (2, "1", "customer", "customer 17 trades in USD, the file is in EUR"),
                (3, "1", "document", "document 1 was not taken: row 2: customer 17 trades in USD"),
                (4, "2", "product", "product A-1 is sold in piece, the file has box"),
            ],
        );
    });
}

#[test]
fn what_a_rule_refuses_is_reported_with_its_row_and_the_rest_of_its_document() {
    with_app(async |app| {
        let (place, desk) = (Place::of(&app.database), Desk::open(app, "shop").await);
        let product_id = desk.product("A-1", 100).await;
        let customer_id = desk.customer("Somebody").await;
        let taken = PlaceOrder {
            number: Some("1".to_owned()),
            series: Some("external".to_owned()),
            ..order(customer_id, product_id, 1)
        };
        desk.run(taken).await;
        let draft = commands::products::create::CreateProduct {
            sku: "DRAFT".to_owned(),
            unit: None,
            name: None,
            list_price: None,
        };
        desk.run(draft).await;
        let rows = [
            "1,2022-01-03,17,A-1,1,2.00",
            "2,2022-01-03,17,A-1,1,2.00",
            "2,2022-01-03,17,DRAFT,1,2.00",
            "2,2022-01-03,17,A-1,1,2.00",
            "3,2022-01-03,17,A-1,1,2.00",
            "3,2022-01-03,17,A-1,1,9.00",
        ];
        let mapping = format!("customers = {{ credit_limit = '10' }}\n{MAPPING}");
        let imported = import(&place, &rows, &mapping).await;
        is_reported(
            &imported,
            &[
                (2, "1", "document", "`external/1` is taken"),
                (
                    3,
                    "2",
                    "document",
                    "document 2 was not taken: row 4: product DRAFT is not published",
                ),
                (4, "2", "product", "product DRAFT is not published"),
                (5, "2", "document", "document 2 was not taken: row 4: product DRAFT"),
                (6, "3", "document", "the order comes to 11"),
                (7, "3", "document", "document 3 was not taken: row 6: the order comes to 11"),
            ],
        );
        assert_eq!(imported.summary["taken"], json!(0));
    });
}

#[test]
fn a_document_that_was_mended_comes_in_and_one_that_was_changed_is_reported() {
    test(async |place| {
        let organization = "organization = { slug = 'shop', name = 'Shop' }";
        let mapping = format!("{organization}\n{MAPPING}");
        let before =
            ["1,2022-01-03,17,A,1,2.00", "2,2022-01-03,17,A,oops,2.00", "3,2022-01-03,17,A,1,2.0"];
        let imported = import(place, &before, &mapping).await;
        is_reported(&imported, &[(3, "2", "quantity", "`oops` is no number")]);
        // The same is the same, however many zeros it is written with.
        let after =
            ["1,2022-01-03,17,A,9,2.00", "2,2022-01-03,17,A,4,2.00", "3,2022-01-03,17,A,1.0,2"];
        let imported = import(place, &after, &mapping).await;
        is_reported(&imported, &[(2, "1", "document", "imported before with other contents")]);
        assert_eq!(imported.summary["orders"]["created"], json!(1));
        assert_eq!(imported.summary["orders"]["there_already"], json!(1));
        let lines = "select number, quantity \
            from read.orders join read.order_lines using (order_id) order by 1";
        assert_eq!(
            ask(place, lines).await,
            json!([
                { "number": "1", "quantity": 1 }, { "number": "2", "quantity": 4 },
                { "number": "3", "quantity": 1 },
            ])
        );
    });
}

#[test]
fn names_that_changed_since_an_earlier_import_are_left_as_they_are() {
    test(async |place| {
        let organization = "organization = { slug = 'shop', name = 'Shop' }";
        let named = |name: &str| {
            format!("customers = {{ name = '{name} {{number}}' }}\n{organization}\n{MAPPING}")
        };
        import(place, &["1,2022-01-03,17,A,1,2.00"], &named("Customer")).await;
        let imported = import(place, &["2,2022-01-03,17,A,1,2.00"], &named("Kunde")).await;
        is_reported(&imported, &[]);
        let names = "select name from read.customers";
        assert_eq!(ask(place, names).await, json!([{ "name": "Customer 17" }]));
        // What the read models do not show yet is known by its key all the same.
        let empty = format!("truncate {}.customers", schema_of("customers"));
        place.connect().await.batch_execute(&empty).await.expect("emptied");
        let imported = import(place, &["3,2022-01-03,17,A,1,2.00"], &named("Kunde")).await;
        is_reported(&imported, &[(2, "3", "customer", "taken by a record that cannot be found")]);
    });
}

#[test]
fn it_goes_into_the_organization_that_is_meant() {
    with_app(async |app| {
        let place = Place::of(&app.database);
        let file =
            place.write("orders.csv", "No,Day,Buyer,SKU,Pieces,Price\n1,2022-01-03,17,A,1,2\n");
        let plain = place.write("plain.toml", MAPPING);
        place.fails((&file, &plain), &[], 2, &["no organization", "[organization]", "slug"]);
        let unknown = ["--organization", "shop"];
        place.fails((&file, &plain), &unknown, 2, &["no organization `shop`", "[organization]"]);
        let described = format!("organization = {{ slug = 'own', name = 'Own' }}\n{MAPPING}");
        let described = place.write("described.toml", described);
        let imported = place.import(&file, &described, &[]);
        assert_eq!(imported.summary["organization"], json!("own"));
        let imported = place.import(&file, &plain, &[]);
        assert_eq!(imported.summary["orders"]["there_already"], json!(1), "the only one there is");
        Desk::open(app, "shop").await;
        app.settled().await;
        place.fails((&file, &plain), &[], 2, &["several organizations", "--organization"]);
        let imported = place.import(&file, &described, &["--organization", "shop"]);
        assert_eq!(imported.summary["orders"]["created"], json!(1));
        let wrong = ["--organization", "No Slug"];
        place.fails((&file, &described), &wrong, 2, &["`organization`", "No Slug", "a-z"]);
    });
}
