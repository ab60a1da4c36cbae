//! Claims about damage: each kind is found, and told with its place.

use std::fs;

use super::*;

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).expect("a file");
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    fs::write(file, bytes).expect("a changed file");
}

#[test]
fn every_kind_of_damage_is_found_and_named() {
    let rooms = Rooms::with_backup();
    let (backup, data) = (rooms.backup(), rooms.data());
    let damaged = |names: &str| {
        let told = refused(&["backup", "verify", "--quick", text(backup)], &data, 1);
        assert!(told.contains(names), "`{names}` is not named: {told}");
    };
    let segment = fs::read_dir(backup.join("cluster/pg_wal")).expect("the log").next();
    let segment = segment.expect("a segment").expect("a segment").file_name();
    let segment = format!("cluster/pg_wal/{}", segment.to_str().expect("a name"));
    let files = ["cluster/PG_VERSION", "cluster/global/pg_control", "cluster/backup_label"];
    let files = files.into_iter().chain(["cluster/base/1/1259", "keys/master-keys", &segment]);
    for (index, file) in files.enumerate() {
        let path = backup.join(file);
        let whole = fs::read(&path).expect("a file of the backup");
        for at in [0, whole.len() / 2, whole.len() - 1] {
            flip(&path, at);
            damaged(&format!("{file}: was changed"));
            fs::write(&path, &whole).expect("the file as it was");
            if index > 1 {
                break;
            }
        }
        fs::write(&path, &whole[..whole.len() - 1]).expect("a shorter file");
        damaged(&format!("{file}: has {} bytes instead of", whole.len() - 1));
        fs::remove_file(&path).expect("removing it");
        damaged(&format!("{file}: is missing"));
        std::os::unix::fs::symlink("/etc/hostname", &path).expect("a link in its place");
        damaged(&format!("{file}: is no file"));
        fs::remove_file(&path).expect("removing it");
        fs::write(&path, &whole).expect("the file as it was");
    }
    for extra in ["cluster/base/1/99999", "keys/more", "more"] {
        fs::write(backup.join(extra), "more").expect("a file more");
        damaged(&format!("{extra}: does not belong to the backup"));
        fs::remove_file(backup.join(extra)).expect("removing it");
    }
    fs::remove_dir(backup.join("cluster/pg_notify")).expect("an empty directory");
    damaged("cluster/pg_notify: the directory is missing");
    fs::create_dir(backup.join("cluster/pg_notify")).expect("the directory again");
    done(&["backup", "verify", "--quick", text(backup)], &data);
}

#[test]
fn a_changed_cut_off_or_missing_manifest_is_found_and_not_restored() {
    let rooms = Rooms::with_backup();
    let (backup, manifest) = (rooms.backup(), rooms.backup().join("manifest.json"));
    let damaged = |told: &str| {
        for verb in [&["backup", "verify"][..], &["backup", "restore"]] {
            let said = refused(&[verb, &[text(backup)]].concat(), &rooms.restored(), 1);
            assert!(said.contains(told), "`{told}` is not told: {said}");
        }
        assert!(!rooms.restored().join("postgres/cluster").exists(), "{told}");
    };
    let whole = fs::read(&manifest).expect("the manifest");
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&manifest, &whole[..length]).expect("a shorter manifest");
        damaged("was changed");
    }
    for at in [0, 20, whole.len() / 2, whole.len() - 1] {
        fs::write(&manifest, &whole).expect("the manifest");
        flip(&manifest, at);
        damaged("was changed");
    }
    fs::remove_file(&manifest).expect("removing it");
    damaged("there is no manifest.json");
    fs::write(&manifest, &whole).expect("the manifest");
    flip(&backup.join("manifest.json.sha256"), 5);
    damaged("was changed");
    flip(&backup.join("manifest.json.sha256"), 5);
    rooms.restore();
}

#[test]
fn what_is_damaged_is_not_restored_and_what_does_not_come_up_is_told() {
    let rooms = Rooms::with_backup();
    let file = rooms.backup().join("cluster/base/1/1259");
    flip(&file, 100);
    let told = refused(&["backup", "restore", text(rooms.backup())], &rooms.restored(), 1);
    assert!(told.contains("cluster/base/1/1259 is not what the manifest says"), "{told}");
    assert!(!rooms.restored().join("postgres/cluster").exists());
    flip(&file, 100);
    // Whole by its digests, but not the log that the manifest speaks of.
    let mut manifest = gateway::backup::manifest::Manifest::read(rooms.backup()).expect("it");
    let honest = manifest.clone();
    manifest.log.as_mut().expect("a log").position = events::words::Position(7);
    manifest.write(rooms.backup()).expect("another manifest");
    let verify = ["backup", "verify", text(rooms.backup())];
    let restore = ["backup", "restore", text(rooms.backup())];
    for verb in [&verify, &restore] {
        let told = refused(verb, &rooms.restored(), 1);
        assert!(told.contains("at position 7 the manifest says"), "{told}");
    }
    assert!(!rooms.restored().join("postgres/cluster").exists(), "it was withdrawn");
    honest.write(rooms.backup()).expect("the manifest");
    done(&verify, &rooms.restored());
    rooms.restore();
}
