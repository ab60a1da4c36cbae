//! Rows that nobody's facts made, by the types of their columns: ids, words and texts of small
//! pools, so that they are often equal, and texts that are hard to get right.

use events::access::Access;
use harness::Dice;
use harness::TestApp;
use queries::fields::{Field, Kind, List};
use queries::filter::Value;
use tokio_postgres::Client;
use uuid::Uuid;

/// Texts: unlike by capitals, accents, quotes, wildcards, and where letters are written from the
/// right, of several code points, or beyond the first plane.
pub(super) const TEXTS: [&str; 18] = [
    "",
    "a",
    "A",
    "ab",
    "a%",
    "a_b",
    "a\\b",
    "O'Hara \"&\" Söhne",
    "o'hara",
    "Ärger",
    "ärger",
    "A\u{308}rger",
    "Zürich",
    "شركة",
    "東京",
    "👩‍🔧",
    "a\u{1}",
    "\u{10ffff}",
];

/// Texts to ask for that no row has.
const OTHERS: [&str; 6] = ["b", "%", "a\0b", "\0", "' or true --", "\u{d7ff}"];

const NUMBERS: [&str; 7] =
    ["-1.5", "0", "0.00", "1", "1.0", "2.50", "79228162514264337593543950335"];

const DAYS: [&str; 5] = ["2026-01-31", "2026-02-01", "2026-03-29", "2026-12-31", "2027-01-01"];

/// Around the changes of the clock in Zurich, and exact to the microsecond.
const TIMES: [&str; 6] = [
    "2026-01-31T22:59:59.999999Z",
    "2026-01-31T23:00:00Z",
    "2026-03-29T00:30:00Z",
    "2026-03-29T01:00:00.000001Z",
    "2026-10-25T01:00:00Z",
    "2026-12-31T23:30:00Z",
];

fn ids() -> [Uuid; 5] {
    [0, 1, 2, 3, u128::MAX].map(Uuid::from_u128)
}

/// A value that may stand in a field of this kind, or be asked for.
pub(super) fn value(dice: &mut Dice, kind: Kind) -> Value {
    match kind {
        Kind::Id => Value::Id(dice.pick(&ids())),
        Kind::Text => {
            let other = dice.chance(30);
            Value::Text(if other { dice.pick(&OTHERS) } else { dice.pick(&TEXTS) }.to_owned())
        }
        Kind::Word(words) => Value::Text(dice.pick(words).to_owned()),
        Kind::Truth => Value::Truth(dice.chance(50)),
        Kind::Whole => Value::Whole(dice.pick(&[i64::MIN, -1, 0, 1, 2, i64::MAX])),
        Kind::Number => Value::Number(dice.pick(&NUMBERS).parse().expect("a number")),
        Kind::Day => Value::Day(dice.pick(&DAYS).parse().expect("a day")),
        Kind::Time => Value::time(dice.pick(&TIMES).parse().expect("a time")),
    }
}

/// The table that a list's view shows.
pub(super) async fn table(client: &Client, list: &List) -> String {
    let live = "select schema from projections.builds where name = $1 and state = 'live'";
    let row = client.query_one(live, &[&list.table]).await.expect("the live build");
    format!("{}.{}", row.get::<_, String>(0), list.table)
}

/// Makes up rows of a list, and puts them where its own stand.
pub(super) struct Maker {
    client: Client,
    table: String,
    list: &'static List,
    organization: Uuid,
    /// The columns: name, type, whether it has to hold something.
    columns: Vec<(String, String, bool)>,
}

impl Maker {
    pub(super) async fn of(app: &TestApp, access: &Access, list: &'static List) -> Self {
        let client = app.database.connect().await;
        let table = table(&client, list).await;
        let columns = "select attname::text, format_type(atttypid, null), attnotnull \
            from pg_attribute where attrelid = $1::text::regclass and attnum > 0 \
            and not attisdropped and attgenerated = '' order by attnum";
        let columns = client.query(columns, &[&table]).await.expect("the columns");
        let columns = columns.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        Self { client, table, list, organization: access.organization.0, columns }
    }

    /// So many more.
    pub(super) async fn add(&self, seed: u64, count: usize) {
        let mut dice = Dice::of(seed);
        let names: Vec<&str> = self.columns.iter().map(|(name, ..)| name.as_str()).collect();
        let (table, names) = (&self.table, names.join(", "));
        let mut inserts = String::new();
        for _ in 0..count {
            let values = self.columns.iter().map(|column| self.literal(&mut dice, column));
            let values = values.collect::<Vec<_>>().join(", ");
            inserts.push_str(&format!(
                "insert into {table} ({names}) values ({values}) on conflict do nothing;"
            ));
        }
        let added = self.client.batch_execute(&inserts).await;
        added.unwrap_or_else(|error| panic!("{inserts}: {error}"));
    }

    /// Takes one away; which.
    pub(super) async fn remove(&self, seed: u64) -> Option<Uuid> {
        let remove = format!(
            "delete from {table} where {id} = (select {id} from {table} \
             order by md5({id}::text || $1) limit 1) returning {id}",
            table = self.table,
            id = self.list.id().column
        );
        let removed = self.client.query(&remove, &[&seed.to_string()]).await.expect("removing");
        removed.first().map(|row| row.get(0))
    }

    fn literal(&self, dice: &mut Dice, (name, sort, needed): &(String, String, bool)) -> String {
        if name == "organization_id" {
            return format!("'{}'", self.organization);
        }
        if name == self.list.id().column {
            // Equal in its first half, so that the whole of it decides.
            let (high, low) = (dice.below(3) as u128, dice.between(0, u64::MAX));
            return format!("'{}'", Uuid::from_u128(high << 64 | u128::from(low)));
        }
        if !needed && dice.chance(30) {
            return "null".to_owned();
        }
        literal(dice, sort, self.list.field(name))
    }
}

/// Makes up so many rows of a list.
pub(super) async fn fill(
    app: &TestApp,
    access: &Access,
    list: &'static List,
    seed: u64,
    count: usize,
) {
    Maker::of(app, access, list).await.add(seed, count).await;
}

fn literal(dice: &mut Dice, sort: &str, field: Option<&Field>) -> String {
    let text = |text: &str| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    match (field.map(|field| field.kind), sort) {
        (Some(Kind::Word(words)), _) => text(dice.pick(words)),
        // What is said of which unit and currency: two, so that groups have several records.
        (None, "text") => text(dice.pick(&["EUR", "CHF"])),
        (_, "text") => text(dice.pick(&TEXTS)),
        (_, "uuid") => format!("'{}'", dice.pick(&ids())),
        (_, "boolean") => dice.chance(50).to_string(),
        (_, "numeric") => dice.pick(&NUMBERS[..6]).to_owned(),
        (_, "date") => format!("'{}'", dice.pick(&DAYS)),
        (_, "timestamp with time zone") => format!("'{}'", dice.pick(&TIMES)),
        (_, "jsonb") => "'{}'".to_owned(),
        (_, "tsvector") => "''".to_owned(),
        (_, "smallint" | "integer" | "bigint") => dice.below(5).to_string(),
        (_, other) => panic!("what stands in a column of the type {other}?"),
    }
}
