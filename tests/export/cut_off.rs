//! Claims about exports that are killed, and about those that run at the same time.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use harness::Dice;

use super::*;

/// How many files there are, however deep.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[test]
fn an_export_that_is_killed_again_and_again_ends_as_the_log() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(600).await;
        let mut dice = Dice::of(7);
        for format in FORMATS {
            let to = place.path().join(format);
            let (mut killed, mut before) = (0, 0);
            for _ in 0..12 {
                let mut command = exporting(&bare.database.url, &to, format, &[]);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                let mut child = command.spawn().unwrap();
                // At least one more file each time, so that it comes to an end; and then at any
                // moment: within a file, between a file and its name, before the manifest.
                while files(&to) <= before && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_micros(100));
                }
                std::thread::sleep(Duration::from_micros(dice.between(0, 8_000)));
                if child.kill().is_ok() && !child.wait().unwrap().success() {
                    killed += 1;
                }
                before = files(&to);
            }
            assert!(killed > 3, "it was killed {killed} times");
            export(&bare.database.url, &to, format, &[]);
            equal(&exported(&to, format), &logged(&bare.client, "true").await);
        }
        bare.end().await;
    });
}

#[test]
fn files_that_no_manifest_names_are_removed_and_what_is_not_ours_stays() {
    block_on(async {
        let (bare, place) = (Bare::open().await, harness::app::scratch());
        bare.add(60).await;
        let to = place.path().join("facts");
        export(&bare.database.url, &to, "parquet", &[]);
        let day = fs::read_dir(to.join("type=thing.happened")).unwrap().next().unwrap();
        let day = day.unwrap().path();
        let file = fs::read_dir(&day).unwrap().next().unwrap().unwrap().path();
        // As a run leaves it that is killed before the manifest names it.
        fs::copy(&file, day.join("00000000000061-00000000000099.parquet")).unwrap();
        fs::write(day.join("00000000000061-00000000000099.parquet.unfinished"), "half").unwrap();
        fs::write(to.join("notes.txt"), "mine").unwrap();
        bare.add(6).await;
        export(&bare.database.url, &to, "parquet", &[]);
        equal(&exported(&to, "parquet"), &logged(&bare.client, "true").await);
        assert!(to.join("notes.txt").exists());
        bare.end().await;
    });
}
