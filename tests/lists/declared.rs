//! Claims about what lists declare: it is what the tables hold, and each field has an index.

use harness::test;
use queries::fields::{Field, Kind};

use super::rows::table;
use super::{all, organization};

fn sort(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Id => &["uuid"],
        Kind::Text | Kind::Word(_) => &["text"],
        Kind::Truth => &["boolean"],
        Kind::Whole => &["smallint", "integer", "bigint"],
        Kind::Number => &["numeric"],
        Kind::Day => &["date"],
        Kind::Time => &["timestamp with time zone"],
    }
}

#[test]
fn fields_are_of_the_kind_that_their_columns_have() {
    test(async |app| {
        organization(app, "acme").await;
        let client = app.database.connect().await;
        for list in all() {
            let table = table(&client, list).await;
            let fields = [list.fields, list.sums, list.groups].concat_refs();
            for field in fields {
                let column = "select format_type(atttypid, null), attnotnull from pg_attribute \
                    where attrelid = $1::text::regclass and attname = $2";
                let row = client.query_one(column, &[&table, &field.column]).await;
                let row = row.unwrap_or_else(|_| panic!("{table} has no {}", field.column));
                let (found, needed): (String, bool) = (row.get(0), row.get(1));
                assert!(sort(field.kind).contains(&found.as_str()), "{table} {field:?}: {found}");
                assert_eq!(field.nullable, !needed, "{table} {field:?}");
            }
        }
    });
}

#[test]
fn every_field_has_an_index_in_its_order_unless_it_says_that_it_has_none() {
    test(async |app| {
        organization(app, "acme").await;
        let client = app.database.connect().await;
        for list in all() {
            let table = table(&client, list).await;
            let indexes = "select pg_get_indexdef(indexrelid, 2, true), \
                pg_get_indexdef(indexrelid) from pg_index \
                where indrelid = $1::text::regclass and pg_get_indexdef(indexrelid, 1, true) \
                = 'organization_id'";
            let indexes = client.query(indexes, &[&table]).await.expect("the indexes");
            for field in list.fields {
                let column = match field.folded {
                    true => format!("lower({} COLLATE \"C\")", field.column),
                    false => field.column.to_owned(),
                };
                let text = matches!(field.kind, Kind::Text | Kind::Word(_));
                let found = indexes.iter().any(|index| {
                    let (second, whole): (String, String) = (index.get(0), index.get(1));
                    let ordered = format!("{} COLLATE \"C\"", field.column);
                    second.contains(&column) && (!text || whole.contains(&ordered))
                });
                assert_eq!(found, !field.scanned, "{table} {}: {indexes:?}", field.column);
            }
        }
    });
}

trait Refs<T: 'static> {
    fn concat_refs(self) -> Vec<&'static T>;
}

impl<const N: usize> Refs<Field> for [&'static [Field]; N] {
    fn concat_refs(self) -> Vec<&'static Field> {
        self.into_iter().flatten().collect()
    }
}
