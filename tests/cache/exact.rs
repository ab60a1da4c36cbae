//! Claims about what is shown while others write: in this process, in others, over connections that
//! are cut.

use std::time::Duration;

use commands::contacts::add::AddContact;
use commands::contacts::erase::EraseContact;
use events::contacts::ContactId;
use events::log::{Append, Expected, NewFact, RawFact, StreamKey};
use gateway::config::Config;
use gateway::verbs::parts::Parts;
use harness::app::masters;
use harness::proxy::Fate;
use harness::{Desk, Proxy, Shop, TestApp, test, test_without_workers};
use serde_json::json;

use super::{Counted, access, hits};
use crate::projector::Another;
use crate::workers::{Works, shared_by};

/// How long everybody writes and reads.
const PLAY: Duration = Duration::from_secs(4);
/// Longer than anything takes that is not claimed to be quick.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// A poll would hide what is not told.
pub(super) fn without_polls() -> Config {
    let mut config = Config::default();
    config.projector.poll_interval_ms = 3_600_000;
    config
}

async fn play(app: &TestApp) {
    let counted = Counted::open(app, 12).await;
    app.settled().await;
    let before = hits(app).await;
    counted.play(&app.parts.reader, tokio::time::sleep(PLAY)).await;
    app.settled().await;
    let found = hits(app).await - before;
    assert!(found > 200.0, "{found} hits: the cache is not tried");
}

#[test]
fn nobody_sees_anything_older_than_what_they_know_while_this_process_writes_the_rows() {
    test(play);
}

#[test]
fn nor_while_another_process_writes_them() {
    test_without_workers(without_polls(), async |app| {
        let works = Works::over(app);
        let worker = works.start();
        play(app).await;
        drop(worker);
    });
}

#[test]
fn nor_while_several_processes_write_a_part_each() {
    test_without_workers(without_polls(), async |app| {
        let works = Works::over(app);
        let workers = [works.start(), works.start()];
        shared_by(app, 2, LONG).await;
        play(app).await;
        drop(workers);
    });
    test(async |app| {
        let other = Another::start(app).await;
        shared_by(app, 2, LONG).await;
        play(app).await;
        other.end(app).await;
    });
}

#[test]
fn nor_while_workers_come_and_are_killed() {
    test_without_workers(without_polls(), async |app| {
        let works = Works::over(app);
        let mut running = vec![works.start()];
        let counted = Counted::open(app, 12).await;
        app.settled().await;
        let killing = async {
            for _ in 0..4 {
                running.push(works.start());
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                running.remove(0).kill();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        counted.play(&app.parts.reader, killing).await;
        app.settled().await;
    });
}

#[test]
fn nor_while_the_connections_to_the_database_are_cut() {
    test(async |app| {
        let proxy = Proxy::before(&app.database.config).await;
        let parts = Parts::without_workers(&proxy.config(), masters(), &without_polls()).await;
        let parts = parts.expect("the parts");
        let counted = Counted::open(app, 12).await;
        app.settled().await;
        let cutting = async {
            for fate in [Fate::Close, Fate::Reset, Fate::Desert, Fate::Close] {
                tokio::time::sleep(Duration::from_millis(900)).await;
                proxy.cut(fate);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        counted.play(&parts.reader, cutting).await;
        let head = app.parts.log.head().await.expect("the head");
        parts.reader.at_least(&["stock"], Some(head)).await.expect("all of it");
        parts.stop().await;
    });
}

#[test]
fn where_only_what_is_listened_to_is_cut_the_worker_goes_on_telling() {
    test(async |app| {
        let counted = Counted::open(app, 4).await;
        app.settled().await;
        let client = app.database.connect().await;
        // Of this app alone; the log's own and the members' listen to other channels.
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
            where datname = current_database() and query ilike '%where b.state = ''live''%' \
            and pid <> pg_backend_pid()";
        let cutting = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let ended = client.query(cut, &[]).await.expect("cutting");
                assert!(!ended.is_empty(), "nobody listens");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        counted.play(&app.parts.reader, cutting).await;
    });
}

#[test]
fn two_organizations_with_one_id_never_see_each_other_s_records() {
    test(async |app| {
        let (first, second) = (Desk::open(app, "acme").await, Desk::open(app, "bolt").await);
        let id = first.customer("Anvil").await.0;
        // No command makes the same id twice.
        let stream = |desk: &Desk| StreamKey { organization: desk.organization.0, id };
        let facts = app.parts.log.read_stream(stream(&first), 0, 10).await.expect("a customer");
        let of_second = |fact: RawFact| NewFact {
            stream: stream(&second),
            feature: fact.feature.into(),
            fact_type: fact.fact_type.into(),
            schema_version: fact.schema_version,
            event_id: gateway::app::fresh_id(),
            data: String::from_utf8(fact.data).expect("JSON").replace("Anvil", "Nut").into(),
            meta: fact.meta,
            tags: Vec::new(),
        };
        let facts = facts.into_iter().map(of_second).collect();
        let expected = vec![(stream(&second), Expected::Exact(0))];
        let append = Append { expected, facts, ..Append::default() };
        app.parts.log.append(append).await.expect("another customer");
        app.settled().await;
        let third = Desk::open(app, "empty").await;
        app.settled().await;
        let query = "query($id: ID!) { customer(id: $id) { name } }";
        for _ in 0..3 {
            for (slug, name) in [
                ("acme", json!({ "name": "Anvil" })),
                ("bolt", json!({ "name": "Nut" })),
                ("empty", json!(null)),
            ] {
                let client = app.administrator().within(slug);
                let told = client.ask(query, json!({ "id": id })).await;
                assert_eq!(told["customer"], name, "{slug}");
            }
        }
        assert!(hits(app).await >= 6.0);
        drop(third);
    });
}

#[test]
fn who_is_erased_is_not_kept_in_mind() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer_id = desk.customer("Bolt & Co").await;
        let add = AddContact {
            customer_id,
            name: "Anna Muster".to_owned(),
            email: None,
            phone: None,
            address: None,
            role: None,
        };
        let added = desk.run(add).await;
        let (reader, access) = (&app.parts.reader, access(desk.organization));
        reader.at_least(&["contacts"], Some(added.position)).await.expect("readable");
        for _ in 0..2 {
            let contact = reader.contact(&access, added.id).await.expect("a read");
            assert_eq!(contact.expect("a contact").name.as_deref(), Some("Anna Muster"));
        }
        assert!(hits(app).await >= 1.0);
        let (contact_id, reason) = (ContactId(added.id), "request 17".to_owned());
        let erased = desk.run(EraseContact { contact_id, reason }).await;
        reader.at_least(&["contacts"], Some(erased.position)).await.expect("readable");
        let contact = reader.contact(&access, added.id).await.expect("a read").expect("a contact");
        assert_eq!((contact.name.as_deref(), contact.status.as_str()), (None, "erased"));
    });
}

#[test]
fn what_was_not_there_when_somebody_asked_is_there_once_it_is() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let desk = Desk {
            organization: events::words::OrganizationId::of_slug("acme"),
            ..Desk::open(app, "bolt").await
        };
        app.settled().await;
        let id = gateway::app::fresh_id();
        let query = "query($id: ID!, $at: String) { customer(id: $id, atLeast: $at) { name } }";
        for _ in 0..2 {
            let told = shop.client.ask(query, json!({ "id": id })).await;
            assert_eq!(told["customer"], json!(null));
        }
        let mut request = desk.request(harness::desk::customer("Anvil"));
        request.context.id = id;
        let made = desk.executor.execute(request).await.expect("a customer");
        let at = gateway::position::encode(made.position);
        let told = shop.client.ask(query, json!({ "id": id, "at": at })).await;
        assert_eq!(told["customer"]["name"], "Anvil");
    });
}
