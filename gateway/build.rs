//! Fails early, and says what to do, where the files of the browser pages are not fetched yet.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=web/package-lock.json");
    println!("cargo::rerun-if-changed=../migrations");
    if !Path::new("web/node_modules/graphiql/graphiql.min.js").is_file() {
        println!("cargo::error=the pages' files are not fetched yet: run `make web` once");
    }
}
