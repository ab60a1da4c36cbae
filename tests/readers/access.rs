//! Claims about what a reader sees, and what it does not.

use std::time::{Duration, Instant};

use events::words::OrganizationId;
use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::{schema_of, test, test_after};
use projections::sinks::{builds, leases};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{Login, furnished, of, rows, sees_exactly, shown, trading};
use crate::projections::first_step;

#[test]
fn a_reader_sees_the_rows_of_its_organizations_and_no_others() {
    test(async |app| {
        for slug in ["acme", "beta", "gamma"] {
            furnished(app, slug).await;
        }
        let (one, two, none) = (Login::new(), Login::new(), Login::new());
        one.sees(&app.database, &["acme"]);
        two.sees(&app.database, &["acme", "gamma"]);
        none.sees(&app.database, &["beta"]);
        let owner = app.database.connect().await;
        let nothing = "delete from projections.readers where reader = $1::text::regrole";
        owner.execute(nothing, &[&none.0]).await.expect("a reader without organizations");
        sees_exactly(&one, &app.database, &["acme"]).await;
        sees_exactly(&two, &app.database, &["acme", "gamma"]).await;
        sees_exactly(&none, &app.database, &[]).await;
        for view in shown(&owner).await {
            assert_eq!(rows(&owner, &view).await.len(), 3, "{view} shows something of each");
        }
        // One who is added again has more.
        one.sees(&app.database, &["beta"]);
        sees_exactly(&one, &app.database, &["acme", "beta"]).await;
        one.is_removed(&app.database);
        two.is_removed(&app.database);
        none.sees(&app.database, &["beta"]);
        none.is_removed(&app.database);
    });
}

/// What a reader may do with what is in the database: all that is granted, to it or to everybody.
const GRANTED: &str = "select c.oid::regclass::text, p from pg_class as c, \
        unnest(array['select', 'insert', 'update', 'references', 'delete', 'truncate', 'trigger']) \
            as p \
    where c.relkind in ('r', 'v', 'm', 'p', 'f') \
        and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema') \
        and (has_table_privilege(c.oid, p) \
            or case when p not in ('delete', 'truncate', 'trigger') \
                then has_any_column_privilege(c.oid, p) end)";

#[test]
fn a_reader_is_granted_what_it_reads_and_nothing_else() {
    test(async |app| {
        furnished(app, "acme").await;
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        let (owner, reader) = (app.database.connect().await, login.connect(&app.database).await);
        let mut expected = shown(&owner).await;
        let tables = "select (schema || '.' || relname)::text from projections.builds, pg_class \
            where relnamespace = to_regnamespace(schema) and relkind = 'r'";
        expected.extend(owner.query(tables, &[]).await.expect("tables").iter().map(|r| r.get(0)));
        expected.extend(["log.events", "projections.reader_organizations"].map(str::to_owned));
        expected.sort();
        let granted = reader.query(GRANTED, &[]).await.expect("what is granted");
        assert!(granted.iter().all(|row| row.get::<_, &str>(1) == "select"), "{granted:?}");
        let mut granted: Vec<String> = granted.iter().map(|row| row.get(0)).collect();
        granted.sort();
        assert_eq!(granted, expected);
        let schemas = "select array(select nspname::text from pg_namespace \
            where nspname not in ('pg_catalog', 'information_schema', 'public') \
                and has_schema_privilege(oid, $1) order by 1)";
        for (privilege, expected) in [("usage", &["log", "read"][..]), ("create", &[])] {
            let row = reader.query_one(schemas, &[&privilege]).await.expect("schemas");
            let found: Vec<String> = row.get(0);
            assert_eq!(found, expected, "{privilege}");
        }
        let functions = "select array(select oid::regprocedure::text from pg_proc \
            where has_function_privilege(oid, 'execute') and pronamespace::regnamespace::text \
                not in ('pg_catalog', 'information_schema'))";
        let row = reader.query_one(functions, &[]).await.expect("functions");
        assert_eq!(row.get::<_, Vec<String>>(0), Vec::<String>::new());
        drop(reader);
        login.is_removed(&app.database);
    });
}

async fn refused(client: &Client, statement: &str) {
    match client.batch_execute(statement).await {
        Ok(()) => panic!("not refused: {statement}"),
        Err(error) => {
            let code = error.code().unwrap_or_else(|| panic!("{statement}: {error:?}"));
            assert_eq!(*code, SqlState::INSUFFICIENT_PRIVILEGE, "{statement}: {error:?}");
        }
    }
}

#[test]
fn a_reader_is_refused_what_is_not_for_readers() {
    test(async |app| {
        for slug in ["acme", "beta"] {
            furnished(app, slug).await;
        }
        let (login, other) = (Login::new(), Login::new());
        login.sees(&app.database, &["acme"]);
        other.sees(&app.database, &["beta"]);
        let reader = login.connect(&app.database).await;
        let as_other = format!("set role {}", other.0);
        let to_be_other = format!("set session authorization {}", other.0);
        for statement in [
            "select * from log.person_keys",
            "select * from log.batches",
            "select * from projections.readers",
            "select * from projections.builds",
            "select * from queries.secrets",
            &format!("select * from {}.orders", schema_of("orders")),
            "select * from refinery_schema_history",
            "select projections.open_to_readers()",
            "insert into read.orders (organization_id) values (gen_random_uuid())",
            "update read.orders set net = 0",
            "delete from log.events",
            "truncate log.events",
            "create table public.mine (id int)",
            "create view read.mine as select 1",
            "create schema mine",
            "alter table log.events disable row level security",
            "drop policy reader_organizations on log.events",
            "create role another",
            "grant millrace_bi to current_user with admin option",
            "copy (select 1) to program 'cat'",
            "set role millrace",
            "set session authorization millrace",
            &as_other,
            &to_be_other,
            // Not without the policies, rather than without the rows.
            "set row_security = off; select * from read.orders",
        ] {
            refused(&reader, statement).await;
        }
        drop(reader);
        login.is_removed(&app.database);
        other.is_removed(&app.database);
    });
}

#[test]
fn no_reader_can_make_more_of_itself() {
    test(async |app| {
        for slug in ["acme", "beta"] {
            furnished(app, slug).await;
        }
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        let reader = login.connect(&app.database).await;
        let beta = OrganizationId::of_slug("beta").0;
        // Cheaper than any other condition, so that it would be asked first.
        let leaking = format!(
            "create function pg_temp.leaks(uuid) returns boolean language plpgsql cost 0.0001 as \
             $$ begin if $1 = '{beta}' then raise exception 'seen'; end if; return true; end $$"
        );
        // Names that are looked for in the session's own schema first.
        let spoofs = "create temp table readers (reader regrole, organization_id uuid); \
            create function pg_temp.quote_ident(text) returns text language sql \
                as $$ select 'millrace' $$; \
            create function pg_temp.quote_ident(name) returns text language sql \
                as $$ select 'millrace' $$; \
            set search_path = pg_temp, projections, read, log, pg_catalog";
        for statement in [leaking.as_str(), spoofs] {
            reader.batch_execute(statement).await.expect("something of the session's own");
        }
        let own = "insert into pg_temp.readers values (quote_ident(session_user)::regrole, $1)";
        reader.execute(own, &[&beta]).await.expect("a row of its own");
        for view in shown(&app.database.connect().await).await {
            let query = format!("select count(*) from {view} where pg_temp.leaks(organization_id)");
            let seen = reader.query_one(&query, &[]).await;
            let seen: i64 = seen.unwrap_or_else(|error| panic!("{view}: {error:?}")).get(0);
            assert!(seen > 0, "{view}");
            let others = rows(&reader, &view).await;
            assert!(!others.contains_key(&beta), "{view}");
        }
        // As the group alone it is nobody.
        reader.batch_execute("set role millrace_bi").await.expect("its own group");
        assert!(rows(&reader, "read.orders").await.is_empty());
        drop(reader);
        login.is_removed(&app.database);
    });
}

async fn live_schema(owner: &Client) -> String {
    let query = "select schema from projections.builds where name = 'orders' and state = 'live'";
    owner.query_one(query, &[]).await.expect("the live build").get(0)
}

/// Waits until another build of the orders is live, and the one before is gone.
async fn renewed(owner: &Client, before: &str) -> String {
    let since = Instant::now();
    loop {
        let live = live_schema(owner).await;
        if live != before {
            return live;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "{before} stays live");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn what_a_reader_sees_survives_a_new_version_and_a_rebuild() {
    test_after(first_step, async |app| {
        let mut owner = app.database.connect().await;
        furnished(app, "beta").await;
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        let first = renewed(&owner, "orders_v1").await;
        sees_exactly(&login, &app.database, &["acme"]).await;
        let reader = login.connect(&app.database).await;
        let orders = rows(&reader, "read.orders").await;
        assert!(!orders.is_empty());

        let projections = projections::all();
        let projection = projections.iter().find(|of| of.name() == "orders").expect("the orders");
        builds::begin(&mut owner, projection.as_ref()).await.expect("a rebuild");
        leases::notify(&owner, leases::WORKERS_CHANNEL).await.expect("telling the workers");
        let second = renewed(&owner, &first).await;
        assert_ne!(first, second);
        // Also when what was shown before is gone: nothing stands on it.
        owner.batch_execute(&format!("drop schema {first} cascade")).await.expect("dropping");
        assert_eq!(rows(&reader, "read.orders").await, orders, "in the same session");
        sees_exactly(&login, &app.database, &["acme"]).await;
        drop(reader);
        login.is_removed(&app.database);
    });
}

#[test]
fn a_replay_shows_a_reader_its_own_rows() {
    test(async |app| {
        for slug in ["acme", "beta"] {
            trading(app, slug).await;
        }
        let login = Login::new();
        login.sees(&app.database, &["acme"]);
        let owner = app.database.connect().await;
        let now = owner.query_one("select clock_timestamp()", &[]).await.expect("the time");
        let now: chrono::DateTime<chrono::Utc> = now.get(0);
        let replay = ["replay", "--as-of", &now.to_rfc3339(), "--schema"];
        let (place, mut command) = (scratch(), millrace(&replay));
        command.arg("back_then").arg("--data").arg(place.path().join("data"));
        let (code, out, err) = outcome(command.env("DATABASE_URL", &app.database.url));
        assert_eq!(code, 0, "{out}{err}");
        let reader = login.connect(&app.database).await;
        for view in shown(&owner).await {
            // Persons are another matter, which takes a key.
            let table = view.strip_prefix("read.").filter(|table| *table != "contacts");
            let Some(table) = table else { continue };
            let table = format!("back_then.{table}");
            let own = of(&rows(&owner, &table).await, &["acme"]);
            assert!(!own.is_empty(), "{table}");
            assert_eq!(rows(&reader, &table).await, own, "{table}");
        }
        drop(reader);
        login.is_removed(&app.database);
    });
}
