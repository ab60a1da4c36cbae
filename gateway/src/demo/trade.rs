//! Half a year of the demo's trade, thrown with dice: who ordered what and when, what was cancelled
//! and credited. Best-sellers and big customers are few, as they are anywhere.

use chrono::{DateTime, Days, Duration, NaiveDate, SubsecRound, Utc};
use rand::Rng;
use rand::distr::Distribution;
use rand::distr::weighted::{Error, WeightedIndex};
use rand::seq::{IndexedRandom, SliceRandom};

use super::calendar::{DAYS, days, moment};
use super::products::Article;

/// Products that are not sold yet.
const DRAFTS: usize = 3;
/// Products that are not sold any more: from when on, in days before the end.
const DISCONTINUED: [u64; 8] = [61, 54, 47, 40, 33, 26, 19, 12];
/// Products that run short towards the end.
const SCARCE: usize = 12;
/// The customer on hold: since when, in days before the end; before, it ordered now and then.
const HELD: (usize, u64) = (40, 9);
/// How long before the end the last order is placed.
const LAST: Duration = Duration::minutes(4);
/// How many orders have one line, two, …, twenty, beside each other.
const LINES: [u32; 20] = [10, 12, 13, 12, 11, 9, 7, 6, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1];

/// A line: the article's index, and how many in thousandths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) article: usize,
    pub(super) thousandths: u32,
}

/// An order, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) at: DateTime<Utc>,
    /// The customer's index.
    pub(super) customer: usize,
    pub(super) reference: Option<String>,
    pub(super) lines: Vec<Line>,
    /// When and why it was cancelled, if it was.
    pub(super) cancelled: Option<(DateTime<Utc>, &'static str)>,
    /// When, why and for which lines the customer was credited, if it was.
    pub(super) credited: Option<(DateTime<Utc>, &'static str, Vec<Line>)>,
}

/// Half a year of trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trade {
    /// What was ordered, in order of time.
    pub(super) sales: Vec<Sale>,
    /// The first day.
    pub(super) first: NaiveDate,
    /// Articles that are not sold yet.
    pub(super) drafts: Vec<usize>,
    /// Articles that are sold no more, since the end of a day.
    pub(super) discontinued: Vec<(usize, NaiveDate)>,
    /// Articles that run short towards the end.
    pub(super) scarce: Vec<usize>,
    /// The customer on hold, since the end of a day.
    pub(super) held: (usize, NaiveDate),
}

/// Who throws, and over what.
struct Market<'a, R> {
    dice: &'a mut R,
    articles: &'a [Article],
    /// The articles by how well they sell, the best-seller first.
    articles_ranked: Vec<usize>,
    customers_ranked: Vec<usize>,
    article: WeightedIndex<u32>,
    customer: WeightedIndex<u32>,
    lines: WeightedIndex<u32>,
}

/// Zipf's law, without its first ranks: the best one sells much better than the tenth, but is not
/// in every other order.
fn zipf(count: usize, first: u32) -> Result<WeightedIndex<u32>, Error> {
    WeightedIndex::new((first..).take(count).map(|rank| 1_000_000 / rank))
}

impl<'a, R: Rng> Market<'a, R> {
    fn new(dice: &'a mut R, articles: &'a [Article], customers: usize) -> Result<Self, Error> {
        let mut articles_ranked: Vec<usize> = (0..articles.len()).collect();
        articles_ranked.shuffle(dice);
        let mut customers_ranked: Vec<usize> = (0..customers).collect();
        customers_ranked.shuffle(dice);
        Ok(Self {
            articles,
            article: zipf(articles_ranked.len() - DRAFTS, 8)?,
            customer: zipf(customers_ranked.len(), 8)?,
            lines: WeightedIndex::new(LINES)?,
            articles_ranked,
            customers_ranked,
            dice,
        })
    }

    fn line(&mut self, article: usize) -> Line {
        let Article { measure, most, .. } = self.articles[article];
        let times = self.dice.random_range(1..=most).min(self.dice.random_range(1..=most));
        Line { article, thousandths: times * measure.thousandths() }
    }

    /// An order at a moment: of a customer and of articles that may still be sold then.
    fn sale(&mut self, at: DateTime<Utc>, trade: &Trade, date: NaiveDate) -> Sale {
        let customer = loop {
            let customer = self.customers_ranked[self.customer.sample(self.dice)];
            if customer != trade.held.0 || date <= trade.held.1 {
                break customer;
            }
        };
        let count = self.lines.sample(self.dice) + 1;
        let mut lines: Vec<Line> = Vec::with_capacity(count);
        while lines.len() < count {
            let article = self.articles_ranked[self.article.sample(self.dice)];
            let gone = trade.discontinued.iter().any(|(gone, day)| *gone == article && date > *day);
            if !gone && lines.iter().all(|line| line.article != article) {
                lines.push(self.line(article));
            }
        }
        let number = self.dice.random_range(1_000..10_000);
        let reference = self.dice.random_ratio(2, 5).then(|| format!("PO-{number}"));
        Sale { at, customer, reference, lines, cancelled: None, credited: None }
    }

    /// What becomes of an order: most stay as they are.
    fn fate(&mut self, sale: &mut Sale, until: DateTime<Utc>) {
        const CANCELLED: [&str; 3] =
            ["ordered twice", "the customer changed its mind", "wrong articles ordered"];
        const CREDITED: [&str; 4] =
            ["damaged in transit", "returned unused", "wrong article delivered", "faulty"];
        let (cancelled, credited) = (self.dice.random_ratio(1, 32), self.dice.random_ratio(1, 24));
        let minutes = self.dice.random_range(20..2_000);
        let days = Days::new(self.dice.random_range(4..21));
        let back = sale.lines.choose(self.dice).copied();
        let reasons = (CANCELLED.choose(self.dice), CREDITED.choose(self.dice));
        let date = sale.at.date_naive() + days;
        let back_at = moment(date, self.dice);
        match (reasons, back) {
            ((Some(reason), _), _) if cancelled => {
                let at = sale.at + Duration::minutes(minutes);
                sale.cancelled = (at < until).then_some((at, *reason));
            }
            ((_, Some(reason)), Some(line)) if credited => {
                let least = self.articles[line.article].measure.thousandths();
                let times = self.dice.random_range(1..=line.thousandths / least);
                let lines = vec![Line { thousandths: times * least, ..line }];
                sale.credited = (back_at < until).then_some((back_at, *reason, lines));
            }
            _ => {}
        }
    }
}

/// The trade of the half year that ends at a moment.
pub(super) fn trade(
    dice: &mut impl Rng,
    articles: &[Article],
    customers: usize,
    until: DateTime<Utc>,
) -> Result<Trade, Error> {
    let days = days(until);
    let day_before_end = |before: u64| days[(DAYS - 1 - before) as usize].date;
    let mut market = Market::new(dice, articles, customers)?;
    let ranked = &market.articles_ranked;
    let sold = &ranked[..ranked.len() - DRAFTS];
    let mut trade = Trade {
        sales: Vec::new(),
        first: days[0].date,
        drafts: ranked[sold.len()..].to_vec(),
        // Of those that sell worst.
        discontinued: sold.iter().rev().copied().zip(DISCONTINUED.map(day_before_end)).collect(),
        // Of those that sell well.
        scarce: sold.iter().skip(4).step_by(9).take(SCARCE).copied().collect(),
        held: (market.customers_ranked[HELD.0], day_before_end(HELD.1)),
    };
    let mut sales = Vec::new();
    for day in &days {
        for _ in 0..day.orders {
            let at = moment(day.date, market.dice);
            let mut sale = market.sale(at, &trade, day.date);
            market.fate(&mut sale, until);
            sales.push(sale);
        }
    }
    let last = (until - LAST).trunc_subsecs(0);
    sales.retain(|sale| sale.at < last);
    sales.sort_by_key(|sale| sale.at);
    sales.push(market.sale(last, &trade, day_before_end(0)));
    trade.sales = sales;
    Ok(trade)
}
