//! The demo's deliveries: what came in each week, so that nothing that was ordered lacked, and some
//! articles are short at the end.

use chrono::{Days, NaiveDate};
use rand::Rng;

use super::calendar::DAYS;
use super::products::Article;
use super::trade::{Line, Trade};

/// For how many weeks a delivery is meant to last.
const WEEKS: u32 = 5;
const ALL_WEEKS: u32 = (DAYS / 7) as u32;
/// Less than so many thousandths are left of nothing but scarce articles.
const LEAST: u32 = 6_000;
/// In so many of the last weeks, of a scarce article only what is wanted comes in.
const SCARCE_WEEKS: usize = 5;

/// What came in on a day, before anything was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) date: NaiveDate,
    pub(super) lines: Vec<Line>,
}

/// What was ordered of each article in each week, in thousandths.
fn wanted(articles: &[Article], trade: &Trade) -> Vec<Vec<u32>> {
    let mut weeks = vec![vec![0; articles.len()]; ALL_WEEKS as usize];
    for sale in &trade.sales {
        let day =
            (sale.at.with_timezone(&super::calendar::ZONE).date_naive() - trade.first).num_days();
        let week = usize::try_from(day / 7).unwrap_or_default().min(weeks.len() - 1);
        for line in &sale.lines {
            weeks[week][line.article] += line.thousandths;
        }
    }
    weeks
}

/// The deliveries of the half year: one a week. What is cancelled comes on top, and is not counted
/// on.
pub(super) fn deliveries(
    dice: &mut impl Rng,
    articles: &[Article],
    trade: &Trade,
) -> Vec<Delivery> {
    let weeks = wanted(articles, trade);
    let all = |article: usize| weeks.iter().map(|week| week[article]).sum::<u32>();
    let usual: Vec<u32> = (0..articles.len()).map(|article| all(article) / ALL_WEEKS).collect();
    let mut left = vec![0_u32; articles.len()];
    let mut deliveries = Vec::with_capacity(weeks.len());
    for (number, week) in (0..).zip(&weeks) {
        let date = trade.first + Days::new(number as u64 * 7);
        let mut lines = Vec::new();
        for (article, wanted) in week.iter().copied().enumerate() {
            let ending = number + SCARCE_WEEKS >= weeks.len() && trade.scarce.contains(&article);
            let missing = wanted.saturating_sub(left[article]);
            let gone = trade.discontinued.iter().any(|(gone, day)| *gone == article && date > *day);
            let low = left[article] < wanted + LEAST && !gone && !trade.drafts.contains(&article);
            let thousandths = if (ending || gone) && missing > 0 {
                missing + dice.random_range(0..3) * 1_000
            } else if low && !ending {
                (missing + LEAST + WEEKS * usual[article]).next_multiple_of(5_000)
            } else {
                0
            };
            left[article] = left[article] + thousandths - wanted;
            if thousandths > 0 {
                lines.push(Line { article, thousandths });
            }
        }
        deliveries.push(Delivery { date, lines });
    }
    deliveries
}
