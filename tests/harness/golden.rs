//! Golden files: contracts that are generated, committed, and compared. `UPDATE_GOLDEN=1` writes
//! them anew; the diff is then a decision.

use std::fs;

/// Fails if a file of the checkout is not exactly this text.
#[track_caller]
pub fn assert_golden(path: &str, text: &str) {
    let file = crate::root().join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("the golden file's folder");
        fs::write(&file, text).expect("writing the golden file");
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        golden == text,
        "{path} is not what this program makes; if that is meant: UPDATE_GOLDEN=1, and look at \
         the diff. First difference: {:?}",
        golden.lines().zip(text.lines()).find(|(golden, made)| golden != made),
    );
}
