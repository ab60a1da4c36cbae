//! Claims about what `backup` refuses, and what it says then.

use std::fs;

use gateway::backup::manifest::{FORMAT, Manifest};

use super::*;

#[test]
fn a_data_directory_that_has_a_cluster_is_not_restored_into() {
    let rooms = Rooms::with_backup();
    let told = refused(&["backup", "restore", text(rooms.backup())], &rooms.data(), 2);
    assert!(told.contains("postgres/cluster already"), "{told}");
    assert_eq!(done(&["migrate"], &rooms.data()).trim(), "the database is up to date");
}

#[test]
fn keys_of_other_data_are_not_replaced() {
    let rooms = Rooms::with_backup();
    fs::create_dir_all(rooms.restored()).expect("the data directory");
    fs::write(rooms.restored().join("master-keys"), OTHER_KEY).expect("other keys");
    let told = refused(&["backup", "restore", text(rooms.backup())], &rooms.restored(), 2);
    assert!(told.contains("master-keys is there already, with other keys"), "{told}");
    assert!(!rooms.restored().join("postgres/cluster").exists());
    fs::write(rooms.restored().join("master-keys"), KEY).expect("the same keys");
    rooms.restore();
}

#[test]
fn a_folder_with_something_in_it_is_not_backed_up_into() {
    let rooms = Rooms::with_backup();
    let create = ["backup", "create", "--to", text(rooms.backup())];
    let told = refused(&create, &rooms.data(), 2);
    assert!(told.contains("it holds a backup already"), "{told}");
    let folder = rooms.folder.path().join("mine");
    fs::create_dir(&folder).expect("a folder");
    done(&["backup", "create", "--to", text(&folder)], &rooms.data());
    let other = rooms.folder.path().join("other");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("letter"), "dear").expect("something");
    let told = refused(&["backup", "create", "--to", text(&other)], &rooms.data(), 2);
    assert!(told.contains("it is not empty"), "{told}");
    assert!(other.join("letter").exists());
}

#[test]
fn where_there_is_no_cluster_there_is_nothing_to_back_up_and_none_is_made() {
    let rooms = Rooms::new();
    let told = refused(&["backup", "create", "--to", text(rooms.backup())], &rooms.data(), 2);
    assert!(told.contains("nothing to back up"), "{told}");
    assert!(!rooms.data().join("postgres").exists());
}

#[test]
fn a_database_elsewhere_is_not_backed_up_and_it_is_said_what_to_use() {
    let rooms = Rooms::new();
    let create = ["backup", "create", "--to", text(rooms.backup())];
    let mut command = millrace(&create);
    command.arg("--data").arg(rooms.data()).env("DATABASE_URL", "postgres://db.example/shop");
    let (code, _, told) = outcome(&mut command);
    assert_eq!(code, 2, "{told}");
    for part in ["DATABASE_URL", "pg_basebackup", "master-keys"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!rooms.backup().exists());
}

#[test]
fn a_backup_of_another_postgresql_or_a_newer_millrace_is_refused() {
    let rooms = Rooms::with_backup();
    let manifest = Manifest::read(rooms.backup()).expect("the manifest");
    let other = Manifest { postgresql: 99, ..manifest.clone() };
    other.write(rooms.backup()).expect("another manifest");
    let restore = ["backup", "restore", text(rooms.backup())];
    let told = refused(&restore, &rooms.restored(), 1);
    assert!(told.contains("was made by PostgreSQL 99"), "{told}");
    assert!(told.contains("postgresql-99"), "{told}");
    let newer = Manifest { format: FORMAT + 1, ..manifest };
    newer.write(rooms.backup()).expect("another manifest");
    let told = refused(&restore, &rooms.restored(), 1);
    assert!(told.contains(&format!("its format is {}", FORMAT + 1)), "{told}");
    assert!(!rooms.restored().join("postgres/cluster").exists());
}

#[test]
fn what_cannot_be_written_is_told_and_nothing_of_it_stays() {
    let rooms = Rooms::new();
    done(&["migrate"], &rooms.data());
    let file = rooms.folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let to = file.join("backup");
    let told = refused(&["backup", "create", "--to", text(&to)], &rooms.data(), 1);
    assert!(told.contains(text(&file)), "{told}");
}
