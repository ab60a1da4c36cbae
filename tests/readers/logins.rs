//! Claims about the logins of readers: made, told, removed, in one database or two.

use std::time::Duration;

use futures_util::future::join_all;
use gateway::config::Config;
use gateway::migrations;
use gateway::postgres::Embedded;
use gateway::verbs::parts::address;
use harness::app::scratch;
use harness::cluster::options;
use harness::program::{millrace, outcome};
use harness::{Program, Shop, TestApp, TestDatabase, test};
use projections::sinks::readers::{self, ReadersError};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{Login, done, furnished, rows, sees_exactly};

async fn is_there(owner: &Client, login: &Login) -> bool {
    let query = "select 1 from pg_roles where rolname = $1";
    owner.query_opt(query, &[&login.0]).await.expect("the roles").is_some()
}

/// How the verb ends on a database that it fails on: with this exit code.
fn fails(database: &TestDatabase, arguments: &[&str], code: i32) -> String {
    let (ended, out, err) = outcome(millrace(arguments).env("DATABASE_URL", &database.url));
    assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?}: {err}");
    err
}

#[test]
fn who_is_removed_reads_nothing_from_then_on() {
    test(async |app| {
        furnished(app, "acme").await;
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        let owner = app.database.connect().await;
        let reader = login.connect(&app.database).await;
        // Things of its own, which would keep the login.
        let own = "create temp table kept (id int); \
            alter default privileges grant select on tables to public";
        reader.batch_execute(own).await.expect("things of its own");
        let running = "select count(*) from read.orders, pg_sleep(60)";
        let running = tokio::spawn(async move { reader.query(running, &[]).await.is_ok() });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(login.is_removed(&app.database), format!("{} is removed\n", login.0));
        let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
        assert!(!ended.expect("ended at once").expect("a task"), "it went on reading");
        assert!(!is_there(&owner, &login).await);
        assert!(events::log::connect(&login.of(&app.database)).await.is_err());
        let err = fails(&app.database, &["database", "reader", "remove", &login.0], 2);
        assert!(err.contains("nobody called"), "{err}");
    });
}

#[test]
fn readers_are_listed_with_their_organizations() {
    test(async |app| {
        for slug in ["acme", "beta"] {
            furnished(app, slug).await;
        }
        let list = ["database", "reader", "list"];
        assert!(done(&app.database, &list).starts_with("nobody reads"));
        let login = Login::new();
        let told = login.sees(&app.database, &["beta", "acme"]);
        assert!(told.contains(&format!("user={}", login.0)), "{told}");
        assert_eq!(told.matches("password, shown this once: mrr_").count(), 1, "{told}");
        assert_eq!(done(&app.database, &list), format!("{}: acme, beta\n", login.0));
        let listed = done(&app.database, &["database", "reader", "list", "--json"]);
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let id = |slug| events::words::OrganizationId::of_slug(slug).0;
        let organization = |slug| json!({ "id": id(slug), "slug": slug });
        let organizations = [organization("acme"), organization("beta")];
        assert_eq!(listed, json!([{ "name": login.0, "organizations": organizations }]));
        login.is_removed(&app.database);
    });
}

#[test]
fn a_password_is_told_once_or_chosen_and_kept_as_a_digest() {
    test(async |app| {
        furnished(app, "acme").await;
        let owner = app.database.connect().await;
        let login = Login::new();
        let kept = async || -> Option<String> {
            let query = "select rolpassword from pg_authid where rolname = $1";
            owner.query_one(query, &[&login.0]).await.expect("the login").get(0)
        };
        login.sees(&app.database, &["acme"]);
        let first = kept().await.expect("a password");
        assert!(first.starts_with("SCRAM-SHA-256$4096:"), "{first}");
        // Somebody who is there keeps his.
        let told = login.sees(&app.database, &["acme"]);
        assert!(!told.contains("password"), "{told}");
        assert_eq!(kept().await.as_ref(), Some(&first));
        let place = scratch();
        let file = place.path().join("password");
        std::fs::write(&file, "correct horse\n").expect("a file");
        let file = file.to_string_lossy().into_owned();
        let add = ["database", "reader", "add", &login.0, "--organization", "acme"];
        let told = done(&app.database, &[&add[..], &["--password-file", &file]].concat());
        assert!(!told.contains("horse"), "{told}");
        let second = kept().await.expect("a password");
        assert_ne!(second, first);
        std::fs::write(&file, "\n").expect("a file");
        for (from, telling) in [
            (["--password-file", &file], "has no password"),
            (["--password-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        ] {
            let err = fails(&app.database, &[&add[..], &from].concat(), 2);
            assert!(err.contains(telling), "{err}");
        }
        assert_eq!(kept().await, Some(second));
        login.is_removed(&app.database);
    });
}

#[test]
fn only_readers_logins_are_made_readers() {
    test(async |app| {
        furnished(app, "acme").await;
        let owner = app.database.connect().await;
        let (somebody, mighty) = (Login::new(), Login::new());
        for (login, may) in [(&somebody, "login"), (&mighty, "login createdb in role millrace_bi")]
        {
            let create = format!("create role {} {may}", login.0);
            owner.batch_execute(&create).await.expect("a role of somebody's");
            let add = ["database", "reader", "add", &login.0, "--organization", "acme"];
            let err = fails(&app.database, &add, 2);
            assert!(err.contains("is not a reader's"), "{err}");
            let drop = format!("drop role {}", login.0);
            owner.batch_execute(&drop).await.expect("dropping it");
        }
        for (name, organization, telling) in [
            ("Robert'); drop table", "acme", "lower-case letters"),
            ("millrace", "acme", "means something else"),
            ("pg_monitor", "acme", "means something else"),
            ("anna", "nowhere", "no organization has the slug `nowhere`"),
        ] {
            let add = ["database", "reader", "add", name, "--organization", organization];
            let err = fails(&app.database, &add, 2);
            assert!(err.contains(telling), "{err}");
        }
        let err = fails(&app.database, &["database", "reader", "add", "anna"], 2);
        assert!(err.contains("--organization"), "{err}");
    });
}

#[test]
fn readers_of_one_database_see_nothing_in_another() {
    test(async |app| {
        // The same organization in both: its id is the same.
        let other = TestApp::start(Config::default()).await;
        furnished(app, "acme").await;
        furnished(&other, "acme").await;
        let owner = app.database.connect().await;
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        sees_exactly(&login, &app.database, &["acme"]).await;
        sees_exactly(&login, &other.database, &[]).await;
        login.sees(&other.database, &["acme"]);
        let told = login.is_removed(&app.database);
        assert!(told.contains("the login stays"), "{told}");
        sees_exactly(&login, &app.database, &[]).await;
        sees_exactly(&login, &other.database, &["acme"]).await;
        // Somebody else, under the name of one who was dropped behind the other database's back.
        let dropped = format!("drop owned by {0}; drop role {0}", login.0);
        owner.batch_execute(&dropped).await.expect("dropping the login");
        login.sees(&app.database, &["acme"]);
        sees_exactly(&login, &app.database, &["acme"]).await;
        sees_exactly(&login, &other.database, &[]).await;
        assert!(login.is_removed(&app.database).ends_with("is removed\n"));
        assert!(!is_there(&owner, &login).await);
        other.finish().await;
    });
}

/// A database on this server, migrated as this user, who owns it; and its read models.
async fn database_of(server: &Client, url: &str, (user, name): (&str, &str)) -> Client {
    let create = format!("create database {name} owner {user}");
    server.batch_execute(&create).await.expect("a database");
    let url = url.replacen("/millrace?", &format!("/{name}?"), 1);
    let config = address(&url.replace("user=millrace", &format!("user={user}")));
    let client = events::log::connect(&config.expect("an address")).await;
    client.expect("signing in as its owner")
}

async fn filled(mut client: Client) -> Client {
    migrations::run(&mut client).await.expect("migrating");
    let all = projections::all();
    let prepared = projections::sinks::builds::prepare(&mut client, &all, true).await;
    prepared.expect("creating the read models");
    client
}

async fn open(client: &Client) -> bool {
    let open = "select projections.open_to_readers()";
    client.query_one(open, &[]).await.expect("opening").get(0)
}

#[tokio::test]
async fn where_roles_may_not_be_made_all_but_readers_works_and_they_come_later() {
    let place = scratch();
    let embedded = Embedded::start(options(&place.path().join("data"))).await.expect("a server");
    let url = embedded.url();
    let server = events::log::connect(&address(&url).expect("an address")).await;
    let server = server.expect("signing in");
    server.batch_execute("create role owner login").await.expect("a user");
    let mut client = filled(database_of(&server, &url, ("owner", "plain")).await).await;
    assert!(!open(&client).await);
    let anybody = [uuid::Uuid::from_u128(1)];
    let refused = readers::add(&mut client, "anna", &anybody, None).await;
    assert!(matches!(refused, Err(ReadersError::NoGroup)), "{refused:?}");
    assert!(rows(&client, "read.orders").await.is_empty());
    // Several at once, who may: each finds it made, or makes it.
    server.batch_execute("alter role owner createrole").await.expect("a right");
    let mut others = Vec::new();
    for name in ["one", "two", "three"] {
        others.push(database_of(&server, &url, ("owner", name)).await);
    }
    let others = join_all(others.into_iter().map(filled)).await;
    for client in others.iter().chain([&client]) {
        assert!(open(client).await);
        let granted = "select bool_and(has_table_privilege('millrace_bi', oid, 'select')) \
            from pg_class where relnamespace = 'read'::regnamespace";
        let row = client.query_one(granted, &[]).await.expect("what is granted");
        assert_eq!(row.get::<_, Option<bool>>(0), Some(true));
    }
    // Without being a superuser, also while the reader is there and has things of its own.
    let added = readers::add(&mut client, "anna", &anybody, None).await;
    assert_eq!(added.expect("a reader"), readers::Login::Made);
    let at = url.replacen("/millrace?", "/plain?", 1).replace("user=millrace", "user=anna");
    let reader = events::log::connect(&address(&at).expect("an address")).await;
    let reader = reader.expect("signing in");
    let own = "create temp table kept (id int); \
        alter default privileges grant select on tables to public";
    reader.batch_execute(own).await.expect("things of its own");
    let removed = readers::remove(&mut client, "anna").await;
    assert_eq!(removed.expect("removed"), readers::Login::Dropped);
    assert!(reader.query("select 1", &[]).await.is_err(), "its session goes on");
    drop((server, client, others, reader));
    embedded.stop().await.expect("stopping the server");
}

#[test]
fn on_the_embedded_postgresql_a_reader_signs_in_as_it_is_told() {
    let place = scratch();
    let program = Program::serve(&place.path().join("data"), &[]);
    let data = program.data.to_string_lossy().into_owned();
    let reader = |arguments: &[&str]| {
        let arguments = [&["database", "reader"][..], arguments, &["--data", &data]].concat();
        let (code, out, err) = outcome(&mut millrace(&arguments));
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let told = runtime.block_on(async {
        for slug in ["acme", "beta"] {
            Shop::open(&program.administrator(), slug).await;
        }
        let told = reader(&["add", "anna", "--organization", "acme"]);
        let how = told.split('"').nth(1).expect("how to connect");
        let client = events::log::connect(&address(how).expect("an address")).await;
        let client = client.expect("signing in");
        let row = client.query_one("select current_user::text", &[]).await.expect("who it is");
        assert_eq!(row.get::<_, &str>(0), "anna");
        assert_eq!(rows(&client, "read.organizations").await.len(), 1);
        assert_eq!(rows(&client, "log.facts").await.len(), 1);
        told
    });
    assert!(!told.contains("mrr_") && told.contains("asks for no password"), "{told}");
    assert!(program.terminate(Duration::from_secs(10)).success());
    // Alone too: whoever needs the server starts it, and stops it.
    assert_eq!(reader(&["list"]), "anna: acme\n");
    assert_eq!(reader(&["remove", "anna"]), "anna is removed\n");
}
