//! Claims about keys: master keys can be exchanged while everything runs, and without one nothing
//! personal is said, while everything else goes on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use commands::contacts::add::AddContact;
use commands::contacts::change::ChangeContact;
use commands::contacts::erase::EraseContact;
use commands::{CommandError, Executor, ExecutorLimits};
use events::contacts::ContactId;
use events::log::{Log, LogId, LogLimits};
use events::personal::{KEY_BYTES, Masters, Source, Vault, VaultError, VaultLimits};
use gateway::master_keys::fresh_keys;
use harness::{Desk, TestApp, schema_of, test};
use projections::watermarks::Watermarks;
use tokio_util::sync::CancellationToken;
use workers::projector::{Projector, ProjectorLimits};

async fn vault(app: &TestApp, masters: Source, limits: VaultLimits) -> Vault {
    let log = Log::open(&app.database.config, LogId::default(), LogLimits::default()).await;
    Vault::new(log.unwrap(), masters, fresh_keys(), limits)
}

/// The same desk, in a process that has these master keys and keeps no key in memory.
async fn elsewhere(app: &TestApp, desk: &Desk, masters: Source) -> (Desk, Vault) {
    let nothing = VaultLimits {
        kept_keys_wait_max: Duration::ZERO,
        rotation_keys_max: 7,
        ..VaultLimits::default()
    };
    let vault = vault(app, masters, nothing).await;
    let executor = Executor::start(vault.log().clone(), ExecutorLimits::default());
    (Desk { executor: executor.with_vault(vault.clone()), ..desk.clone() }, vault)
}

fn contact(customer: events::customers::CustomerId, name: &str) -> AddContact {
    AddContact {
        customer_id: customer,
        name: name.to_owned(),
        email: None,
        phone: None,
        address: None,
        role: None,
    }
}

fn renamed(contact_id: ContactId) -> ChangeContact {
    ChangeContact {
        contact_id,
        name: Some("Anna Berg".to_owned()),
        email: None,
        phone: None,
        address: None,
        role: None,
    }
}

/// How many keys each master key wraps.
async fn wrapped_by(app: &TestApp) -> Vec<(String, i64)> {
    let counts = "select master, count(*) from log.person_keys where wrapped is not null \
        group by master order by master";
    let rows = app.database.connect().await.query(counts, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn the_master_key_is_exchanged_while_contacts_are_added_and_changed() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer = desk.customer("Bolt & Co").await;
        let old = Masters::default().with_new([1; KEY_BYTES]);
        let new = old.clone().with_new([2; KEY_BYTES]);
        let alone = Masters::default().with_new([2; KEY_BYTES]);
        let current = Arc::new(Mutex::new(old.clone()));
        let read = current.clone();
        let source: Source = Arc::new(move || Ok(read.lock().unwrap().clone()));
        let (busy, _) = elsewhere(app, &desk, source.clone()).await;
        let mut contacts = Vec::new();
        for _ in 0..30 {
            contacts.push(ContactId(busy.run(contact(customer, "Anna Quaas")).await.id));
        }
        let name = |masters: &Masters| masters.ids().next().unwrap().to_owned();
        assert_eq!(wrapped_by(app).await, [(name(&old), 31)], "with the log's own key");
        let (_, rotating) = elsewhere(app, &desk, source).await;
        let working = async {
            for round in 0..60 {
                if round % 3 == 0 {
                    contacts.push(ContactId(busy.run(contact(customer, "Bert")).await.id));
                }
                busy.run(renamed(contacts[round % contacts.len()])).await;
            }
        };
        let exchanging = async {
            *current.lock().unwrap() = new.clone();
            rotating.rotate(|_| ()).await.unwrap()
        };
        let ((), rotated) = tokio::join!(working, exchanging);
        assert!(rotated.keys >= 31, "{rotated:?}");
        // Whoever made a key with the old one while it was exchanged is found by a second look.
        rotating.rotate(|_| ()).await.unwrap();
        assert_eq!(wrapped_by(app).await, [(name(&new), 51)]);
        *current.lock().unwrap() = alone;
        for contact in contacts {
            busy.run(renamed(contact)).await;
        }
    });
}

#[test]
fn without_the_master_key_nothing_personal_is_said_and_the_rest_goes_on() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer = desk.customer("Bolt & Co").await;
        let anna = ContactId(desk.run(contact(customer, "Anna Quaas")).await.id);
        let none: Source = Arc::new(|| Ok(Masters::default()));
        let (poor, _) = elsewhere(app, &desk, none).await;
        let refused = poor.attempt(contact(customer, "Bert")).await;
        assert!(matches!(&refused, Err(CommandError::Vault(VaultError::NoMaster))), "{refused:?}");
        poor.customer("Other").await;
        let other: Source = Arc::new(|| Ok(Masters::default().with_new([9; KEY_BYTES])));
        let (foreign, _) = elsewhere(app, &desk, other).await;
        let refused = foreign.attempt(renamed(anna)).await;
        let told = format!("{:?}", refused.as_ref().err());
        assert!(told.contains("not configured") || told.contains("UnknownMaster"), "{told}");
        let broken: Source = Arc::new(|| Err("no such file".to_owned()));
        let (lost, _) = elsewhere(app, &desk, broken).await;
        let refused = lost.attempt(contact(customer, "Bert")).await;
        assert!(matches!(refused, Err(CommandError::Vault(VaultError::Source(_)))));
        desk.run(renamed(anna)).await;
        lost.run(EraseContact { contact_id: anna, reason: "request 17".to_owned() }).await;
    });
}

#[test]
fn a_worker_without_the_master_key_leaves_contacts_to_those_who_have_it() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer = desk.customer("Bolt & Co").await;
        let other: Source = Arc::new(|| Ok(Masters::default().with_new([9; KEY_BYTES])));
        let vault = vault(app, other, VaultLimits::default()).await;
        let names = projections::all().into_iter().map(|projection| projection.name());
        let watermarks = Watermarks::new(names);
        let limits = ProjectorLimits {
            page_facts_max: 100,
            hot_records_max: 10,
            pause_max: Duration::from_millis(100),
            ..ProjectorLimits::default()
        };
        app.settled().await;
        let database = app.database.config.clone();
        let projector = Projector::prepare(vault, database, watermarks.clone(), limits).await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(projector.unwrap().run(stop.clone()));
        let client = app.database.connect().await;
        let shared = "select count(distinct worker) from projections.parts as p \
            join projections.builds as b using (build) where b.name = 'contacts'";
        until(async || client.query_one(shared, &[]).await.unwrap().get::<_, i64>(0) == 2).await;
        let mut mark = watermarks.watch("contacts").unwrap();
        for number in 0..20 {
            desk.run(contact(customer, &format!("Anna {number}"))).await;
        }
        app.settled().await;
        let stopped = mark.wait_for(|mark| mark.stopped.is_some());
        let stopped = tokio::time::timeout(Duration::from_secs(30), stopped).await.unwrap();
        let why = stopped.unwrap().stopped.clone().unwrap_or_default();
        assert!(why.contains("not configured"), "{why}");
        let rows = "select count(*) from read.contacts where name like 'Anna %'";
        assert_eq!(client.query_one(rows, &[]).await.unwrap().get::<_, i64>(0), 20);
        let able = "select count(*) from projections.workers where $1 = any(knows)";
        let known = schema_of("contacts");
        assert_eq!(client.query_one(able, &[&known]).await.unwrap().get::<_, i64>(0), 1);
        stop.cancel();
        task.await.unwrap();
    });
}

/// Waits until it is so.
async fn until(so: impl AsyncFn() -> bool) {
    let began = std::time::Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not become so");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
