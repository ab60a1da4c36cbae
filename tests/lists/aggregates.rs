//! Claims about what records add up to: as one adds them up by hand, in whatever groups.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use events::access::Access;
use harness::{Dice, TestApp, test, test_with};
use projections::table::Cell;
use queries::Seen;
use queries::aggregates::{Aggregation, Every, Group, Periods, Sums};
use queries::fields::{Field, Kind, Listed};
use queries::filter::{Filter, Value};
use queries::orders::OrderRow;
use rust_decimal::Decimal;

use super::rows::fill;
use super::{each_list, filters, listed, organization};

/// What tells a group apart, and what it comes to.
type Sorted = BTreeMap<(Option<NaiveDate>, Vec<String>), (i64, Vec<Sums>)>;

const ZONE: Tz = chrono_tz::Europe::Zurich;

fn period(cell: Cell<'_>, every: Every) -> NaiveDate {
    let day = match cell {
        Cell::Day(day) => day,
        Cell::Time(time) => time.with_timezone(&ZONE).date_naive(),
        other => panic!("{other:?} is no date"),
    };
    match every {
        Every::Day => day,
        Every::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
        Every::Month => day.with_day(1).expect("a day"),
    }
}

fn number(cell: Cell<'_>) -> Option<Decimal> {
    match cell {
        Cell::Number(number) => Some(number),
        Cell::Whole(number) => Some(number.into()),
        _ => None,
    }
}

fn by_hand<R: Listed>(rows: &[Seen<R>], asked: &Aggregation, keys: &[&Field]) -> Sorted {
    let cell = |row: &Seen<R>, column: &str| row.cell(column).and_then(Value::of);
    let mut groups: BTreeMap<_, Vec<&Seen<R>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| asked.filter.fits::<R>(row)) {
        let at = asked.periods.map(|Periods { field, every }| {
            period(row.cell(field.column).expect("a column"), every)
        });
        let key = keys.iter().map(|field| format!("{:?}", cell(row, field.column))).collect();
        groups.entry((at, key)).or_default().push(row);
    }
    let sums = |rows: &[&Seen<R>], field: &Field| {
        let numbers: Vec<Decimal> =
            rows.iter().filter_map(|row| row.cell(field.column).and_then(number)).collect();
        let some = (!numbers.is_empty()).then(|| numbers.iter().sum());
        Sums { sum: some, min: numbers.iter().min().copied(), max: numbers.iter().max().copied() }
    };
    let added = |rows: Vec<&Seen<R>>| {
        let sums = R::LIST.sums.iter().map(|field| sums(&rows, field)).collect();
        (rows.len() as i64, sums)
    };
    groups.into_iter().map(|(key, rows)| (key, added(rows))).collect()
}

fn sorted(groups: Vec<Group>) -> Sorted {
    let group = |group: Group| {
        let keys = group.keys.iter().map(|(_, held)| format!("{held:?}")).collect();
        ((group.period, keys), (group.count, group.sums))
    };
    groups.into_iter().map(group).collect()
}

async fn every_aggregation<R: Listed>(app: &TestApp, access: &Access) {
    fill(app, access, R::LIST, 1, 60).await;
    let rows = listed::<R>(&app.parts.reader, access, Filter::all()).await;
    let dates: Vec<&'static Field> = R::LIST
        .fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Day | Kind::Time))
        .collect();
    let mut dice = Dice::of(2);
    for _ in 0..40 {
        let field = &R::LIST.fields[dice.below(R::LIST.fields.len())];
        let mut tests = filters::tests(&mut dice, field);
        let filter = match dice.chance(50) {
            true => Filter::all(),
            false => Filter::Field(field, tests.swap_remove(dice.below(tests.len()))),
        };
        let periods = dice.chance(60).then(|| Periods {
            field: dice.pick(&dates),
            every: dice.pick(&[Every::Day, Every::Week, Every::Month]),
        });
        let groups = R::LIST.groups.iter().filter(|_| dice.chance(40)).collect();
        let asked = Aggregation { filter, periods, groups };
        let found = app.parts.reader.aggregate(access, R::LIST, &asked).await;
        let found = found.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
        let mut keys: Vec<&Field> = R::LIST.measure().into_iter().collect();
        keys.extend(asked.groups.iter().filter(|field| R::LIST.measure() != Some(field)));
        let shown: Vec<&str> = found.iter().flat_map(|g| &g.keys).map(|key| key.0).collect();
        assert!(shown.iter().zip(keys.iter().cycle()).all(|(shown, key)| *shown == key.column));
        assert_eq!(sorted(found), by_hand(&rows, &asked, &keys), "{} {asked:?}", R::NAME);
    }
}

#[test]
fn records_add_up_as_by_hand_whatever_tells_them_apart() {
    test(async |app| {
        let (_, access) = organization(app, "acme").await;
        each_list!(every_aggregation(app, &access));
    });
}

#[test]
fn more_groups_than_allowed_are_refused() {
    let mut config = gateway::config::Config::default();
    config.queries.groups_max = 3;
    test_with(config, async |app| {
        let (_, access) = organization(app, "acme").await;
        fill(app, &access, OrderRow::LIST, 1, 60).await;
        let by = |column| GROUPS.iter().find(|field| field.column == column);
        let asked = |groups| Aggregation { filter: Filter::all(), periods: None, groups };
        let reader = &app.parts.reader;
        let few = reader.aggregate(&access, OrderRow::LIST, &asked(vec![])).await;
        assert_eq!(few.expect("two currencies").len(), 2);
        let many = asked(by("customer_id").into_iter().collect());
        let refused = reader.aggregate(&access, OrderRow::LIST, &many).await;
        let refused = refused.expect_err("a refusal").to_string();
        assert!(refused.contains("more than 3 groups"), "{refused}");
    });
}

const GROUPS: &[Field] = OrderRow::LIST.groups;
