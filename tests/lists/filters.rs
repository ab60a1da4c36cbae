//! Claims about filters: in SQL they mean what they mean in memory, whatever stands in the rows and
//! whatever is asked.

use events::access::Access;
use harness::{Dice, TestApp, test};
use queries::fields::{Field, Kind, Listed};
use queries::filter::{Filter, Test, Value};
use queries::{QueryError, Seen};
use uuid::Uuid;

use super::rows::{TEXTS, fill, value};
use super::{each_list, id, listed, organization};

/// Every test that can be asked of a field, with values by chance.
pub(super) fn tests(dice: &mut Dice, field: &Field) -> Vec<Test> {
    let mut one = || value(dice, field.kind);
    let mut tests = vec![
        Test::Eq(one()),
        Test::Ne(one()),
        Test::In(vec![]),
        Test::In(vec![one(), one(), one()]),
        Test::IsNull(true),
        Test::IsNull(false),
    ];
    let ordered = !matches!(field.kind, Kind::Id | Kind::Word(_) | Kind::Truth);
    if ordered {
        tests.extend([Test::Lt(one()), Test::Lte(one()), Test::Gt(one()), Test::Gte(one())]);
    }
    if field.kind == Kind::Text {
        let mut part = || match value(dice, Kind::Text) {
            Value::Text(text) => text,
            _ => String::new(),
        };
        tests.extend([Test::Contains(part()), Test::StartsWith(part())]);
    }
    tests
}

async fn agrees<R: Listed>(app: &TestApp, access: &Access, rows: &[Seen<R>], filter: Filter) {
    let fits = |row: &&Seen<R>| filter.fits::<R>(row);
    let expected: Vec<Uuid> = rows.iter().filter(fits).map(|row| id::<R>(row)).collect();
    let found = listed::<R>(&app.parts.reader, access, filter.clone()).await;
    let found: Vec<Uuid> = found.iter().map(|row| id::<R>(row)).collect();
    assert_eq!(found, expected, "{} {filter:?}", R::NAME);
}

async fn every_test<R: Listed>(app: &TestApp, access: &Access) {
    fill(app, access, R::LIST, 1, 60).await;
    let rows = listed::<R>(&app.parts.reader, access, Filter::all()).await;
    assert!(rows.len() >= 5, "{} of {}", rows.len(), R::NAME);
    let mut dice = Dice::of(2);
    for field in R::LIST.fields {
        for _ in 0..6 {
            for test in tests(&mut dice, field) {
                let one = Filter::Field(field, test);
                agrees::<R>(app, access, &rows, Filter::Not(Box::new(one.clone()))).await;
                agrees::<R>(app, access, &rows, one).await;
            }
        }
    }
}

#[test]
fn every_test_of_every_field_means_the_same_in_sql_and_in_memory() {
    test(async |app| {
        let (_, access) = organization(app, "acme").await;
        each_list!(every_test(app, &access));
    });
}

fn tree<R: Listed>(dice: &mut Dice, depth: usize) -> Filter {
    let several = |dice: &mut Dice| {
        let count = dice.below(4);
        (0..count).map(|_| tree::<R>(dice, depth - 1)).collect()
    };
    match dice.below(if depth == 0 { 1 } else { 5 }) {
        1 => Filter::All(several(dice)),
        2 => Filter::Any(several(dice)),
        3 => Filter::Not(Box::new(tree::<R>(dice, depth - 1))),
        _ => {
            let field = &R::LIST.fields[dice.below(R::LIST.fields.len())];
            let mut tests = tests(dice, field);
            Filter::Field(field, tests.swap_remove(dice.below(tests.len())))
        }
    }
}

async fn every_tree<R: Listed>(app: &TestApp, access: &Access) {
    fill(app, access, R::LIST, 3, 60).await;
    let rows = listed::<R>(&app.parts.reader, access, Filter::all()).await;
    let mut dice = Dice::of(4);
    let mut some = 0;
    for _ in 0..150 {
        let filter = tree::<R>(&mut dice, 3);
        let fit = rows.iter().filter(|row| filter.fits::<R>(row)).count();
        some += usize::from(fit > 0 && fit < rows.len());
        agrees::<R>(app, access, &rows, filter).await;
    }
    assert!(some > 30, "of {} only {some} filters told rows apart", R::NAME);
}

#[test]
fn whatever_is_joined_and_negated_means_the_same_in_sql_and_in_memory() {
    test(async |app| {
        let (_, access) = organization(app, "acme").await;
        each_list!(every_tree(app, &access));
    });
}

#[test]
fn any_part_and_any_beginning_of_a_text_is_found_and_nothing_is_a_wildcard() {
    test(async |app| {
        use queries::customers::CustomerRow;
        let (_, access) = organization(app, "acme").await;
        fill(app, &access, CustomerRow::LIST, 5, 80).await;
        let rows = listed::<CustomerRow>(&app.parts.reader, &access, Filter::all()).await;
        let name = CustomerRow::LIST.field("name").expect("a field");
        for text in TEXTS {
            for (end, letter) in text.char_indices() {
                for part in [&text[end..], &text[..end], &text[end..end + letter.len_utf8()]] {
                    for test in [Test::Contains(part.into()), Test::StartsWith(part.into())] {
                        let filter = Filter::Field(name, test);
                        agrees::<CustomerRow>(app, &access, &rows, filter).await;
                    }
                }
            }
        }
    });
}

async fn other_organizations<R: Listed>(app: &TestApp, [one, other]: [&Access; 2]) {
    fill(app, one, R::LIST, 6, 20).await;
    fill(app, other, R::LIST, 7, 20).await;
    let own = listed::<R>(&app.parts.reader, one, Filter::all()).await;
    let ids: Vec<Uuid> = own.iter().map(|row| id::<R>(row)).collect();
    assert!(!own.is_empty());
    for filter in [
        Filter::Any(vec![Filter::all(), Filter::Not(Box::new(Filter::all()))]),
        Filter::Not(Box::new(Filter::Any(vec![]))),
        Filter::Not(Box::new(Filter::Field(R::LIST.id(), Test::In(vec![])))),
    ] {
        let found = listed::<R>(&app.parts.reader, one, filter.clone()).await;
        assert_eq!(found.iter().map(|row| id::<R>(row)).collect::<Vec<_>>(), ids);
        let count = app.parts.reader.count(one, R::LIST, &filter).await;
        assert_eq!(count.expect("a count"), ids.len() as i64);
    }
    let theirs = listed::<R>(&app.parts.reader, other, Filter::all()).await;
    let theirs = theirs.iter().map(|row| Value::Id(id::<R>(row))).collect();
    let theirs = Filter::Field(R::LIST.id(), Test::In(theirs));
    assert!(listed::<R>(&app.parts.reader, one, theirs).await.is_empty(), "{}", R::NAME);
}

#[test]
fn no_filter_lets_another_organizations_records_through() {
    test(async |app| {
        let (_, acme) = organization(app, "acme").await;
        let (_, beta) = organization(app, "beta").await;
        each_list!(other_organizations(app, [&acme, &beta]));
    });
}

#[test]
fn a_filter_that_is_too_much_or_of_another_kind_is_refused() {
    test(async |app| {
        use queries::orders::OrderRow;
        let (_, access) = organization(app, "acme").await;
        let list = OrderRow::LIST;
        let field = |column| list.field(column).expect("a field");
        let id = || Value::Id(Uuid::nil());
        let year = |year| chrono::NaiveDate::from_ymd_opt(year, 1, 1).expect("a day");
        for (filter, telling) in [
            (Filter::Any(vec![Filter::all(); 100]), "more than 100 conditions"),
            (Filter::Field(field("order_id"), Test::In(vec![id(); 1_001])), "1001 values"),
            (Filter::Field(field("net"), Test::Eq(id())), "not of its kind"),
            (Filter::Field(field("net"), Test::Contains("1".into())), "no text"),
            (Filter::Field(field("business_date"), Test::Lt(Value::Day(year(0)))), "the year"),
            (Filter::Field(field("business_date"), Test::Lt(Value::Day(year(10_000)))), "the year"),
        ] {
            let refused = app.parts.reader.count(&access, list, &filter).await;
            let refused = refused.expect_err("a refusal");
            assert!(matches!(refused, QueryError::Invalid { field: "filter", .. }), "{refused}");
            assert!(refused.to_string().contains(telling), "{refused}");
        }
    });
}
