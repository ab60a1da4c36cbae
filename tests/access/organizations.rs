//! Claims about the boundary between organizations: nothing is ever seen or touched across it.

use std::time::Duration;

use harness::{Client, Shop, Socket, TestApp, test};
use serde_json::{Value, json};

/// An organization with one of everything, and the ids of it.
struct Tenant {
    shop: Shop,
    customer: String,
    product: String,
    order: String,
    credit_note: String,
    stock_item: String,
}

async fn tenant(app: &TestApp, slug: &str) -> Tenant {
    let shop = Shop::open(&app.administrator(), slug).await;
    let customer = shop.customer(&format!("customer of {slug}"), json!("1000")).await;
    let product = shop.product(&format!("SKU-{slug}"), "2.50", 10).await;
    let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
    let order = order["id"].as_str().unwrap_or_default().to_owned();
    let mut note = Shop::order(&customer, &product, "1");
    note["orderId"] = json!(order);
    let credit_note = shop.run("postCreditNote", note).await;
    let credit_note = credit_note["id"].as_str().unwrap_or_default().to_owned();
    app.settled().await;
    let query = "query($id: ID) { product(id: $id) { stock { id } } }";
    let stock = shop.client.ask(query, json!({ "id": product })).await;
    let stock_item = stock["product"]["stock"][0]["id"].as_str().unwrap_or_default().to_owned();
    Tenant { shop, customer, product, order, credit_note, stock_item }
}

#[test]
fn the_records_of_another_organization_are_not_there() {
    test(async |app| {
        let (acme, beta) = (tenant(app, "acme").await, tenant(app, "beta").await);
        let query = "query($order: ID!, $customer: ID!, $product: ID, $stock: ID!,
            $note: ID!) { creditNote(id: $note) { id }
            order(id: $order) { id } customer(id: $customer) { id }
            product(id: $product) { id } stockItem(id: $stock) { id } }";
        let ids = |of: &Tenant| {
            json!({
                "order": of.order, "customer": of.customer,
                "product": of.product, "stock": of.stock_item, "note": of.credit_note,
            })
        };
        for (from, of) in [(&acme, &beta), (&beta, &acme)] {
            let own = from.shop.client.ask(query, ids(from)).await;
            assert!(own.as_object().is_some_and(|all| all.values().all(Value::is_object)), "{own}");
            let other = from.shop.client.ask(query, ids(of)).await;
            assert!(
                other.as_object().is_some_and(|all| all.values().all(Value::is_null)),
                "{other}"
            );
        }
        let by_sku = "{ product(sku: \"SKU-beta\") { id } }";
        assert_eq!(acme.shop.client.ask(by_sku, json!({})).await["product"], json!(null));
    });
}

#[test]
fn lists_and_filters_stay_within_the_organization() {
    test(async |app| {
        let (acme, beta) = (tenant(app, "acme").await, tenant(app, "beta").await);
        let list = "query($after: String, $notes: CreditNotesFilter, $orders: OrdersFilter) { \
            creditNotes(after: $after, filter: $notes) \
            { nodes { id customer { name } order { id } lines { sku } } pageInfo { endCursor } } \
            orders(after: $after, filter: $orders) \
            { nodes { id customer { name } lines { sku } } pageInfo { endCursor } } }";
        let own = acme.shop.client.ask(list, json!({})).await;
        let nodes = json!([{
            "id": acme.order, "customer": { "name": "customer of acme" },
            "lines": [{ "sku": "SKU-acme" }],
        }]);
        assert_eq!(own["orders"]["nodes"], nodes);
        let notes = json!([{
            "id": acme.credit_note, "customer": { "name": "customer of acme" },
            "order": { "id": acme.order }, "lines": [{ "sku": "SKU-acme" }],
        }]);
        assert_eq!(own["creditNotes"]["nodes"], notes);
        let filtered = acme
            .shop
            .client
            .ask(list, json!({ "notes": { "orderId": { "eq": beta.order } } }))
            .await;
        assert_eq!(filtered["creditNotes"]["nodes"], json!([]));
        let theirs = json!({ "customerId": { "eq": beta.customer } });
        let theirs = json!({ "notes": theirs, "orders": theirs });
        let filtered = acme.shop.client.ask(list, theirs).await;
        assert_eq!(filtered["orders"]["nodes"], json!([]));
        assert_eq!(filtered["creditNotes"]["nodes"], json!([]));
        // A cursor of the other's list opens nothing of it.
        let theirs = beta.shop.client.ask(list, json!({})).await;
        let cursor = theirs["orders"]["pageInfo"]["endCursor"].clone();
        let (_, _, refused) = acme.shop.client.post(list, json!({ "after": cursor })).await;
        let error = &refused["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{refused}");
        assert!(error["message"].as_str().unwrap().contains("organization"), "{refused}");
    });
}

#[test]
fn sums_are_those_of_the_own_organization() {
    test(async |app| {
        let (acme, beta) = (tenant(app, "acme").await, tenant(app, "beta").await);
        beta.shop.run("placeOrder", Shop::order(&beta.customer, &beta.product, "2")).await;
        app.settled().await;
        let query = "query($customer: ID, $product: ID) { salesByMonth { orders } \
            salesByCustomer(customerId: $customer) { orders customer { name } } \
            salesByProduct(productId: $product) { lines product { sku } } }";
        for (slug, own, other, orders) in [("acme", &acme, &beta, 1), ("beta", &beta, &acme, 2)] {
            let (name, sku) = (format!("customer of {slug}"), format!("SKU-{slug}"));
            let expected = json!({
                "salesByMonth": [{ "orders": orders }],
                "salesByCustomer": [{ "orders": orders, "customer": { "name": name } }],
                "salesByProduct": [{ "lines": orders, "product": { "sku": sku } }],
            });
            assert_eq!(own.shop.client.ask(query, json!({})).await, expected);
            let theirs = json!({ "customer": other.customer, "product": other.product });
            let found = own.shop.client.ask(query, theirs).await;
            assert_eq!(found["salesByCustomer"], json!([]));
            assert_eq!(found["salesByProduct"], json!([]));
        }
    });
}

#[test]
fn commands_do_not_find_the_records_of_another_organization() {
    test(async |app| {
        let (acme, beta) = (tenant(app, "acme").await, tenant(app, "beta").await);
        let price = json!({ "amount": "1", "currency": "EUR" });
        let mut about_theirs = Shop::order(&acme.customer, &acme.product, "1");
        about_theirs["orderId"] = json!(beta.order);
        let attempts = [
            ("postCreditNote", about_theirs),
            ("postCreditNote", Shop::order(&beta.customer, &acme.product, "1")),
            ("postCreditNote", Shop::order(&acme.customer, &beta.product, "1")),
            ("placeOrder", Shop::order(&beta.customer, &acme.product, "1")),
            ("placeOrder", Shop::order(&acme.customer, &beta.product, "1")),
            ("cancelOrder", json!({ "orderId": beta.order, "reason": "r" })),
            ("holdCustomer", json!({ "customerId": beta.customer, "reason": "r" })),
            ("releaseCustomer", json!({ "customerId": beta.customer })),
            ("closeCustomer", json!({ "customerId": beta.customer, "reason": "r" })),
            ("setCustomerTerms", json!({ "customerId": beta.customer, "terms": { "netDays": 1 } })),
            ("setCustomerCreditLimit", json!({ "customerId": beta.customer, "creditLimit": "1" })),
            ("describeProduct", json!({ "productId": beta.product, "locale": "en", "name": "n" })),
            ("setProductListPrice", json!({ "productId": beta.product, "listPrice": price })),
            ("publishProduct", json!({ "productId": beta.product })),
            ("discontinueProduct", json!({ "productId": beta.product })),
            ("receiveStock", json!({ "productId": beta.product, "quantity": "1" })),
            ("adjustStock", json!({ "productId": beta.product, "difference": "1", "reason": "r" })),
            ("reserveStock", json!({ "productId": beta.product, "quantity": "1", "reason": "r" })),
            ("releaseStock", json!({ "productId": beta.product, "quantity": "1", "reason": "r" })),
            ("setStockBackorder", json!({ "productId": beta.product, "allowed": true })),
        ];
        let before = app.facts().await;
        for (mutation, input) in attempts {
            let told = acme.shop.attempt(mutation, input).await;
            assert_eq!(told, Err("NOT_FOUND".to_owned()), "{mutation}");
        }
        assert_eq!(app.facts().await, before);
    });
}

#[test]
fn what_is_unique_is_so_within_its_organization() {
    test(async |app| {
        for slug in ["acme", "beta"] {
            let shop = Shop::open(&app.administrator(), slug).await;
            let customer = shop.run("openCustomer", json!({ "name": "B", "number": "1" })).await;
            let product = shop.product("A-1", "1", 5).await;
            let customer = customer["id"].as_str().unwrap_or_default();
            let mut order = Shop::order(customer, &product, "1");
            order["number"] = json!("2026-1");
            shop.run("placeOrder", order.clone()).await;
            order["series"] = json!("external");
            shop.run("postCreditNote", order).await;
            let note = shop.run("postCreditNote", Shop::order(customer, &product, "1")).await;
            app.settled().await;
            let query = "query($id: ID!) { creditNote(id: $id) { number } }";
            let shown = shop.client.ask(query, json!({ "id": note["id"] })).await;
            assert_eq!(shown["creditNote"]["number"], "1", "each counts on its own");
        }
    });
}

#[test]
fn subscribers_hear_of_their_own_organization_alone() {
    test(async |app| {
        let (acme, beta) = (tenant(app, "acme").await, tenant(app, "beta").await);
        let payload = json!({
            "Authorization": "Bearer the-administrator", "Millrace-Organization": "acme",
        });
        let mut socket = Socket::ready(&app.url, payload).await;
        let all = "subscription { ordersChanged { order { id } } }";
        let theirs = "subscription($c: ID) { ordersChanged(filter: { customerId: { eq: $c } }) \
             { order { id } } }";
        socket.subscribe("all", all, json!({})).await;
        socket.subscribe("theirs", theirs, json!({ "c": beta.customer })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..5 {
            let order = Shop::order(&beta.customer, &beta.product, "1");
            beta.shop.run("placeOrder", order).await;
        }
        app.settled().await;
        assert!(socket.is_silent(Duration::from_millis(500)).await);
        let order = Shop::order(&acme.customer, &acme.product, "1");
        let order = acme.shop.run("placeOrder", order).await;
        assert_eq!(socket.data("all").await["ordersChanged"]["order"]["id"], order["id"]);
        assert!(socket.is_silent(Duration::from_millis(300)).await);
    });
}

/// What a client is told of its organization: the slug, or the code.
async fn told(client: &Client) -> String {
    let (_, _, body) = client.post("{ organization { slug } }", json!({})).await;
    let code = body["errors"][0]["extensions"]["code"].as_str();
    let slug = body["data"]["organization"]["slug"].as_str();
    code.or(slug).unwrap_or("null").to_owned()
}

#[test]
fn without_a_header_the_only_organization_is_meant() {
    test(async |app| {
        let client = app.administrator();
        let customer = json!({ "name": "Bolt" });
        let unsaid = Shop { client: client.clone() };
        let required = "ORGANIZATION_REQUIRED".to_owned();
        assert_eq!(told(&client).await, required);
        assert_eq!(unsaid.attempt("openCustomer", customer.clone()).await, Err(required.clone()));
        let query = "{ organization { slug } }";
        let (_, message) = client.refused(query, json!({})).await;
        assert!(message.contains("registerOrganization"), "{message}");

        Shop::open(&client, "acme").await;
        app.settled().await;
        assert_eq!(told(&client).await, "acme");
        unsaid.run("openCustomer", customer.clone()).await;

        Shop::open(&client, "beta").await;
        app.settled().await;
        assert_eq!(told(&client).await, required);
        assert_eq!(unsaid.attempt("openCustomer", customer).await, Err(required));
        let (_, message) = client.refused(query, json!({})).await;
        assert!(message.contains("Millrace-Organization"), "{message}");
        for slug in ["acme", "beta"] {
            assert_eq!(told(&client.clone().within(slug)).await, slug);
        }
    });
}

#[test]
fn an_organization_that_does_not_exist_is_named_and_nothing_happens() {
    test(async |app| {
        let acme = tenant(app, "acme").await;
        let before = app.facts().await;
        for slug in ["nobody", "ACME", "", "acme "] {
            let client = app.administrator().within(slug);
            let asked = told(&client).await;
            if slug == "acme " {
                assert_eq!(asked, "acme", "space around a header's value is not part of it");
                continue;
            }
            assert_eq!(asked, "NOT_FOUND", "`{slug}`");
            let list = client.refused("{ orders { nodes { id } } }", json!({})).await;
            assert_eq!(list.0, "NOT_FOUND");
            assert!(list.1.contains(&format!("`{slug}`")), "{}", list.1);
            let nowhere = Shop { client };
            for (mutation, input) in [
                ("openCustomer", json!({ "name": "Bolt", "currency": "EUR" })),
                ("createProduct", json!({ "sku": "A-1" })),
                ("holdCustomer", json!({ "customerId": acme.customer, "reason": "r" })),
            ] {
                let refusal = nowhere.attempt(mutation, input).await;
                assert_eq!(refusal, Err("NOT_FOUND".to_owned()), "{mutation} in `{slug}`");
            }
        }
        assert_eq!(app.facts().await, before);
    });
}
