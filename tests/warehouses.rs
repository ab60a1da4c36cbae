//! Claims about warehouses, through the front door: they are opened and closed, and goods come only
//! into those that are open. Which rules commands obey one by one stands beside them.

mod racing;

use harness::{Shop, TestApp, test};
use serde_json::{Value, json};

use crate::inputs::{Case, NOBODY, refused};

const CARD: &str = "query($id: ID!, $at: String) { warehouse(id: $id, atLeast: $at) {
    code name status statusReason version } }";

const STOCK: &str = "query($id: ID!, $at: String) { product(id: $id, atLeast: $at) { stock {
    warehouse { code status } onHand reserved available } } }";

async fn card(shop: &Shop, id: &Value, at: &Value) -> Value {
    shop.client.ask(CARD, json!({ "id": id, "at": at })).await["warehouse"].clone()
}

async fn open(shop: &Shop, code: &str) -> Value {
    shop.run("openWarehouse", json!({ "code": code, "name": format!("Warehouse {code}") })).await
}

async fn close(shop: &Shop, id: &Value) -> Value {
    shop.run("closeWarehouse", json!({ "warehouseId": id, "reason": "the lease ended" })).await
}

async fn default_of(shop: &Shop) -> Value {
    let query = "{ organization { defaultWarehouseId } }";
    shop.client.ask(query, json!({})).await["organization"]["defaultWarehouseId"].clone()
}

/// The stock of a product, warehouse by warehouse, by their codes.
async fn stock(shop: &Shop, product: &str, at: &Value) -> Vec<Value> {
    let shown = shop.client.ask(STOCK, json!({ "id": product, "at": at })).await;
    let mut items = shown["product"]["stock"].as_array().cloned().expect("the stock");
    items.sort_by_key(|item| item["warehouse"]["code"].to_string());
    items
}

async fn shop(app: &TestApp, slug: &str) -> Shop {
    Shop::open(&app.administrator(), slug).await
}

#[test]
fn a_warehouse_is_opened_found_and_closed() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let opened = open(&shop, "W-2").await;
        let expected = json!({
            "code": "W-2", "name": "Warehouse W-2", "status": "ACTIVE", "statusReason": null,
            "version": 1,
        });
        assert_eq!(card(&shop, &opened["id"], &opened["position"]).await, expected);
        let closed = close(&shop, &opened["id"]).await;
        let now = card(&shop, &opened["id"], &closed["position"]).await;
        assert_eq!((&now["status"], &now["version"]), (&json!("CLOSED"), &json!(2)));
        assert_eq!(now["statusReason"], "the lease ended");
        let other = open(&shop, "W-3").await;
        let list = "query($filter: WarehousesFilter, $at: String) {
            warehouses(filter: $filter, atLeast: $at) { nodes { code } } }";
        for (filter, codes) in [
            (json!({}), json!([{ "code": "W-3" }, { "code": "W-2" }])),
            (json!({ "status": { "eq": "ACTIVE" } }), json!([{ "code": "W-3" }])),
            (json!({ "status": { "eq": "CLOSED" } }), json!([{ "code": "W-2" }])),
            (json!({ "code": { "eq": "W-3" } }), json!([{ "code": "W-3" }])),
            (json!({ "code": { "eq": "w-3" } }), json!([])),
            (json!({ "code": { "eq": "W-3\u{0}" } }), json!([])),
            (json!({ "code": { "eq": "W-3" }, "status": { "eq": "CLOSED" } }), json!([])),
        ] {
            let variables = json!({ "filter": filter, "at": other["position"] });
            let found = shop.client.ask(list, variables).await;
            assert_eq!(found["warehouses"]["nodes"], codes, "{filter}");
        }
        let reused = json!({ "code": "W-2", "name": "Again" });
        let (code, _) = shop.refused("openWarehouse", reused).await;
        assert_eq!(code, "TAKEN", "a code is not free again");
    });
}

#[test]
fn goods_come_only_into_warehouses_that_are_open() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let product = shop.product("A-1", "2.50", 0).await;
        let second = open(&shop, "W-2").await["id"].clone();
        let goods = |id: &Value| {
            let quantity = "10";
            json!({ "productId": product, "quantity": quantity, "warehouseId": id })
        };
        let received = shop.run("receiveStock", goods(&second)).await;
        let there = json!([{
            "warehouse": { "code": "W-2", "status": "ACTIVE" },
            "onHand": "10", "reserved": "0", "available": "10",
        }]);
        assert_eq!(json!(stock(&shop, &product, &received["position"]).await), there);
        close(&shop, &second).await;
        let cases: &[Case] = &[
            ("receiveStock", goods(&second), "WRONG_STATE", "warehouseId", "`W-2` is closed"),
            ("receiveStock", goods(&json!(NOBODY)), "NOT_FOUND", "warehouseId", "opened first"),
            // The id of another kind of record is no warehouse's.
            ("receiveStock", goods(&json!(product)), "NOT_FOUND", "warehouseId", "no warehouse"),
        ];
        refused(app, &shop, cases).await;
        shop.run("receiveStock", json!({ "productId": product, "quantity": "1" })).await;
    });
}

#[test]
fn what_lies_in_a_closed_warehouse_can_be_counted_promised_and_sold() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 0).await;
        let second = open(&shop, "W-2").await["id"].clone();
        let with = |fields: Value| {
            let mut input = json!({ "productId": product, "warehouseId": second });
            input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            input
        };
        let mut order = Shop::order(&customer, &product, "3");
        order["lines"][0]["warehouseId"] = second.clone();
        shop.run("receiveStock", with(json!({ "quantity": "10" }))).await;
        let before = shop.run("placeOrder", order.clone()).await;
        close(&shop, &second).await;
        shop.run("adjustStock", with(json!({ "difference": "-1", "reason": "broken" }))).await;
        shop.run("reserveStock", with(json!({ "quantity": "2", "reason": "a fair" }))).await;
        shop.run("releaseStock", with(json!({ "quantity": "1", "reason": "a fair" }))).await;
        shop.run("placeOrder", order.clone()).await;
        let cancel = json!({ "orderId": before["id"], "reason": "late" });
        let cancelled = shop.run("cancelOrder", cancel).await;
        let left = json!([{
            "warehouse": { "code": "W-2", "status": "CLOSED" },
            "onHand": "9", "reserved": "4", "available": "5",
        }]);
        assert_eq!(json!(stock(&shop, &product, &cancelled["position"]).await), left);
        order["lines"][0]["quantity"] = json!("6");
        let (code, _) = shop.refused("placeOrder", order).await;
        assert_eq!(code, "OUT_OF_STOCK", "and no more than lies there");
    });
}

#[test]
fn the_default_warehouse_is_there_unopened_and_gets_its_code_by_its_id() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let product = shop.product("A-1", "2.50", 5).await;
        let default = default_of(&shop).await;
        assert_eq!(card(&shop, &default, &json!(null)).await, json!(null));
        let shut = json!({ "warehouseId": default, "reason": "moved" });
        let unopened: &[Case] =
            &[("closeWarehouse", shut.clone(), "WRONG_STATE", "warehouseId", "open it, then")];
        refused(app, &shop, unopened).await;
        app.settled().await;
        let items = stock(&shop, &product, &json!(null)).await;
        assert_eq!(items[0]["warehouse"], json!(null), "nobody has opened it yet");
        let named = json!({ "code": "MAIN", "name": "Winterthur", "warehouseId": default });
        let opened = shop.run("openWarehouse", named).await;
        assert_eq!(opened["id"], default);
        let goods = json!({ "productId": product, "quantity": "1" });
        let received = shop.run("receiveStock", goods.clone()).await;
        let items = stock(&shop, &product, &received["position"]).await;
        assert_eq!((items.len(), &items[0]["onHand"]), (1, &json!("6")), "what lay there stays");
        assert_eq!(items[0]["warehouse"]["code"], "MAIN");
        shop.run("closeWarehouse", shut).await;
        let closed: &[Case] =
            &[("receiveStock", goods, "WRONG_STATE", "warehouseId", "`MAIN` is closed")];
        refused(app, &shop, closed).await;
    });
}

#[test]
fn another_organization_neither_sees_nor_touches_a_warehouse() {
    test(async |app| {
        let (acme, bolt) = (shop(app, "acme").await, shop(app, "bolt").await);
        let opened = open(&acme, "W-2").await;
        assert_eq!(card(&bolt, &opened["id"], &opened["position"]).await, json!(null));
        let product = bolt.product("A-1", "2.50", 0).await;
        let goods = json!({ "productId": product, "quantity": "1", "warehouseId": opened["id"] });
        let shut = json!({ "warehouseId": opened["id"], "reason": "x" });
        for (mutation, input) in [("receiveStock", goods), ("closeWarehouse", shut)] {
            let (code, _) = bolt.refused(mutation, input).await;
            assert_eq!(code, "NOT_FOUND", "{mutation}");
        }
        let own = open(&bolt, "W-2").await;
        let list = "query($at: String) { warehouses(atLeast: $at) { nodes { id } } }";
        for (shop, id) in [(&acme, &opened["id"]), (&bolt, &own["id"])] {
            let found = shop.client.ask(list, json!({ "at": own["position"] })).await;
            assert_eq!(found["warehouses"]["nodes"], json!([{ "id": id }]));
        }
        let now = card(&acme, &opened["id"], &own["position"]).await;
        assert_eq!(now["status"], "ACTIVE");
    });
}

#[test]
fn bad_input_is_refused_field_by_field() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let product = shop.product("A-1", "2.50", 0).await;
        let second = open(&shop, "W-2").await["id"].clone();
        let bad = "INVALID_INPUT";
        let named = |code: &str, name: &str| json!({ "code": code, "name": name });
        let stated = |id: &Value| json!({ "code": "W-3", "name": "x", "warehouseId": id });
        let shut = |id: &Value, reason: &str| json!({ "warehouseId": id, "reason": reason });
        // An id that is derived: that of the organization itself.
        let query = "{ organization { id } }";
        let derived = shop.client.ask(query, json!({})).await["organization"]["id"].clone();
        let cases: &[Case] = &[
            ("openWarehouse", named(" ", "x"), bad, "code", "must not be empty"),
            ("openWarehouse", named(&"x".repeat(41), "x"), bad, "code", "at most 40"),
            ("openWarehouse", named("a\u{7}b", "x"), bad, "code", "control characters"),
            ("openWarehouse", named("W-3", ""), bad, "name", "must not be empty"),
            ("openWarehouse", named("W-3", &"x".repeat(201)), bad, "name", "at most 200"),
            ("openWarehouse", json!({ "name": "x" }), "INVALID_QUERY", "", "\"code\""),
            ("openWarehouse", json!({ "code": "W-3" }), "INVALID_QUERY", "", "\"name\""),
            ("openWarehouse", named(" W-2", "x"), "TAKEN", "code", "`W-2` is taken"),
            ("openWarehouse", stated(&json!("W-3")), bad, "warehouseId", "UUID"),
            ("openWarehouse", stated(&derived), bad, "warehouseId", "not the id of a warehouse"),
            ("openWarehouse", stated(&json!(product)), "TAKEN", "", "not of warehouses"),
            ("openWarehouse", stated(&second), "WRONG_STATE", "", "open already"),
            ("closeWarehouse", shut(&second, " "), bad, "reason", "must not be empty"),
            ("closeWarehouse", shut(&second, &"x".repeat(501)), bad, "reason", "at most 500"),
            ("closeWarehouse", json!({ "warehouseId": second }), "INVALID_QUERY", "", "\"reason\""),
            ("closeWarehouse", shut(&json!("W-2"), "x"), bad, "warehouseId", "UUID"),
            ("closeWarehouse", shut(&json!(NOBODY), "x"), "NOT_FOUND", "warehouseId", NOBODY),
            ("closeWarehouse", shut(&json!(product), "x"), "NOT_FOUND", "warehouseId", "no ware"),
        ];
        refused(app, &shop, cases).await;
        close(&shop, &second).await;
        let closed: &[Case] = &[
            ("openWarehouse", stated(&second), "WRONG_STATE", "", "closed, for good"),
            ("closeWarehouse", shut(&second, "x"), "WRONG_STATE", "", "closed already"),
        ];
        refused(app, &shop, closed).await;
    });
}

#[test]
fn a_repeated_request_opens_nothing_twice_and_a_known_version_guards_the_close() {
    test(async |app| {
        let shop = shop(app, "acme").await;
        let open = json!({ "code": "W-2", "name": "Basel", "idempotencyKey": "k1" });
        let first = shop.run("openWarehouse", open.clone()).await;
        let again = shop.run("openWarehouse", open).await;
        assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
        let shut = |version: i64| {
            let id = &first["id"];
            json!({ "warehouseId": id, "reason": "x", "expectedVersion": version })
        };
        let (code, _) = shop.refused("closeWarehouse", shut(0)).await;
        assert_eq!(code, "STALE_VERSION");
        shop.run("closeWarehouse", shut(1)).await;
    });
}
