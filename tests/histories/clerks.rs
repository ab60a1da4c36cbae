//! Histories of executors: clerks in several offices, each office as separate as a process is, give
//! commands at random, and keep a register of what they wanted and what they were told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use commands::customers::set_credit_limit::SetCustomerCreditLimit;
use commands::orders::cancel::CancelOrder;
use commands::orders::place::{OrderLineInput, PlaceOrder};
use commands::stock::adjust::AdjustStock;
use commands::stock::receive::ReceiveStock;
use commands::{Command, CommandError, Outcome, Request};
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::ProductId;
use events::words::{Amount, Quantity};
use futures_util::future::join_all;
use gateway::app::fresh_id;
use harness::desk::{order, receive};
use harness::{Desk, Dice};
use rust_decimal::Decimal;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How often somebody who was not told what became of a keyed command asks again.
const AGAIN_MAX: u32 = 3;

/// What the executor answers.
pub(super) type Told = Result<Outcome, CommandError>;

/// Something that a clerk wants.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Order(PlaceOrder),
    Cancel(CancelOrder),
    Receive(ReceiveStock),
    Adjust(AdjustStock),
    Limit(SetCustomerCreditLimit),
}

/// A wish that was sent, and what was told.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) wish: Wish,
    pub(super) key: Option<String>,
    /// Stands in the meta of each of its facts.
    pub(super) correlation: Uuid,
    /// The last position that the office knew to be committed when it was sent.
    pub(super) head: i64,
    /// None: it has not come yet.
    pub(super) told: Option<Told>,
}

/// Every attempt.
pub(super) type Register = Arc<Mutex<Vec<Attempt>>>;

/// What there is to trade with.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    /// Of the history: what a key stands for follows from it.
    pub(super) seed: u64,
    pub(super) products: Vec<ProductId>,
    pub(super) customers: Vec<CustomerId>,
}

/// What the clerks of an office know.
#[derive(Debug, Default)]
pub(super) struct Known {
    head: i64,
    orders: Vec<OrderId>,
}

/// Somebody who gives commands.
pub(super) struct Clerk {
    pub(super) desk: Desk,
    pub(super) shelf: Shelf,
    pub(super) known: Arc<Mutex<Known>>,
    pub(super) register: Register,
    pub(super) dice: Dice,
    pub(super) pause_max_ms: u64,
    /// How long they wait for an answer. It is taken down whenever it comes.
    pub(super) patience: Duration,
    /// As long as somebody has one of these, an answer is still to come.
    pub(super) unanswered: mpsc::Sender<()>,
}

impl Clerk {
    /// Gives so many commands, some of them at once.
    pub(super) async fn work(mut self, commands: u64) {
        let mut given = 0;
        while given < commands {
            let pause = self.dice.between(0, self.pause_max_ms);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let mut wishes = Vec::new();
            for _ in 0..self.dice.between(1, 4) {
                wishes.push(self.wish(given));
                given += 1;
            }
            join_all(wishes.into_iter().map(|(wish, key)| self.insist(wish, key))).await;
        }
    }

    /// The next wish, and the key under which it is given.
    fn wish(&mut self, given: u64) -> (Wish, Option<String>) {
        // Others are about as far: so they use the same keys and numbers at about the same time.
        let near = given / 2 + self.dice.between(0, 3);
        if self.dice.chance(60) {
            return (self.shelf.wish(&mut self.dice, near, &self.known), None);
        }
        let mut meant = Dice::of(self.shelf.seed.wrapping_mul(1_000).wrapping_add(near));
        let dice = if self.dice.chance(90) { &mut meant } else { &mut self.dice };
        (self.shelf.wish(dice, near, &Mutex::default()), Some(format!("K-{near}")))
    }

    /// Gives a command; one with a key again, while nobody says what became of it.
    async fn insist(&self, wish: Wish, key: Option<String>) {
        for _ in 0..AGAIN_MAX {
            let told = self.give(&wish, key.as_ref()).await;
            let known = matches!(
                told,
                Some(Ok(_) | Err(CommandError::Rejected(_) | CommandError::KeyReused))
            );
            if known || key.is_none() {
                return;
            }
        }
    }

    /// What somebody is told who does not wait for ever.
    async fn give(&self, wish: &Wish, key: Option<&String>) -> Option<Told> {
        let (correlation, head) = (fresh_id(), self.known.lock().unwrap().head);
        let attempt =
            Attempt { wish: wish.clone(), key: key.cloned(), correlation, head, told: None };
        let place = {
            let mut register = self.register.lock().unwrap();
            register.push(attempt);
            register.len() - 1
        };
        let asked = wish.clone().asked(self.desk.clone(), key.cloned(), correlation);
        let (known, register) = (self.known.clone(), self.register.clone());
        let (unanswered, orders) = (self.unanswered.clone(), matches!(wish, Wish::Order(_)));
        let answered = tokio::spawn(async move {
            let told = asked.await;
            if let Ok(outcome) = &told {
                let mut known = known.lock().unwrap();
                known.head = known.head.max(outcome.position.0);
                known.orders.extend(orders.then_some(OrderId(outcome.id)));
            }
            register.lock().unwrap()[place].told = Some(told.clone());
            drop(unanswered);
            told
        });
        tokio::time::timeout(self.patience, answered).await.ok()?.ok()
    }
}

impl Wish {
    /// Gives the command.
    async fn asked(self, desk: Desk, key: Option<String>, correlation: Uuid) -> Told {
        match self {
            Self::Order(command) => ask(&desk, command, key, correlation).await,
            Self::Cancel(command) => ask(&desk, command, key, correlation).await,
            Self::Receive(command) => ask(&desk, command, key, correlation).await,
            Self::Adjust(command) => ask(&desk, command, key, correlation).await,
            Self::Limit(command) => ask(&desk, command, key, correlation).await,
        }
    }
}

async fn ask<C: Command>(desk: &Desk, command: C, key: Option<String>, correlation: Uuid) -> Told {
    let request = desk.request(command);
    desk.executor.execute(Request { key, correlation, ..request }).await
}

impl Shelf {
    fn wish(&self, dice: &mut Dice, near: u64, known: &Mutex<Known>) -> Wish {
        let product_id = dice.pick(&self.products);
        let customer_id = dice.pick(&self.customers);
        let orders = known.lock().unwrap().orders.clone();
        match dice.below(100) {
            0..12 => Wish::Receive(receive(product_id, dice.between(1, 4) as u32)),
            12..18 => {
                let difference = Quantity(dice.pick(&[-3, -2, -1, 1, 2]).into());
                let (warehouse_id, reason) = (None, "counted".to_owned());
                Wish::Adjust(AdjustStock { product_id, warehouse_id, difference, reason })
            }
            18..26 => {
                let limit = Decimal::new(250, 2) * Decimal::from(dice.between(0, 80));
                let credit_limit = dice.chance(90).then_some(Amount(limit));
                Wish::Limit(SetCustomerCreditLimit { customer_id, credit_limit })
            }
            26..40 if !orders.is_empty() => {
                let (order_id, reason) = (dice.pick(&orders), "not wanted any more".to_owned());
                Wish::Cancel(CancelOrder { order_id, reason })
            }
            _ => {
                let mut lines = Vec::new();
                for _ in 0..dice.between(1, 5) {
                    let product = dice.pick(&self.products);
                    let wanted = order(customer_id, product, dice.between(1, 3) as u32);
                    lines.extend::<Vec<OrderLineInput>>(wanted.lines);
                }
                let number = dice.chance(25).then(|| format!("N-{near}"));
                Wish::Order(PlaceOrder { lines, number, ..order(customer_id, product_id, 1) })
            }
        }
    }
}
