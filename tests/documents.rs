//! Claims about random GraphQL: documents made up from the schema, nearly right ones, and noise,
//! whichever way they come. The seed of a conversation decides what is asked; ids and times are
//! those of the records there are.

mod asking;
mod schema;
mod spoiling;
mod values;
mod writing;

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::config::Config;
use harness::{Dice, Seeds, Shop, TestApp, test_with};
use serde_json::{Value, json};

use asking::Asker;
use schema::Schema;
use values::Pool;

/// Documents of a conversation, and conversations that go on at once.
const DOCUMENTS: usize = 60;
const AT_ONCE: usize = 3;

/// What came of conversations.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    conversations: u64,
    documents: usize,
    /// Executed, without an error.
    fine: usize,
    /// Executed, and something in it failed.
    failed: usize,
    /// Not executed.
    refused: usize,
    slowest: Duration,
}

/// Records to be found: their answers are what conversations begin with.
async fn furnished(app: &TestApp) -> Shop {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let product = shop.product("A-1", "2.50", 1_000).await;
    shop.product("b-%_2", "0.75", 0).await;
    for name in ["Bolt & Co", "Schrauben-Müller \"süd\""] {
        let customer = shop.customer(name, json!("100000")).await;
        let person = json!({ "customerId": customer, "name": "Ada", "email": "ada@example.com" });
        shop.run("addContact", person).await;
        for _ in 0..3 {
            let order = shop.run("placeOrder", Shop::order(&customer, &product, "2")).await;
            let mut note = Shop::order(&customer, &product, "1");
            note["orderId"] = order["id"].clone();
            shop.run("postCreditNote", note).await;
        }
    }
    shop.run("openWarehouse", json!({ "code": "W", "name": "West" })).await;
    app.settled().await;
    shop
}

/// Plays one conversation.
async fn converse(app: &TestApp, schema: &Schema, seed: u64) -> Result<Tally, String> {
    let (mut dice, mut pool) = (Dice::of(seed), Pool::default());
    let client = app.administrator().within("acme");
    let greeting =
        json!({ "Authorization": "Bearer the-administrator", "Millrace-Organization": "acme" });
    let mut asker = Asker { client, greeting, socket: None };
    let mut tally = Tally { conversations: 1, ..Tally::default() };
    for n in 0..DOCUMENTS {
        let mut shown = String::new();
        let begun = Instant::now();
        let answer = if dice.chance(5) {
            let bytes = spoiling::noise(&mut dice);
            shown = String::from_utf8_lossy(&bytes).into_owned();
            asker.bytes(bytes).await
        } else {
            let asked = match dice.below(20) {
                0..14 => writing::written(schema, &mut dice, &pool),
                14..18 => spoiling::spoilt(writing::written(schema, &mut dice, &pool), &mut dice),
                _ => spoiling::excessive(schema, &mut dice),
            };
            let answer = asker.ask(&asked, &mut dice).await;
            if answer.is_err() {
                shown = format!("{}\n{}", asked.query, asked.variables);
            }
            answer
        };
        let answer = answer.map_err(|flaw| {
            let cut = |text: &str| text.chars().take(6_000).collect::<String>();
            format!("document {n}: {}\nof {}", cut(&flaw), cut(&shown))
        })?;
        tally.slowest = tally.slowest.max(begun.elapsed());
        tally.count(&answer);
        pool.gather(&answer["data"], &mut dice);
    }
    Ok(tally)
}

impl Tally {
    fn count(&mut self, answer: &Value) {
        self.documents += 1;
        match (answer.get("data").is_some(), answer.get("errors").is_some()) {
            (true, false) => self.fine += 1,
            (true, true) => self.failed += 1,
            (false, _) => self.refused += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.documents += other.documents;
        self.fine += other.fine;
        self.failed += other.failed;
        self.refused += other.refused;
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// What was wrong, and how to see it again.
fn told(seed: u64, flaw: &str) -> String {
    format!(
        "the conversation of seed {seed}: {flaw}\n\
         again: MILLRACE_SEED={seed} MILLRACE_HISTORIES=1 cargo nextest run -p tests documents"
    )
}

#[test]
#[expect(clippy::print_stdout, reason = "for whoever asks how much was tried")]
fn whatever_is_asked_is_answered_in_time_and_is_no_mistake_of_ours() {
    let mut config = Config::default();
    config.queries.at_least_wait_max_ms = 200;
    test_with(config, async |app| {
        let shop = furnished(app).await;
        let schema = Schema::of(&shop.client).await;
        let (seeds, played, flaws) = (Seeds::of(24), Cell::new(0), RefCell::new(Vec::new()));
        let tallies = join_all((0..AT_ONCE).map(async |_| {
            let mut tally = Tally::default();
            while seeds.more(played.get()) {
                let seed = seeds.first + played.replace(played.get() + 1);
                match converse(app, &schema, seed).await {
                    Ok(one) => tally.add(one),
                    Err(flaw) => flaws.borrow_mut().push(told(seed, &flaw)),
                }
            }
            tally
        }));
        let mut tally = Tally::default();
        tallies.await.into_iter().for_each(|one| tally.add(one));
        println!("{tally:?}");
        let flaws = flaws.into_inner();
        assert!(flaws.is_empty(), "{} conversations:\n{}", flaws.len(), flaws.join("\n"));
        let enough =
            [tally.fine, tally.failed, tally.refused].map(|some| some > tally.documents / 20);
        assert_eq!(enough, [true; 3], "little was tried: {tally:?}");
        // It goes on as if nothing had been.
        let customer = shop.customer("Still there", json!(null)).await;
        let read = "query($id: ID!) { customer(id: $id) { name } }";
        app.settled().await;
        let shown = shop.client.ask(read, json!({ "id": customer })).await;
        assert_eq!(shown["customer"]["name"], "Still there");
    });
}
