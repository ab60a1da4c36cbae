//! Claims about pages: in any order, forward and backward, while rows come and go, they lose and
//! repeat nothing.

use std::collections::HashSet;

use events::access::Access;
use harness::{Dice, TestApp, test};
use queries::fields::Listed;
use queries::filter::Filter;
use queries::page::{PageArgs, Selection};
use queries::sort::{Direction, Sort};
use queries::{QueryError, Seen};
use uuid::Uuid;

use super::rows::{Maker, fill};
use super::{each_list, id, listed, organization};

fn sort<R: Listed>(dice: &mut Dice) -> Sort {
    let mut fields = Vec::new();
    for _ in 0..dice.below(4) {
        let field = &R::LIST.fields[dice.below(R::LIST.fields.len())];
        let direction = if dice.chance(50) { Direction::Ascending } else { Direction::Descending };
        if fields.iter().all(|(taken, _)| *taken != field) {
            fields.push((field, direction));
        }
    }
    Sort::by(R::LIST, &fields).expect("an order")
}

/// Reads page by page, and does something after each.
async fn walk<R: Listed>(
    app: &TestApp,
    access: &Access,
    selection: &Selection,
    (size, backward): (i32, bool),
    mut meanwhile: impl AsyncFnMut(),
) -> Vec<Seen<R>> {
    let (mut pages, mut cursor): (Vec<Vec<Seen<R>>>, Option<String>) = (Vec::new(), None);
    loop {
        let args = match backward {
            true => PageArgs { last: Some(size), before: cursor, ..PageArgs::default() },
            false => PageArgs { first: Some(size), after: cursor, ..PageArgs::default() },
        };
        let page = app.parts.reader.page::<R>(access, selection, &args).await.expect("a page");
        let end = if backward { page.items.first() } else { page.items.last() };
        cursor = end.map(|(cursor, _)| cursor.clone());
        let more = if backward { page.has_previous } else { page.has_next };
        pages.push(page.items.into_iter().map(|(_, row)| row).collect());
        if !more {
            break;
        }
        meanwhile().await;
    }
    if backward {
        pages.reverse();
    }
    pages.into_iter().flatten().collect()
}

fn ids<R: Listed>(rows: &[Seen<R>]) -> Vec<Uuid> {
    rows.iter().map(|row| id::<R>(row)).collect()
}

async fn every_order<R: Listed>(app: &TestApp, access: &Access) {
    fill(app, access, R::LIST, 1, 40).await;
    let mut all = listed::<R>(&app.parts.reader, access, Filter::all()).await;
    let mut dice = Dice::of(2);
    for _ in 0..25 {
        let selection = Selection { filter: Filter::all(), sort: sort::<R>(&mut dice) };
        all.sort_by(|one, other| selection.sort.compare::<R>(one, other));
        for backward in [false, true] {
            let size = dice.between(1, 45) as i32;
            let walked = walk::<R>(app, access, &selection, (size, backward), async || {}).await;
            assert_eq!(ids(&walked), ids(&all), "{} {:?} {size}", R::NAME, selection.sort);
        }
    }
}

#[test]
fn pages_in_any_order_give_each_record_once_as_it_is_ordered_in_memory() {
    test(async |app| {
        let (_, access) = organization(app, "acme").await;
        each_list!(every_order(app, &access));
    });
}

async fn coming_and_going<R: Listed>(app: &TestApp, access: &Access) {
    let maker = Maker::of(app, access, R::LIST).await;
    let mut dice = Dice::of(3);
    for round in 0..4 {
        maker.add(100 + round, 25).await;
        let before = listed::<R>(&app.parts.reader, access, Filter::all()).await;
        let before: HashSet<Uuid> = ids(&before).into_iter().collect();
        let selection = Selection { filter: Filter::all(), sort: sort::<R>(&mut dice) };
        let shape = (dice.between(1, 9) as i32, dice.chance(50));
        let (mut seed, mut gone) = (1_000 * (round + 1), HashSet::new());
        let walked = walk::<R>(app, access, &selection, shape, async || {
            seed += 1;
            // Fewer come than are read, so that it ends.
            maker.add(seed, usize::from(seed % 2 == 0)).await;
            gone.extend(maker.remove(seed).await);
        });
        let walked = ids(&walked.await);
        let once: HashSet<Uuid> = walked.iter().copied().collect();
        assert_eq!(once.len(), walked.len(), "{} repeats {:?}", R::NAME, selection.sort);
        let stayed: HashSet<Uuid> = before.difference(&gone).copied().collect();
        let lost: Vec<&Uuid> = stayed.difference(&once).collect();
        assert!(lost.is_empty(), "{} loses {lost:?} {:?}", R::NAME, selection.sort);
    }
}

#[test]
fn pages_lose_and_repeat_nothing_while_rows_come_and_go() {
    test(async |app| {
        let (_, access) = organization(app, "acme").await;
        each_list!(coming_and_going(app, &access));
    });
}

#[test]
fn an_order_by_too_many_fields_or_by_one_twice_is_refused() {
    use queries::orders::OrderRow;
    let list = OrderRow::LIST;
    let by = |columns: &[&str]| {
        let field = |column: &&str| (list.field(column).expect("a field"), Direction::Ascending);
        Sort::by(list, &columns.iter().map(field).collect::<Vec<_>>())
    };
    let most = ["number", "reference", "status", "net", "placed_at"];
    assert_eq!(by(&most).expect("an order").fields().len(), 6, "the id decides at last");
    for (columns, telling) in [
        ([&most[..], &["changed_at"]].concat(), "6 fields"),
        (vec!["net", "status", "net"], "net is named twice"),
    ] {
        let refused = by(&columns).expect_err("a refusal");
        assert!(matches!(refused, QueryError::Invalid { field: "sort", .. }), "{refused}");
        assert!(refused.to_string().contains(telling), "{refused}");
    }
}
