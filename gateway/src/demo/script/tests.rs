//! Claims about the demo's script: that it is the same each time, and a wholesaler's.

use std::collections::{HashMap, HashSet};

use super::*;

fn stages_until(until: &str) -> Vec<Stage> {
    stages(until.parse().unwrap()).unwrap()
}

fn orders(stages: &[Stage]) -> Vec<(DateTime<Utc>, &PlaceOrder)> {
    let orders = stages.iter().flatten().filter_map(|step| match &step.wanted {
        Wanted::Place(order) => Some((step.at, order)),
        _ => None,
    });
    orders.collect()
}

#[test]
fn the_same_end_makes_the_same_script_and_another_one_another() {
    let text = |until| format!("{:?}", stages_until(until));
    let script = text("2026-03-04T12:00:00Z");
    assert_eq!(script, text("2026-03-04T12:00:00Z"));
    assert_ne!(script, text("2026-03-05T12:00:00Z"));
}

#[test]
fn every_step_has_a_key_of_its_own_and_none_is_later_than_the_end() {
    // A Wednesday, a Sunday night, and the nights in which clocks change.
    for end in ["2026-03-04T12:00:00Z", "2026-03-01T23:01:00Z", "2026-03-29T01:30:00Z"] {
        let stages = stages_until(end);
        let steps: Vec<&Step> = stages.iter().flatten().collect();
        let keys: HashSet<&str> = steps.iter().map(|step| step.key.as_str()).collect();
        assert_eq!(keys.len(), steps.len(), "{end}");
        let until: DateTime<Utc> = end.parse().unwrap();
        assert!(steps.iter().all(|step| step.at < until), "{end}");
        assert_eq!(steps.last().map(|step| step.key.as_str()), Some(LAST), "{end}");
    }
}

#[test]
fn the_trade_is_a_wholesalers() {
    let stages = stages_until("2026-03-04T12:00:00Z");
    let orders = orders(&stages);
    assert!((2_500..=3_000).contains(&orders.len()), "{} orders", orders.len());
    assert!(orders.iter().all(|(_, order)| (1..=20).contains(&order.lines.len())));
    assert!(orders.iter().any(|(_, order)| order.lines.len() == 20));
    let last = orders.last().unwrap().0;
    assert_eq!(last, "2026-03-04T11:56:00Z".parse::<DateTime<Utc>>().unwrap());
    let mut sold: HashMap<ProductId, usize> = Default::default();
    for line in orders.iter().flat_map(|(_, order)| &order.lines) {
        *sold.entry(line.product_id).or_default() += 1;
    }
    let mut sold: Vec<usize> = sold.into_values().collect();
    sold.sort_unstable();
    let tenth: usize = sold.iter().rev().take(30).sum();
    assert!(tenth * 100 > sold.iter().sum::<usize>() * 35, "best-sellers sell best");
    let count =
        |is: fn(&Wanted) -> bool| stages.iter().flatten().filter(|step| is(&step.wanted)).count();
    assert_eq!(count(|wanted| matches!(wanted, Wanted::Create(_))), 300);
    assert_eq!(count(|wanted| matches!(wanted, Wanted::Publish(_))), 297);
    assert_eq!(count(|wanted| matches!(wanted, Wanted::Open(_))), 100);
    assert_eq!(count(|wanted| matches!(wanted, Wanted::Discontinue(_))), 8);
    assert_eq!(count(|wanted| matches!(wanted, Wanted::Hold(_))), 1);
    assert!(count(|wanted| matches!(wanted, Wanted::Cancel(_))) > 40);
    assert!(count(|wanted| matches!(wanted, Wanted::Post(_))) > 60);
}

/// In the order in which steps are given, nothing is promised that has not come in.
#[test]
fn stock_never_lacks_and_some_of_it_is_short_at_the_end() {
    let mut stock: HashMap<ProductId, Decimal> = Default::default();
    for stage in stages_until("2026-03-04T12:00:00Z") {
        for step in stage {
            match step.wanted {
                Wanted::Receive(got) => *stock.entry(got.product_id).or_default() += got.quantity.0,
                Wanted::Place(order) => {
                    for line in order.lines {
                        let left = stock.entry(line.product_id).or_default();
                        *left -= line.quantity.0;
                        assert!(!left.is_sign_negative(), "{}: {left}", step.key);
                    }
                }
                _ => {}
            }
        }
    }
    let short = stock.values().filter(|left| **left <= Decimal::from(5)).count();
    assert!((5..40).contains(&short), "{short} are short");
}
