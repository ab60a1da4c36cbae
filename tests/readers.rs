//! Claims about those who read with SQL: what they see, what they do not, and for how long. What
//! the rows say is compared in `folds` and `contracts`.

mod access;
mod logins;

use std::collections::BTreeMap;

use events::words::OrganizationId;
use harness::program::{millrace, outcome};
use harness::{Shop, TestApp, TestDatabase};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

/// A login of this test's alone, for logins belong to the whole server.
struct Login(String);

impl Login {
    fn new() -> Self {
        Self(format!("reader_{}", gateway::app::fresh_id().simple()))
    }

    /// Lets it see these organizations, by the verb; what that prints.
    fn sees(&self, database: &TestDatabase, organizations: &[&str]) -> String {
        let mut arguments = vec!["database", "reader", "add", &self.0];
        arguments.extend(organizations.iter().flat_map(|slug| ["--organization", *slug]));
        done(database, &arguments)
    }

    /// Removes it, by the verb; what that prints.
    fn is_removed(&self, database: &TestDatabase) -> String {
        done(database, &["database", "reader", "remove", &self.0])
    }

    async fn connect(&self, database: &TestDatabase) -> Client {
        events::log::connect(&self.of(database)).await.expect("signing in as a reader")
    }

    fn of(&self, database: &TestDatabase) -> tokio_postgres::Config {
        let mut config = database.config.clone();
        config.user(&self.0);
        config
    }
}

/// A verb that succeeds on a database, beside whoever runs; what it prints.
fn done(database: &TestDatabase, arguments: &[&str]) -> String {
    let (code, out, err) = outcome(millrace(arguments).env("DATABASE_URL", &database.url));
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

/// A shop of which every view shows something.
async fn furnished(app: &TestApp, slug: &str) {
    let (shop, customer) = trading(app, slug).await;
    shop.run("addContact", json!({ "customerId": customer, "name": "Anna Quaas" })).await;
    app.settled().await;
}

/// A shop of which every view shows something but that of persons; and a customer of it.
async fn trading(app: &TestApp, slug: &str) -> (Shop, String) {
    let shop = Shop::open(&app.administrator(), slug).await;
    let customer = shop.customer("Bolt & Co", json!("1000")).await;
    let product = shop.product("A-1", "2.50", 10).await;
    shop.run("openWarehouse", json!({ "code": "W-1", "name": "Hall" })).await;
    let order = Shop::order(&customer, &product, "4");
    let placed = shop.run("placeOrder", order.clone()).await;
    let mut credit = Shop::order(&customer, &product, "1");
    credit["orderId"] = placed["id"].clone();
    credit["reason"] = json!("it was bent");
    shop.run("postCreditNote", credit).await;
    app.settled().await;
    (shop, customer)
}

/// Everything that readers are to see: the views of `read`, and the log.
async fn shown(client: &Client) -> Vec<String> {
    let query = "select oid::regclass::text from pg_class \
        where relnamespace = 'read'::regnamespace or oid = 'log.facts'::regclass order by 1";
    let rows = client.query(query, &[]).await.expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many rows of each organization somebody sees there.
async fn rows(client: &Client, view: &str) -> BTreeMap<Uuid, i64> {
    let query = format!("select organization_id, count(*) from {view} group by 1");
    let rows = client.query(&query, &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{view}: {error:?}"));
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Only those of these organizations.
fn of(rows: &BTreeMap<Uuid, i64>, organizations: &[&str]) -> BTreeMap<Uuid, i64> {
    let ids = organizations.iter().map(|slug| OrganizationId::of_slug(slug).0);
    ids.filter_map(|id| Some((id, *rows.get(&id)?))).collect()
}

/// A reader of these organizations sees their rows, in every view; and no others.
async fn sees_exactly(login: &Login, database: &TestDatabase, organizations: &[&str]) {
    let (owner, reader) = (database.connect().await, login.connect(database).await);
    let views = shown(&owner).await;
    assert!(views.len() > 10, "{views:?}");
    for view in views {
        let expected = of(&rows(&owner, &view).await, organizations);
        assert_eq!(rows(&reader, &view).await, expected, "{view}");
    }
}
