//! Claims about values that are wrong.

use harness::{Shop, test};
use serde_json::{Value, json};

use super::{Case, NOBODY, order_with, refused};

#[test]
fn a_record_that_does_not_exist_is_named() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let cases: &[Case] = &[
            ("placeOrder", Shop::order(NOBODY, &product, "1"), "NOT_FOUND", "customerId", NOBODY),
            (
                "placeOrder",
                Shop::order(&customer, NOBODY, "1"),
                "NOT_FOUND",
                "lines[0].productId",
                "there is no product",
            ),
            (
                "cancelOrder",
                json!({ "orderId": NOBODY, "reason": "late" }),
                "NOT_FOUND",
                "orderId",
                "there is no order",
            ),
            (
                "postCreditNote",
                Shop::order(&customer, NOBODY, "1"),
                "NOT_FOUND",
                "lines[0].productId",
                "there is no product",
            ),
            (
                "postCreditNote",
                order_with(&Shop::order(&customer, &product, "1"), "orderId", json!(NOBODY)),
                "NOT_FOUND",
                "orderId",
                "there is no order",
            ),
            (
                "holdCustomer",
                json!({ "customerId": NOBODY, "reason": "late" }),
                "NOT_FOUND",
                "customerId",
                "there is no customer",
            ),
            ("publishProduct", json!({ "productId": NOBODY }), "NOT_FOUND", "productId", NOBODY),
            (
                "receiveStock",
                json!({ "productId": NOBODY, "quantity": "1" }),
                "NOT_FOUND",
                "productId",
                NOBODY,
            ),
        ];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn a_quantity_is_a_positive_decimal_in_a_string_no_finer_than_its_unit() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = Shop::order(&customer, &product, "1");
        for (quantity, telling) in [
            (json!("-1"), "not above zero"),
            (json!("0"), "not above zero"),
            (json!("-0.0"), "not above zero"),
            (json!("1.5"), "piece has 0 decimals"),
            (json!(1.5), "a decimal number as a string"),
            (json!("0.0000001"), "more than 6 decimals"),
            (json!("1000000000000"), "more than 12 digits before the point"),
            (json!("one"), "write it like"),
            (json!("1e3"), "write it like"),
            (json!("NaN"), "write it like"),
            (json!(""), "write it like"),
            (json!(" 1"), "write it like"),
            (json!(true), "a decimal number as a string"),
            (json!(["1"]), "a decimal number as a string"),
        ] {
            let line = order_with(&order, "line.quantity", quantity.clone());
            let goods = json!({ "productId": product, "quantity": quantity });
            let cases: &[Case] = &[
                ("placeOrder", line.clone(), "INVALID_INPUT", "lines[0].quantity", telling),
                ("postCreditNote", line, "INVALID_INPUT", "lines[0].quantity", telling),
                ("receiveStock", goods, "INVALID_INPUT", "quantity", telling),
            ];
            refused(app, &shop, cases).await;
        }
    });
}

#[test]
fn currencies_zones_and_prices_are_checked() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = Shop::order(&customer, &product, "1");
        let register = |currency: &str, zone: &str| {
            let slug = "beta";
            json!({ "slug": slug, "name": "Beta", "currency": currency, "timeZone": zone })
        };
        let price = |amount: &str, currency: &str| {
            let price = json!({ "amount": amount, "currency": currency });
            json!({ "productId": product, "listPrice": price })
        };
        let limit = |amount: &str| json!({ "customerId": customer, "creditLimit": amount });
        let bad = "INVALID_INPUT";
        let cases: &[Case] = &[
            ("registerOrganization", register("ABC", "UTC"), bad, "currency", "ISO 4217"),
            ("registerOrganization", register("XAU", "UTC"), bad, "currency", "ISO 4217"),
            ("registerOrganization", register("EUR", "Zurich"), bad, "timeZone", "Europe/Zurich"),
            ("registerOrganization", register("EUR", ""), bad, "timeZone", "Europe/Zurich"),
            ("setProductListPrice", price("1", "eur"), bad, "listPrice.currency", "ISO 4217"),
            ("setProductListPrice", price("-1", "EUR"), bad, "listPrice.amount", "negative"),
            ("setCustomerCreditLimit", limit("-1"), bad, "creditLimit", "negative"),
            ("setCustomerCreditLimit", limit("0.001"), bad, "creditLimit", "EUR has 2 decimals"),
            (
                "placeOrder",
                order_with(&order, "line.unitPrice", json!("-1")),
                bad,
                "lines[0].unitPrice",
                "negative",
            ),
        ];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn an_id_is_a_uuid() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = Shop::order(&customer, &product, "1");
        for id in ["", "1", "A-1", "01890000-0000-7000-8000-00000000000g", "' or 1=1 --"] {
            let cases: &[Case] = &[
                (
                    "placeOrder",
                    order_with(&order, "customerId", json!(id)),
                    "INVALID_INPUT",
                    "customerId",
                    "UUID",
                ),
                (
                    "placeOrder",
                    order_with(&order, "line.productId", json!(id)),
                    "INVALID_INPUT",
                    "lines[0].productId",
                    "UUID",
                ),
            ];
            refused(app, &shop, cases).await;
            let query = "query($id: ID!) { customer(id: $id) { id } }";
            let (code, message) = shop.client.refused(query, json!({ "id": id })).await;
            assert_eq!(code, "INVALID_INPUT");
            assert!(message.contains("ids are UUIDs"), "{message}");
        }
    });
}

#[test]
fn a_text_has_a_length_and_no_control_characters() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let long = "x".repeat(10_000);
        for (text, telling) in [
            ("", "must not be empty"),
            (" \t ", "must not be empty"),
            ("Bolt\u{0} & Co", "control characters"),
            ("Bolt \u{1b}[31m& Co", "control characters"),
            ("Bolt\u{85}& Co", "control characters"),
            (long.as_str(), "has 10000 characters; at most 200"),
        ] {
            let cases: &[Case] =
                &[("openCustomer", json!({ "name": text }), "INVALID_INPUT", "name", telling)];
            refused(app, &shop, cases).await;
        }
        for sku in ["", "A\u{0}1", long.as_str()] {
            let product = json!({ "sku": sku });
            refused(app, &shop, &[("createProduct", product, "INVALID_INPUT", "sku", "`sku`")])
                .await;
        }
        let fine = "Bölt & Cø 有限公司 🔩 \u{202e}";
        let customer = shop.customer(fine, json!(null)).await;
        app.settled().await;
        let query = "query($id: ID!) { customer(id: $id) { name } }";
        let shown = shop.client.ask(query, json!({ "id": customer })).await;
        assert_eq!(shown["customer"]["name"], fine.trim());
    });
}

#[test]
fn what_is_unique_is_taken_once() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        shop.product("A-1", "2.50", 10).await;
        shop.run("openCustomer", json!({ "name": "Bolt & Co", "number": "C-1" })).await;
        let acme = json!({
            "slug": "acme", "name": "Other", "currency": "EUR", "timeZone": "Europe/Zurich",
        });
        let cases: &[Case] = &[
            ("createProduct", json!({ "sku": "A-1" }), "TAKEN", "sku", "A-1"),
            ("createProduct", json!({ "sku": " A-1 " }), "TAKEN", "sku", "A-1"),
            ("openCustomer", json!({ "name": "Nut", "number": "C-1" }), "TAKEN", "number", "C-1"),
            ("registerOrganization", acme, "TAKEN", "slug", "acme"),
        ];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn an_order_has_1_to_5_000_lines() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 5_000).await;
        let lines = |count: usize| {
            let line = json!({ "productId": product, "quantity": "1" });
            json!({ "customerId": customer, "lines": vec![line; count] })
        };
        let limit = "an order has 1 to 5000";
        let cases: &[Case] = &[
            ("placeOrder", lines(0), "INVALID_INPUT", "lines", limit),
            ("placeOrder", lines(5_001), "INVALID_INPUT", "lines", limit),
        ];
        refused(app, &shop, cases).await;
        let order = shop.run("placeOrder", lines(5_000)).await;
        app.settled().await;
        let query = "query($id: ID!) { order(id: $id) { lineCount net } }";
        let shown = shop.client.ask(query, json!({ "id": order["id"] })).await;
        assert_eq!(shown["order"], json!({ "lineCount": 5_000, "net": "12500.00" }));
    });
}

#[test]
fn an_amount_that_cannot_be_kept_is_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 1).await;
        let backorder = json!({ "productId": product, "allowed": true });
        shop.run("setStockBackorder", backorder).await;
        let line = |quantity: &str, price: &str| {
            let product = &product;
            json!({ "productId": product, "quantity": quantity, "unitPrice": price })
        };
        let order = |lines: Value| json!({ "customerId": customer, "lines": lines });
        let most = "999999999999";
        let each = line("1", most);
        let cases: &[Case] = &[
            (
                "placeOrder",
                order(json!([line(most, most)])),
                "INVALID_INPUT",
                "lines[0].quantity",
                "too many digits",
            ),
            ("placeOrder", order(json!([each, each])), "INVALID_INPUT", "lines", "too many digits"),
            (
                "placeOrder",
                order(json!([line(most, "0"), line(most, "0")])),
                "INVALID_INPUT",
                "lines[1].quantity",
                "digits",
            ),
        ];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn an_amount_may_be_finer_than_a_price() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let unit = json!({ "code": "kg", "precision": 6 });
        let oil = json!({ "sku": "OIL", "name": "Oil", "unit": unit });
        let product = shop.run("createProduct", oil).await["id"].clone();
        shop.run("publishProduct", json!({ "productId": product })).await;
        shop.run("receiveStock", json!({ "productId": product, "quantity": "10" })).await;
        let line = json!({
            "productId": product, "quantity": "1.234567", "unitPrice": "1.234567",
        });
        let order = json!({ "customerId": customer, "lines": [line] });
        let order = shop.run("placeOrder", order).await;
        app.settled().await;
        let query = "query($id: ID!) { order(id: $id) { gross net lines { gross net } } }";
        let shown = shop.client.ask(query, json!({ "id": order["id"] })).await;
        let amounts = json!({ "gross": "1.524155677489", "net": "1.52" });
        assert_eq!(shown["order"]["lines"], json!([amounts]));
        assert_eq!(shown["order"]["gross"], amounts["gross"]);
        let cancel = json!({ "orderId": order["id"], "reason": "a test" });
        shop.run("cancelOrder", cancel).await;
    });
}

#[test]
fn an_order_is_not_placed_later_than_now_nor_before_there_were_days() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = Shop::order(&customer, &product, "1");
        for (field, value, telling) in [
            ("placedAt", "2026-03-01T12:00:01Z", "later than now"),
            ("placedAt", "-262143-01-01T00:00:00Z", "placedAt"),
            ("placedAt", "-200000-01-01T00:00:00Z", "placedAt"),
            ("placedAt", "yesterday", "placedAt"),
            ("businessDate", "-262143-01-01", "businessDate"),
            ("businessDate", "+262142-12-31", "businessDate"),
            ("businessDate", "2026-02-30", "businessDate"),
        ] {
            let order = order_with(&order, field, json!(value));
            refused(app, &shop, &[("placeOrder", order, "INVALID_INPUT", field, telling)]).await;
        }
        let later = order_with(&order, "postedAt", json!("2026-03-01T12:00:01Z"));
        let cases: &[Case] =
            &[("postCreditNote", later, "INVALID_INPUT", "postedAt", "later than now")];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn a_credit_note_keeps_to_its_order_and_to_its_series() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let (bolt, nut) = (
            shop.customer("Bolt & Co", json!(null)).await,
            shop.customer("Nut AG", json!(null)).await,
        );
        let product = shop.product("A-1", "2.50", 10).await;
        let draft = shop.run("createProduct", json!({ "sku": "DRAFT" })).await["id"].clone();
        let four = |customer: &str| Shop::order(customer, &product, "4");
        let placed = shop.run("placeOrder", four(&bolt)).await["id"].clone();
        let off = shop.run("placeOrder", four(&bolt)).await["id"].clone();
        shop.run("cancelOrder", json!({ "orderId": off, "reason": "twice" })).await;
        shop.run("postCreditNote", four(&bolt)).await;
        let numbered = |series: &str, number: &str| {
            let note = order_with(&four(&bolt), "series", json!(series));
            order_with(&note, "number", json!(number))
        };
        shop.run("postCreditNote", numbered("external", "C1")).await;
        let about =
            |customer: &str, order: &Value| order_with(&four(customer), "orderId", order.clone());
        let five = order_with(&about(&bolt, &placed), "line.quantity", json!("5"));
        let unstated = order_with(&four(&bolt), "series", json!("external"));
        let of_draft = order_with(&four(&bolt), "line.productId", draft);
        let (bad, state) = ("INVALID_INPUT", "WRONG_STATE");
        let cases: &[Case] = &[
            ("postCreditNote", about(&nut, &placed), bad, "orderId", "another customer's"),
            ("postCreditNote", about(&bolt, &off), state, "orderId", "is cancelled"),
            ("postCreditNote", five, state, "orderId", "only 10.00 are not credited yet"),
            ("postCreditNote", numbered("CN", "7"), bad, "number", "leave the number out"),
            ("postCreditNote", unstated, bad, "number", "are stated; state one"),
            ("postCreditNote", numbered("external", "C1"), "TAKEN", "number", "external/C1"),
            ("postCreditNote", of_draft, state, "lines[0].productId", "is a draft"),
        ];
        refused(app, &shop, cases).await;
    });
}
