//! Claims about what `export facts` refuses, and what it says then.

use std::fs;

use super::*;

#[test]
fn another_format_or_other_filters_do_not_go_into_the_same_folder() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(6).await;
        let to = place.path().join("facts");
        export(&bare.database.url, &to, "parquet", &["--since", "2"]);
        let before = exported(&to, "parquet");
        let told = refused(&bare.database.url, &to, "ndjson", &[], 2);
        assert!(told.contains("holds an export of all facts of every organization as parquet"));
        let told = refused(&bare.database.url, &to, "parquet", &["--feature", "orders"], 2);
        assert!(
            told.contains("and the facts of orders of every organization as parquet"),
            "{told}"
        );
        let told = refused(&bare.database.url, &to, "parquet", &["--since", "1"], 2);
        assert!(told.contains("what is behind position 2: leave --since away"), "{told}");
        assert_eq!(exported(&to, "parquet"), before);
        bare.end().await;
    });
}

#[test]
fn a_folder_of_another_log_is_refused() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        let other = Bare::open().await;
        bare.add(9).await;
        other.add(3).await;
        let to = place.path().join("facts");
        export(&bare.database.url, &to, "ndjson", &[]);
        let told = refused(&other.database.url, &to, "ndjson", &[], 2);
        assert!(told.contains("up to position 9, and this log ends at 3"), "{told}");
        other.add(30).await;
        let told = refused(&other.database.url, &to, "ndjson", &[], 2);
        assert!(told.contains("at position 9 the hashes differ"), "{told}");
        equal(&exported(&to, "ndjson"), &logged(&bare.client, "true").await);
        bare.end().await;
        other.end().await;
    });
}

#[test]
fn a_folder_that_is_somebody_elses_or_has_lost_files_is_refused() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(6).await;
        let to = place.path().join("mine");
        fs::create_dir(&to).unwrap();
        fs::write(to.join("letter"), "dear").unwrap();
        let told = refused(&bare.database.url, &to, "ndjson", &[], 2);
        assert!(told.contains("is not empty, and not an export's"), "{told}");
        let to = place.path().join("facts");
        export(&bare.database.url, &to, "ndjson", &[]);
        let day = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().path());
        let day = day.into_iter().find(|path| path.is_dir()).unwrap();
        let file = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&file).unwrap();
        let told = refused(&bare.database.url, &to, "ndjson", &[], 1);
        assert!(told.contains(file.to_str().unwrap()), "{told}");
        bare.end().await;
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_told_by_name() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(6).await;
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let told = refused(&bare.database.url, &file.join("facts"), "ndjson", &[], 1);
        assert!(
            told.contains(file.to_str().unwrap()) && told.contains("Not a directory"),
            "{told}"
        );
        // Not even root can write here, as to a full disk.
        if Path::new("/dev/full").exists() {
            let to = place.path().join("facts");
            fs::create_dir(&to).unwrap();
            std::os::unix::fs::symlink("/dev/full", to.join("export.json.unfinished")).unwrap();
            let told = refused(&bare.database.url, &to, "ndjson", &[], 1);
            assert!(told.contains("No space left on device"), "{told}");
            assert!(told.contains("export.json.unfinished"), "{told}");
        }
        bare.end().await;
    });
}

#[test]
fn wrong_usage_is_told() {
    let place = harness::app::scratch();
    let to = place.path().join("facts");
    let told = refused("postgres://nowhere/x", &to, "csv", &[], 2);
    assert!(told.contains("ndjson") && told.contains("parquet"), "{told}");
    let told = refused("postgres://nowhere/x", &to, "ndjson", &["--since", "yesterday"], 2);
    assert!(told.contains("`yesterday` is neither a position"), "{told}");
    let mut command = millrace(&["export", "facts", "--format", "ndjson"]);
    let data = place.path().join("data");
    let (code, _, told) = outcome(command.arg("--to").arg(&to).arg("--data").arg(&data));
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("there is nothing to export"), "{told}");
    assert!(!data.exists() && !to.exists());
}
