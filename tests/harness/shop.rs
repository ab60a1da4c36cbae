//! A seller to try things on: an organization with customers and products.

use serde_json::{Value, json};

use crate::client::Client;

/// An organization, and somebody who acts in it.
#[derive(Clone)]
pub struct Shop {
    /// Acts in the organization.
    pub client: Client,
}

impl Shop {
    /// Registers an organization that trades in euros, in Zurich.
    pub async fn open(client: &Client, slug: &str) -> Self {
        let shop = Self { client: client.clone().within(slug) };
        let input = json!({
            "slug": slug, "name": slug, "currency": "EUR", "timeZone": "Europe/Zurich",
        });
        shop.run("registerOrganization", input).await;
        shop
    }

    /// Runs a mutation that has to succeed: its payload's id, position and `repeated`.
    pub async fn run(&self, mutation: &str, input: Value) -> Value {
        let query = mutation_of(mutation);
        self.client.ask(&query, json!({ "input": input })).await[mutation].clone()
    }

    /// Runs a mutation that has to be refused: the code and the message.
    pub async fn refused(&self, mutation: &str, input: Value) -> (String, String) {
        let query = mutation_of(mutation);
        self.client.refused(&query, json!({ "input": input })).await
    }

    /// Runs a mutation: its payload, or the code of its first error.
    pub async fn attempt(&self, mutation: &str, input: Value) -> Result<Value, String> {
        let query = mutation_of(mutation);
        let (_, _, body) = self.client.post(&query, json!({ "input": input })).await;
        match body["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(body["data"][mutation].clone()),
        }
    }

    /// A published product at this price in euros, so many of it in stock.
    pub async fn product(&self, sku: &str, price: &str, stock: u32) -> String {
        let list_price = json!({ "amount": price, "currency": "EUR" });
        let input = json!({ "sku": sku, "name": sku, "listPrice": list_price });
        let product = self.run("createProduct", input).await;
        let id = product["id"].as_str().unwrap_or_default().to_owned();
        self.run("publishProduct", json!({ "productId": id })).await;
        if stock > 0 {
            let input = json!({ "productId": id, "quantity": stock.to_string() });
            self.run("receiveStock", input).await;
        }
        id
    }

    /// A customer with this credit limit; null for none.
    pub async fn customer(&self, name: &str, credit_limit: Value) -> String {
        let input = json!({ "name": name, "creditLimit": credit_limit });
        let customer = self.run("openCustomer", input).await;
        customer["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The input of an order of one line.
    #[must_use]
    pub fn order(customer: &str, product: &str, quantity: &str) -> Value {
        json!({
            "customerId": customer,
            "lines": [{ "productId": product, "quantity": quantity }],
        })
    }
}

/// A mutation's query; its input type is named after it.
#[must_use]
pub fn mutation_of(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input_type = format!("{}{rest}Input", first.to_uppercase());
    format!(
        "mutation($input: {input_type}!) {{ \
         {mutation}(input: $input) {{ id: recordId position repeated }} }}"
    )
}
