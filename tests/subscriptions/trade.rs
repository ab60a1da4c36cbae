//! A shop in which things happen by chance: whatever its lists can show comes to be, changes and
//! goes.

use std::collections::HashMap;

use harness::{Dice, Shop};
use serde_json::{Value, json};

/// A shop, and what there is in it.
pub(super) struct Trade {
    shop: Shop,
    dice: Dice,
    ids: HashMap<&'static str, Vec<String>>,
    count: usize,
}

impl Trade {
    /// A shop with a customer and a product.
    pub(super) async fn begin(shop: &Shop, seed: u64) -> Self {
        let mut trade = Self {
            shop: shop.clone(),
            dice: Dice::of(seed),
            ids: HashMap::new(),
            count: usize::try_from(seed).unwrap_or_default() * 100_000,
        };
        for _ in 0..3 {
            trade.do_this("openCustomer").await;
            trade.do_this("createProduct").await;
        }
        trade
    }

    /// Something happens, unless it is refused.
    pub(super) async fn go_on(&mut self) {
        let what = self.dice.pick(&[
            "openCustomer",
            "holdCustomer",
            "releaseCustomer",
            "closeCustomer",
            "createProduct",
            "describeProduct",
            "discontinueProduct",
            "receiveStock",
            "adjustStock",
            "openWarehouse",
            "closeWarehouse",
            "addContact",
            "changeContact",
            "eraseContact",
            "placeOrder",
            "placeOrder",
            "placeOrder",
            "cancelOrder",
            "cancelOrder",
            "postCreditNote",
        ]);
        self.do_this(what).await;
    }

    /// Places and cancels orders alone.
    pub(super) async fn order(&mut self) {
        let what = if self.dice.chance(60) { "placeOrder" } else { "cancelOrder" };
        self.do_this(what).await;
    }

    fn one(&mut self, kind: &str) -> Value {
        let known = self.ids.get(kind).map_or(&[][..], Vec::as_slice);
        if known.is_empty() { json!(null) } else { json!(known[self.dice.below(known.len())]) }
    }

    async fn do_this(&mut self, what: &'static str) {
        self.count += 1;
        let (name, amount) = (format!("{what} {}", self.count), self.dice.between(1, 400));
        let price = json!({ "amount": format!("{}.50", amount % 20), "currency": "EUR" });
        let (customer, product) = (self.one("openCustomer"), self.one("createProduct"));
        let line = json!([{ "productId": product, "quantity": (amount % 9 + 1).to_string() }]);
        let input = match what {
            "openCustomer" => match self.dice.chance(50) {
                true => json!({ "name": name, "creditLimit": (amount * 10).to_string() }),
                false => json!({ "name": name, "number": format!("C{}", self.count) }),
            },
            "holdCustomer" | "closeCustomer" => json!({ "customerId": customer, "reason": name }),
            "releaseCustomer" => json!({ "customerId": customer }),
            "createProduct" => json!({ "sku": format!("P-{}", self.count), "name": name,
                "listPrice": price }),
            "describeProduct" => json!({ "productId": product, "name": name, "locale": "en" }),
            "discontinueProduct" => json!({ "productId": product, "reason": name }),
            "receiveStock" => json!({ "productId": product, "quantity": amount.to_string() }),
            "adjustStock" => json!({ "productId": product, "difference": "-1", "reason": name }),
            "openWarehouse" => json!({ "code": format!("W{}", self.count), "name": name }),
            "closeWarehouse" => json!({ "warehouseId": self.one("openWarehouse"), "reason": name }),
            "addContact" => json!({ "customerId": customer, "name": name,
                "email": format!("{}@example.com", self.count) }),
            "changeContact" => json!({ "contactId": self.one("addContact"), "name": name }),
            "eraseContact" => json!({ "contactId": self.one("addContact"), "reason": name }),
            "placeOrder" => json!({ "customerId": customer, "lines": line }),
            "cancelOrder" => json!({ "orderId": self.one("placeOrder"), "reason": name }),
            _ => json!({ "customerId": customer, "lines": [{ "productId": product,
                "quantity": "1", "unitPrice": "1" }] }),
        };
        let Ok(done) = self.shop.attempt(what, input).await else { return };
        let id = done["id"].as_str().unwrap_or_default().to_owned();
        self.ids.entry(what).or_default().push(id.clone());
        if what == "createProduct" {
            for (what, input) in [
                ("publishProduct", json!({ "productId": id })),
                ("receiveStock", json!({ "productId": id, "quantity": "100000" })),
            ] {
                self.shop.run(what, input).await;
            }
        }
    }
}
