//! Claims after any history, and about the logs of all steps: a record as of each past position is
//! what a log that was cut there makes of it. Histories are random; a cut log is another database.

use std::collections::BTreeMap;

use commands::contacts::add::AddContact;
use commands::contacts::erase::EraseContact;
use commands::contacts::merge::MergeContacts;
use events::Recorded;
use events::contacts::ContactId;
use events::words::{OrganizationId, Position};
use gateway::config::Config as Settings;
use gateway::position;
use harness::{Desk, Dice, TestApp, TestDatabase, test};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use queries::as_of::AsOf;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use uuid::Uuid;

use super::cards::cards;
use super::folding::{folded, read};
use super::{access, facts, streams};
use crate::contracts::frozen;
use crate::folds::history;

const HISTORIES: u32 = 3;
/// Places where each history's log is cut, beside its end.
const CUTS: usize = 2;

#[test]
fn after_any_history_a_record_as_of_a_position_is_what_a_log_cut_there_makes_of_it() {
    test(async |app| {
        let config = Config {
            cases: HISTORIES,
            max_shrink_iters: 20,
            failure_persistence: None,
            ..Config::default()
        };
        let strategy = (history::histories(), prop::collection::vec(any::<Index>(), CUTS));
        let number = std::cell::Cell::new(0);
        let handle = Handle::current();
        let outcome = block_in_place(|| {
            TestRunner::new(config).run(&strategy, |(steps, cuts)| {
                number.set(number.get() + 1);
                let slug = format!("shop-{}", number.get());
                handle.block_on(async {
                    let before = app.parts.log.head().await.expect("the head").0;
                    let desk = Desk::open(app, &slug).await;
                    history::play(&desk, &steps).await;
                    persons(&desk).await;
                    let head = app.settled().await.0;
                    let cuts = cuts.iter().map(|cut| cut.index((head - before) as usize) as i64);
                    for cut in cuts.map(|cut| before + 1 + cut).chain([head]) {
                        cut_there(app, &slug, Position(cut)).await.map_err(TestCaseError::fail)?;
                    }
                    at_each_position(app, before).await.map_err(TestCaseError::fail)
                })
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Contacts that are added, merged and erased.
async fn persons(desk: &Desk) {
    let customer_id = desk.customer("Persons & Co").await;
    let add = |name: &str, phone: Option<&str>| AddContact {
        customer_id,
        name: name.to_owned(),
        email: None,
        phone: phone.map(str::to_owned),
        address: None,
        role: Some("purchasing".to_owned()),
    };
    let of = |outcome: commands::Outcome| ContactId(outcome.id);
    let kept = of(desk.run(add("Anna Quaas", None)).await);
    let duplicate = of(desk.run(add("A. Quaas", Some("+41 44 000 00 00"))).await);
    let gone = of(desk.run(add("Zoë Weg", Some("+41 44 000 00 01"))).await);
    desk.run(MergeContacts { contact_id: kept, duplicate_id: duplicate }).await;
    desk.run(EraseContact { contact_id: gone, reason: "request 17".to_owned() }).await;
}

/// Every record of an organization as GraphQL shows it as of a position, and as it shows it where
/// the log ends there.
async fn cut_there(app: &TestApp, slug: &str, at: Position) -> Result<(), String> {
    let facts = facts(app).await;
    let organization = OrganizationId::of_slug(slug).0;
    let streams = streams(&facts);
    let records = || {
        let own = streams.keys().filter(|(of, ..)| *of == organization);
        own.map(|(_, feature, id)| (*feature, *id))
    };
    let as_of = json!({ "position": position::encode(at) });
    let then = cards(app, slug, records(), Some(as_of)).await;
    let cut = TestApp::start(Settings::default()).await;
    copy_keys(&app.database, &cut.database).await;
    let raw = crate::log::everything(&app.parts.log).await;
    let kept = raw.into_iter().filter(|raw| raw.position <= at).map(frozen::Frozen::from);
    frozen::insert(&cut.database, &kept.collect::<Vec<_>>()).await;
    cut.settled().await;
    let expected = cards(&cut, slug, records(), None).await;
    cut.finish().await;
    let there = expected.values().filter(|card| has_record(card)).count();
    if there == 0 && at.0 as usize == facts.len() {
        return Err(format!("nothing is there at the end, {at:?}: nothing is compared"));
    }
    unlike(&then, &expected).map_or(Ok(()), |what| Err(format!("as of {at:?}: {what}")))
}

fn has_record(card: &Value) -> bool {
    card.as_object()
        .is_some_and(|all| all.iter().any(|(n, v)| n != "organization" && v.is_object()))
}

fn unlike(
    found: &BTreeMap<(String, Uuid), Value>,
    expected: &BTreeMap<(String, Uuid), Value>,
) -> Option<String> {
    assert_eq!(found.len(), expected.len());
    let differ = found.iter().find(|(key, card)| expected.get(key) != Some(card));
    differ.map(|(key, card)| format!("{key:?}: {card} is not {:?}", expected.get(key)))
}

/// Persons' keys as they are: of who is erased, none.
async fn copy_keys(from: &TestDatabase, to: &TestDatabase) {
    let keys = "select organization_id, person_id, master, wrapped, erased_at from log.person_keys";
    let copied = "insert into log.person_keys \
        (organization_id, person_id, master, wrapped, erased_at) values ($1, $2, $3, $4, $5)";
    let client = to.connect().await;
    for key in from.connect().await.query(keys, &[]).await.expect("the keys") {
        let (organization, person): (Uuid, Uuid) = (key.get(0), key.get(1));
        let (master, wrapped): (String, Option<Vec<u8>>) = (key.get(2), key.get(3));
        let erased_at: Option<chrono::DateTime<chrono::Utc>> = key.get(4);
        client
            .execute(copied, &[&organization, &person, &master, &wrapped, &erased_at])
            .await
            .expect("a key");
    }
}

/// The record of each fact before it and with it, and another record, are what the pure fold makes
/// of their facts up to there. And the moment that a fact was recorded at is the last one of then.
async fn at_each_position(app: &TestApp, after: i64) -> Result<(), String> {
    let facts = facts(app).await;
    let streams = streams(&facts);
    let keys: Vec<_> = streams.keys().copied().collect();
    let mut dice = Dice::of(after.unsigned_abs());
    for (index, fact) in facts.iter().enumerate().skip(after as usize) {
        let key = (fact.organization.0, fact.event.feature(), fact.stream_id);
        let own = streams.contains_key(&key).then_some(key);
        let other = keys[dice.below(keys.len())];
        for at in [fact.position, Position(fact.position.0 - 1)] {
            for key in own.into_iter().chain([other]) {
                as_folded(app, key, &streams[&key], at).await?;
            }
        }
        let by_then = facts[index..].iter().take_while(|f| f.recorded_at <= fact.recorded_at);
        let last = by_then.last().expect("the fact itself").position;
        let moment = app.parts.reader.moment(AsOf::Time(fact.recorded_at)).await;
        if moment.as_ref().ok() != Some(&last) {
            return Err(format!("{} is {moment:?}, not {last:?}", fact.recorded_at));
        }
    }
    Ok(())
}

async fn as_folded(
    app: &TestApp,
    (organization, feature, id): (Uuid, &str, Uuid),
    facts: &[&Recorded],
    at: Position,
) -> Result<(), String> {
    let reader = &app.parts.reader;
    let moment = reader.moment(AsOf::Position(at)).await.expect("a past position");
    let found = read(reader, &access(organization, moment), feature, id).await;
    let up_to: Vec<&Recorded> = facts.iter().copied().filter(|f| f.position <= at).collect();
    let expected = folded(feature, &up_to);
    if found == expected {
        return Ok(());
    }
    Err(format!("{feature} {id} as of {at:?}: {found} is not {expected}"))
}

#[test]
fn every_frozen_log_answers_as_of_each_of_its_positions_and_as_of_the_last_as_of_now() {
    for name in frozen::all_names() {
        let frozen_facts = frozen::frozen(&name);
        test(async |app| {
            frozen::insert_keys(&app.database, &name).await;
            frozen::insert(&app.database, &frozen_facts).await;
            let head = app.settled().await;
            let facts = facts(app).await;
            let streams = streams(&facts);
            for at in 0..=head.0 {
                for (key, facts) in &streams {
                    let told = as_folded(app, *key, facts, Position(at)).await;
                    told.unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
                }
            }
            for slug in ["acme", "bolt"] {
                let organization = OrganizationId::of_slug(slug);
                let own = streams.keys().filter(|(of, ..)| *of == organization.0);
                let records: Vec<_> = own.map(|(_, feature, id)| (*feature, *id)).collect();
                if records.is_empty() {
                    continue;
                }
                let last = json!({ "position": position::encode(head) });
                let then = cards(app, slug, records.iter().copied(), Some(last)).await;
                let now = cards(app, slug, records.iter().copied(), None).await;
                assert!(now.values().any(has_record), "{name}: nothing is compared");
                assert_eq!(unlike(&then, &now), None, "{name}");
            }
        });
    }
}
