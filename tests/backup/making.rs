//! Claims about backups that are made and restored as they are meant to.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use gateway::backup::manifest::Manifest;
use gateway::verbs::parts::address;
use harness::program::{millrace, outcome};
use harness::{Client, Program};
use nix::unistd::{User, geteuid};
use serde_json::{Value, json};

use super::*;
use crate::crashes::buyers::Market;
use crate::crashes::ledger::Ledger;
use crate::crashes::sold;
use crate::log::chain;

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_before_a_backup_under_load_is_in_it() {
    let rooms = Rooms::new();
    let program = Program::serve(&rooms.data(), &[]);
    let market = Market::open(&program).await;
    let load = market.load(&program);
    sold(&market, 150).await;
    let before = market.acknowledged();
    let (data, backup) = (rooms.data(), rooms.backup().to_owned());
    let create = move || done(&["backup", "create", "--json", "--to", text(&backup)], &data);
    let made = tokio::task::spawn_blocking(create).await.expect("the backup");
    let made: Value = serde_json::from_str(&made).expect("a summary");
    // The server goes on, and is asked no less than before.
    sold(&market, 50).await;
    load.end().await;
    assert!(program.terminate(Duration::from_secs(10)).success());

    let said = done(&["backup", "verify", text(rooms.backup())], &rooms.data());
    assert!(said.starts_with("verified "), "{said}");
    rooms.restore();
    let program = Program::serve(&rooms.restored(), &[]);
    let ledger = Ledger::read(&rooms.restored()).await;
    ledger.is_whole();
    ledger.holds(&before);
    let url = gateway::postgres::url_for(&rooms.restored()).expect("the address").0;
    let client = events::log::connect(&address(&url).expect("an address")).await.expect("it");
    let (_, broken) = chain::check(&client).await;
    assert_eq!(broken, None, "the chain");
    let head: i64 =
        client.query_one("select max(position) from log.events", &[]).await.expect("it").get(0);
    assert!(Some(head) >= made["log"]["position"].as_i64(), "{head} {made}");
    let shop = program.administrator().within("acme");
    for id in before.values().take(20) {
        assert_eq!(readable(&shop, id).await["status"], "PLACED");
    }
    let head = gateway::position::encode(events::words::Position(head));
    market.catch_up_with(&program, &head).await;
    ledger.is_shown().await;
    assert!(program.terminate(Duration::from_secs(10)).success());
}

/// An order, once it can be read.
async fn readable(shop: &Client, id: &str) -> Value {
    let since = Instant::now();
    loop {
        let query = "query($id: ID!) { order(id: $id) { status } }";
        let order = shop.ask(query, json!({ "id": id })).await["order"].clone();
        if !order.is_null() {
            return order;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "order {id} cannot be read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_backup_is_its_owners_alone_and_has_the_keys() {
    let rooms = Rooms::with_backup();
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode(rooms.backup()) & 0o777, 0o700);
    assert_eq!(mode(&rooms.backup().join("keys/master-keys")) & 0o777, 0o600);
    let manifest = Manifest::read(rooms.backup()).expect("a manifest");
    assert_eq!(manifest.log.map(|log| log.position.0), Some(0));
    for left in ["postmaster.pid", "pg_replslot/", "pg_notify/"] {
        let path = format!("cluster/{left}");
        assert!(!manifest.files.iter().any(|file| file.path.starts_with(&path)), "{left}");
    }
    rooms.restore();
    let keys = rooms.restored().join("master-keys");
    assert_eq!(std::fs::read_to_string(&keys).expect("the keys"), KEY);
    assert_eq!(mode(&keys) & 0o777, 0o600);
    let cluster = std::fs::canonicalize(rooms.restored().join("postgres/cluster"));
    let cluster = cluster.expect("the cluster");
    let original = std::fs::metadata(rooms.data().join("postgres/cluster")).expect("the cluster");
    for file in [cluster.clone(), cluster.join("PG_VERSION"), cluster.join("base/1/1259")] {
        let owner = std::fs::metadata(&file).expect("a file of the cluster").uid();
        assert_eq!(owner, original.uid(), "{}", file.display());
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_second_backup_of_a_restored_cluster_is_as_good_as_the_first() {
    let rooms = Rooms::with_backup();
    rooms.restore();
    let second = rooms.folder.path().join("second");
    done(&["backup", "create", "--to", text(&second)], &rooms.restored());
    done(&["backup", "verify", text(&second)], &rooms.restored());
}

#[test]
fn an_ordinary_user_backs_up_verifies_and_restores() {
    let rooms = Rooms::new();
    let nobody = User::from_name("nobody").expect("the users").expect("the user nobody");
    let run = |arguments: &[&str], data: &Path| {
        let mut command = millrace(arguments);
        command.arg("--data").arg(data).current_dir("/");
        if geteuid().is_root() {
            command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        }
        let (code, out, err) = outcome(&mut command);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        out
    };
    if geteuid().is_root() {
        for folder in [rooms.used.0.path(), rooms.restored.0.path(), rooms.folder.path()] {
            chown(folder, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("chown");
        }
    }
    let backup = rooms.backup();
    run(&["migrate"], &rooms.data());
    run(&["backup", "create", "--to", text(backup)], &rooms.data());
    run(&["backup", "verify", text(backup)], &rooms.data());
    run(&["backup", "restore", text(backup)], &rooms.restored());
    assert_eq!(run(&["migrate"], &rooms.restored()).trim(), "the database is up to date");
    let left: Vec<_> = std::fs::read_dir(rooms.folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "what verify needed is gone: {left:?}");
}

#[test]
fn it_is_told_when_the_master_keys_are_elsewhere_and_so_not_in_the_backup() {
    let rooms = Rooms::with_backup();
    for (setting, value) in [("MASTER_KEYS_FILE", "/elsewhere/keys"), ("MASTER_KEYS", KEY.trim())] {
        let to = rooms.folder.path().join(setting);
        let mut command = millrace(&["backup", "create", "--to", text(&to)]);
        command
            .arg("--data")
            .arg(rooms.data())
            .env(format!("MILLRACE__PERSONAL__{setting}"), value);
        let (code, out, err) = outcome(&mut command);
        assert_eq!(code, 0, "{err}");
        let named = format!("(`personal.{}`)", setting.to_lowercase());
        assert!(out.contains("are not in the backup") && out.contains(&named), "{out}");
        assert!(!out.contains(value), "the keys are not told: {out}");
    }
}
