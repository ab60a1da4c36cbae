//! Claims about what is kept, and when it is not told any more.

use events::words::{Actor, OrganizationId};
use projections::watermarks::changes::Change;

use super::*;

const ORGANIZATION: Uuid = Uuid::from_u128(1);
const ID: Uuid = Uuid::from_u128(7);

fn cache() -> Cache {
    Cache::new(1 << 20, ["orders", "stock"])
}

fn change(organization: u128, id: Uuid) -> Changed {
    let organization = Uuid::from_u128(organization);
    Changed::of(vec![Change { organization, id, position: Position(5) }])
}

fn keep(cache: &Cache, value: &str) {
    let shelf = cache.shelf("orders", Part::Row).unwrap();
    keep_by(cache, &shelf.ticket(), value);
}

fn keep_by(cache: &Cache, ticket: &Ticket, value: &str) {
    let shelf = cache.shelf("orders", Part::Row).unwrap();
    shelf.keep(ticket, (ORGANIZATION, ID), (Some(Arc::new(value.to_owned())), 10));
}

fn known(cache: &Cache) -> Option<String> {
    let shelf = cache.shelf("orders", Part::Row).unwrap();
    let (mut found, _) = shelf.look::<String>(ORGANIZATION, &[ID]);
    found.remove(&ID).map(|known| (*known).clone())
}

#[test]
fn what_is_kept_is_found_until_it_changes() {
    let cache = cache();
    keep(&cache, "placed");
    assert_eq!(known(&cache).as_deref(), Some("placed"));
    cache.changed("orders", &change(1, Uuid::from_u128(8)), None);
    cache.changed("orders", &change(2, ID), None);
    cache.changed("stock", &change(1, ID), None);
    assert_eq!(known(&cache).as_deref(), Some("placed"), "others changed");
    cache.changed("orders", &change(1, ID), None);
    assert_eq!(known(&cache), None);
    keep(&cache, "cancelled");
    cache.changed("orders", &Changed::Everything, None);
    assert_eq!(known(&cache), None);
    keep(&cache, "cancelled");
    cache.forgotten();
    assert_eq!(known(&cache), None);
}

#[test]
fn child_rows_change_with_their_record() {
    let cache = cache();
    let shelf = cache.shelf("orders", Part::Children).unwrap();
    shelf.keep(&shelf.ticket(), (ORGANIZATION, ID), (Some(Arc::new(vec![1])), 10));
    assert!(shelf.look::<Vec<i32>>(ORGANIZATION, &[ID]).1.is_empty());
    cache.changed("orders", &change(1, ID), None);
    assert_eq!(shelf.look::<Vec<i32>>(ORGANIZATION, &[ID]).1, [ID]);
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    for changed in [change(1, ID), Changed::Everything] {
        let cache = cache();
        let ticket = cache.shelf("orders", Part::Row).unwrap().ticket();
        cache.changed("orders", &changed, None);
        keep_by(&cache, &ticket, "old");
        assert_eq!(known(&cache), None);
    }
    let cache = cache();
    let ticket = cache.shelf("orders", Part::Row).unwrap().ticket();
    cache.forgotten();
    keep_by(&cache, &ticket, "old");
    assert_eq!(known(&cache), None);
}

#[test]
fn nothing_is_found_while_somebody_has_seen_more_than_was_told() {
    let cache = cache();
    keep(&cache, "placed");
    cache.saw("orders", 9);
    assert_eq!(known(&cache), None);
    cache.changed("orders", &Changed::NOTHING, Some(Position(8)));
    assert_eq!(known(&cache), None);
    cache.changed("orders", &Changed::NOTHING, Some(Position(9)));
    assert_eq!(known(&cache).as_deref(), Some("placed"));
}

#[test]
fn that_there_is_no_such_record_is_known_until_there_is_one() {
    let cache = cache();
    let shelf = cache.shelf("orders", Part::Row).unwrap();
    shelf.keep::<String>(&shelf.ticket(), (ORGANIZATION, ID), (None, 0));
    assert!(shelf.look::<String>(ORGANIZATION, &[ID]).1.is_empty());
    cache.changed("orders", &change(1, ID), None);
    assert_eq!(shelf.look::<String>(ORGANIZATION, &[ID]).1, [ID]);
}

fn count_key(organization: u128) -> CountKey {
    let organization = OrganizationId(Uuid::from_u128(organization));
    let access = Access { organization, actor: Actor::Administrator, as_of: None };
    CountKey { access, read_model: "orders", filter: b"placed".to_vec() }
}

#[test]
fn a_count_holds_until_a_row_of_its_organization_changes() {
    let (cache, reads) = (cache(), ["orders", "stock"]);
    let keep = |organization: u128, count: i64| {
        let ticket = cache.ticket(&reads);
        cache.keep_count(&count_key(organization), &reads, ticket, count);
    };
    let known = |organization: u128| cache.count(&count_key(organization), &reads);
    for changed in [change(1, ID), Changed::Everything] {
        for read_model in reads {
            keep(1, 3);
            assert_eq!((known(1), known(3)), (Some(3), None));
            cache.changed(read_model, &change(2, ID), None);
            assert_eq!(known(1), Some(3), "of another organization");
            cache.changed(read_model, &changed, None);
            assert_eq!(known(1), None, "{read_model}");
        }
    }
    keep(1, 3);
    cache.saw("stock", 9);
    assert_eq!(known(1), None, "somebody has seen more");
    let ticket = cache.ticket(&reads);
    cache.changed("stock", &change(1, ID), Some(Position(9)));
    cache.keep_count(&count_key(1), &reads, ticket, 4);
    assert_eq!(known(1), None, "it was counted before the change");
}

#[test]
fn of_more_organizations_than_are_noted_all_have_changed() {
    let (cache, reads) = (cache(), ["orders"]);
    cache.keep_count(&count_key(1), &reads, cache.ticket(&reads), 3);
    for number in 0..ORGANIZATIONS_MAX {
        cache.changed("orders", &change(10 + number as u128, ID), None);
    }
    assert_eq!(cache.count(&count_key(1), &reads), Some(3));
    cache.changed("orders", &change(2, ID), None);
    assert_eq!(cache.count(&count_key(1), &reads), None);
    cache.keep_count(&count_key(1), &reads, cache.ticket(&reads), 3);
    assert_eq!(cache.count(&count_key(1), &reads), Some(3));
}

#[test]
fn with_no_bytes_nothing_is_kept() {
    let cache = Cache::new(0, ["orders"]);
    assert!(cache.shelf("orders", Part::Row).is_none());
    let reads = ["orders"];
    cache.keep_count(&count_key(1), &reads, cache.ticket(&reads), 3);
    assert_eq!((cache.count(&count_key(1), &reads), cache.bytes()), (None, 0));
}
