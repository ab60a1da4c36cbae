//! What clerks were told, set against the books: who was acknowledged finds it there once, who was
//! refused finds nothing, and for a reason; and no fact breaks what the domain promises.

use std::collections::{BTreeMap, HashMap, HashSet};

use commands::credit::Credit;
use commands::orders::Order;
use commands::orders::place::PlaceOrder;
use commands::stock::StockItem;
use commands::{CommandError, Kind, Outcome, Rejection};
use events::credit::CreditEvent;
use events::log::LogError;
use events::orders::{OrderEvent, OrderStatus};
use events::products::ProductId;
use events::words::Actor;
use events::{Event, Recorded};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::books::{Books, Course};
use super::clerks::{Attempt, Told, Wish};
use super::tally::Tally;

/// What one attempt left: the place of its first fact, and how many there are.
type Left = (usize, usize);

struct Audit<'a> {
    books: &'a Books,
    attempts: HashMap<Uuid, &'a Attempt>,
    left: HashMap<Uuid, Left>,
    /// The place of the fact that has an id.
    ids: HashMap<Uuid, usize>,
}

/// Sets what was told against the books. What they held when the shop was opened was no clerk's; in
/// calm histories nothing was done to anybody.
pub(super) fn audit(
    books: &Books,
    attempts: &[Attempt],
    opened: i64,
    calm: bool,
) -> Result<Tally, String> {
    let (mut left, mut flaws): (HashMap<Uuid, Left>, _) = (HashMap::new(), Vec::new());
    for (place, fact) in books.facts.iter().enumerate() {
        let (first, count) = left.entry(fact.meta.correlation).or_insert((place, 0));
        *count += 1;
        if *first + *count != place + 1 {
            flaws.push(format!("{fact:?} does not stand behind the others of its command"));
        }
    }
    let by_name = attempts.iter().map(|attempt| (attempt.correlation, attempt));
    let ids = books.facts.iter().enumerate().map(|(place, fact)| (fact.event_id, place));
    let audit = Audit { books, attempts: by_name.collect(), left, ids: ids.collect() };
    flaws.extend(audit.left.values().filter_map(|left| audit.partial(*left)));
    flaws.extend(promises(books));
    let foreign = |fact: &&Recorded| !audit.attempts.contains_key(&fact.meta.correlation);
    let foreign = books.facts.iter().filter(|fact| fact.position.0 > opened).filter(foreign);
    flaws.extend(foreign.map(|fact| format!("nobody wanted {fact:?}")));
    let mut tally = Tally::default();
    for attempt in attempts {
        let found = audit.untrue(attempt, calm);
        flaws.extend(found.map(|flaw| format!("{flaw}: {attempt:?}")));
        note(&mut tally, attempt.told.as_ref());
    }
    if flaws.is_empty() { Ok(tally) } else { Err(flaws.join("\n")) }
}

fn note(tally: &mut Tally, told: Option<&Told>) {
    match told {
        Some(Ok(Outcome { repeated: false, .. })) => tally.appended += 1,
        Some(Ok(_)) => tally.repeated += 1,
        Some(Err(CommandError::Rejected(_) | CommandError::KeyReused)) => tally.refused += 1,
        Some(Err(CommandError::Unanswered)) | None => tally.unanswered += 1,
        Some(Err(_)) => tally.unavailable += 1,
    }
}

impl Audit<'_> {
    /// Whether a command left less than it decided.
    fn partial(&self, (first, count): Left) -> Option<String> {
        let fact = &self.books.facts[first];
        let Some(request) = &fact.meta.request else {
            return Some(format!("{fact:?} is a command's first, and says nothing of it"));
        };
        let whole = match &fact.event {
            Event::Order(OrderEvent::Placed(placed)) => {
                let products: HashSet<ProductId> =
                    placed.lines.iter().map(|line| line.product_id).collect();
                // The order, the credit, the number; and the goods.
                3 + products.len()
            }
            _ => request.facts as usize,
        };
        (count != whole || count != request.facts as usize)
            .then(|| format!("{count} of {whole} facts are there: {fact:?}"))
    }

    /// What is wrong with what somebody was told.
    fn untrue(&self, attempt: &Attempt, calm: bool) -> Option<String> {
        let left = self.left.get(&attempt.correlation);
        let outcome = match &attempt.told {
            Some(Ok(outcome)) => outcome,
            None | Some(Err(CommandError::Unanswered)) => return None,
            Some(Err(error)) => {
                if left.is_some() {
                    return Some("it was refused, and is there".to_owned());
                }
                return self.unfounded(attempt, error, calm);
            }
        };
        let (first, count) = match (outcome.repeated, left) {
            (false, Some(left)) => match self.earlier(attempt) {
                Some((owner, _)) if owner.correlation != attempt.correlation => {
                    return Some(format!("its key is that of {owner:?}"));
                }
                None if attempt.key.is_some() => return Some("its key is not taken".to_owned()),
                _ => *left,
            },
            (true, None) => match self.earlier(attempt) {
                Some(earlier) if alike(earlier.0, attempt) => earlier.1,
                earlier => return Some(format!("before it, under its key, was {earlier:?}")),
            },
            (_, left) => return Some(format!("it left {left:?}")),
        };
        let (begin, end) = (&self.books.facts[first], &self.books.facts[first + count - 1]);
        let right = (begin.stream_id, end.position, count)
            == (outcome.id, outcome.position, outcome.facts as usize);
        (!right).then(|| format!("what is there begins {begin:?} and ends {end:?}"))
    }

    /// The attempt that has the key of this one, and what it left.
    fn earlier(&self, attempt: &Attempt) -> Option<(&Attempt, Left)> {
        let (key, actor) = (attempt.key.as_ref()?.as_bytes(), Actor::Administrator.id());
        let id = self.books.organization.derive("idempotency_key", &[actor.as_bytes(), key]);
        let correlation = self.books.facts[*self.ids.get(&id)?].meta.correlation;
        Some((self.attempts.get(&correlation)?, *self.left.get(&correlation)?))
    }

    /// Whether somebody was refused without a reason.
    fn unfounded(&self, attempt: &Attempt, error: &CommandError, calm: bool) -> Option<String> {
        let reason = match (error, &attempt.wish) {
            (CommandError::KeyReused, _) => {
                self.earlier(attempt).is_some_and(|(earlier, _)| !alike(earlier, attempt))
            }
            (CommandError::Rejected(rejection), wish) => self.rightly(attempt, wish, rejection),
            (CommandError::Busy, _) => true,
            (CommandError::Log(LogError::Unavailable(_)), _) => !calm,
            _ => false,
        };
        (!reason).then(|| "there is no reason for it".to_owned())
    }

    /// Whether a rule forbade it at any time since the attempt was made.
    fn rightly(&self, attempt: &Attempt, wish: &Wish, rejection: &Rejection) -> bool {
        let books = self.books;
        match (wish, rejection.kind) {
            (Wish::Order(order), Kind::OutOfStock) => wanted(order).iter().any(|(id, wanted)| {
                let course = books.course::<StockItem>(books.item(*id));
                since(&course, attempt.head).any(|item| *wanted > item.available())
            }),
            (Wish::Order(order), Kind::CreditExceeded) => {
                let pieces: Decimal = wanted(order).values().sum();
                let course = books.course::<Credit>(books.credit(order.customer_id));
                let beyond = |credit: &Credit| {
                    let sum = credit.exposure + pieces * Decimal::new(250, 2);
                    credit.limit.is_some_and(|limit| sum > limit)
                };
                since(&course, attempt.head).any(beyond)
            }
            (Wish::Order(order), Kind::Taken) => {
                let number = order.number.as_ref();
                placed(books).any(|(_, placed)| Some(&placed.number) == number)
            }
            (Wish::Cancel(cancel), Kind::WrongState) => {
                let course = books.course::<Order>(cancel.order_id);
                since(&course, 0).any(|order| order.status == Some(OrderStatus::Cancelled))
            }
            (Wish::Adjust(adjust), Kind::OutOfStock) => {
                let course = books.course::<StockItem>(books.item(adjust.product_id));
                since(&course, attempt.head).any(|item| -adjust.difference.0 > item.available())
            }
            _ => false,
        }
    }
}

/// Whether two attempts want the same: then they have the same fingerprint.
fn alike(one: &Attempt, other: &Attempt) -> bool {
    format!("{:?}", one.wish) == format!("{:?}", other.wish)
}

/// The states since a position, that at it included.
fn since<S>(course: &Course<S>, position: i64) -> impl Iterator<Item = &S> {
    let before = course.partition_point(|(at, _)| *at <= position);
    course[before - 1..].iter().map(|(_, state)| state)
}

/// How many pieces of what.
fn wanted(order: &PlaceOrder) -> BTreeMap<ProductId, Decimal> {
    let mut wanted = BTreeMap::new();
    for line in &order.lines {
        *wanted.entry(line.product_id).or_default() += line.quantity.0;
    }
    wanted
}

fn placed(books: &Books) -> impl Iterator<Item = (&Recorded, &events::orders::OrderPlaced)> {
    books.facts.iter().filter_map(|fact| match &fact.event {
        Event::Order(OrderEvent::Placed(placed)) => Some((fact, placed)),
        _ => None,
    })
}

/// Where the domain's promises are broken.
fn promises(books: &Books) -> Vec<String> {
    let mut flaws = Vec::new();
    for id in books.of_feature("stock") {
        for (position, item) in books.course::<StockItem>(id) {
            if item.reserved > item.on_hand || item.reserved < Decimal::ZERO {
                flaws.push(format!("at {position} more is promised than there is: {item:?}"));
            }
        }
    }
    for fact in &books.facts {
        if let Event::Credit(CreditEvent::Reserved { .. }) = &fact.event {
            let course = books.course::<Credit>(fact.stream_id);
            let credit = course.iter().find(|(at, _)| *at == fact.position.0);
            if credit.is_none_or(|(_, credit)| credit.limit.is_some_and(|l| credit.exposure > l)) {
                flaws.push(format!("{fact:?} is beyond the limit: {credit:?}"));
            }
        }
    }
    let mut numbers = HashSet::new();
    for (fact, placed) in placed(books) {
        if !numbers.insert(&placed.number) {
            flaws.push(format!("the number of {fact:?} was taken"));
        }
    }
    flaws
}
