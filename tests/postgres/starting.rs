//! Claims about how a cluster begins and is reached; what happens when it dies is in `dying.rs`.

use super::*;

#[tokio::test]
async fn a_new_cluster_is_utf8_sorted_by_code_point_and_checksummed() {
    let place = Place::new();
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(show(&client, "server_encoding").await, "UTF8");
    assert_eq!(show(&client, "lc_collate").await, "C.UTF-8");
    assert_eq!(show(&client, "data_checksums").await, "on");
    let database = "SELECT current_database()::text, current_user::text";
    let row = client.query_one(database, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("millrace", "millrace"));
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn only_its_user_reaches_it_and_only_by_the_socket() {
    let place = Place::new();
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(show(&client, "listen_addresses").await, "");
    assert_eq!(show(&client, "unix_socket_permissions").await, "0700");
    let directory = fs::metadata(place.data().join("postgres/socket")).unwrap();
    assert_eq!(directory.mode() & 0o7777, 0o700);
    let rules = "SELECT count(*) FROM pg_hba_file_rules WHERE type = 'host' \
        AND auth_method <> 'reject'";
    let open: i64 = client.query_one(rules, &[]).await.unwrap().get(0);
    assert_eq!(open, 0);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn psql_understands_the_url() {
    let place = Place::new();
    let embedded = place.start().await;
    let mut psql = Command::new("psql");
    psql.args([&embedded.url(), "-XAtc", "SELECT 6 * 7"]).env("PGPORT", "1");
    assert_eq!(psql.output().await.unwrap().stdout, b"42\n");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn fsync_is_on() {
    let place = Place::new();
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    client.batch_execute("ALTER SYSTEM SET fsync = off").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    embedded.stop().await.unwrap();

    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        assert_eq!(show(&client, setting).await, "on", "{setting}");
    }
    embedded.stop().await.unwrap();

    let settings = vec![("FSYNC".to_owned(), "off".to_owned())];
    let unsafe_options = EmbeddedOptions { settings, ..options(&place.data()) };
    let error = Embedded::start(unsafe_options).await.unwrap_err();
    assert!(error.to_string().contains("FSYNC"), "{error}");
}

#[tokio::test]
async fn later_settings_win() {
    let place = Place::new();
    let pairs = [("max_connections", "20"), ("work_mem", "5MB"), ("max_connections", "30")];
    let settings = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = EmbeddedOptions { settings, ..options(&place.data()) };
    let embedded = Embedded::start(options).await.unwrap();
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(show(&client, "max_connections").await, "30");
    assert_eq!(show(&client, "work_mem").await, "5MB");
    assert_eq!(show(&client, "jit").await, "off");
    let known = "select enumvals from pg_settings where name = 'wal_compression'";
    let known: Vec<String> = client.query_one(known, &[]).await.unwrap().get(0);
    let best = if known.iter().any(|way| way == "lz4") { "lz4" } else { "pglz" };
    assert_eq!(show(&client, "wal_compression").await, best);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_setting_is_told_at_once() {
    let place = Place::new();
    let settings = vec![("work_mem".to_owned(), "plenty".to_owned())];
    let wrong = EmbeddedOptions { settings, ..options(&place.data()) };
    let error = Embedded::start(wrong).await.unwrap_err();
    assert!(matches!(error, PostgresError::Start { .. }), "{error}");
    assert!(error.to_string().contains("work_mem"), "{error}");
}

/// A program that was killed while its `initdb` was at work; that goes on, halted.
async fn leave_initdb_halfway(place: &Place) -> Vec<Pid> {
    let mut program = Program::begin(&place.data(), None);
    let half = place.data().join("postgres/cluster.unfinished/global");
    eventually("initdb is at work", async || half.exists()).await;
    program.kill().await;
    let unfinished = half.parent().unwrap().to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let ours = ids.filter(|id: &i32| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(unfinished)
    });
    let ours: Vec<Pid> = ours.map(Pid::from_raw).collect();
    assert!(!ours.is_empty());
    for pid in &ours {
        kill(*pid, Signal::SIGSTOP).unwrap();
    }
    assert!(!place.cluster().exists());
    ours
}

#[tokio::test]
async fn a_killed_initdb_is_started_afresh() {
    let place = Place::new();
    for pid in leave_initdb_halfway(&place).await {
        kill(pid, Signal::SIGKILL).unwrap();
    }
    let embedded = place.start().await;
    connect(&embedded.url()).await.unwrap();
    assert!(!place.data().join("postgres/cluster.unfinished").exists());
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn an_initdb_that_outlived_its_program_is_waited_for() {
    let place = Place::new();
    let initdb = leave_initdb_halfway(&place).await;
    let mark = place.data().join("postgres/cluster.unfinished/mark");
    fs::write(&mark, "").unwrap();
    let start = tokio::spawn(Embedded::start(options(&place.data())));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(mark.exists(), "removed under its feet");
    for pid in initdb {
        kill(pid, Signal::SIGCONT).unwrap();
    }
    let embedded = start.await.unwrap().unwrap();
    connect(&embedded.url()).await.unwrap();
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let place = Place::new();
    let data = place.0.path().join("a, b".repeat(40));
    let embedded = Embedded::start(options(&data)).await.unwrap();
    assert!(embedded.url().contains("host=%2Ftmp%2Fmillrace-"), "{}", embedded.url());
    connect(&embedded.url()).await.unwrap();
    let encoded = embedded.url().split(['=', '&']).nth(1).unwrap().to_owned();
    embedded.stop().await.unwrap();

    // Once it is somebody else's, they could stand in for the server there.
    let sockets = PathBuf::from(encoded.replace("%2F", "/"));
    if is_root() {
        chown(&sockets, Some(12_345), None).unwrap();
        let error = Embedded::start(options(&data)).await.unwrap_err();
        assert!(matches!(error, PostgresError::SomebodyElses { .. }), "{error}");
    }
    fs::remove_dir(sockets).unwrap();
}

#[tokio::test]
async fn asking_for_the_url_starts_and_creates_nothing() {
    let place = Place::new();
    let (before, runs) = url_for(&place.data()).unwrap();
    assert!(!runs);
    assert!(!place.data().exists());
    let embedded = place.start().await;
    assert_eq!(url_for(&place.data()).unwrap(), (embedded.url(), true));
    assert_eq!(before, embedded.url());
    embedded.stop().await.unwrap();
    assert_eq!(url_for(&place.data()).unwrap(), (before, false));
}

#[tokio::test]
async fn an_odd_path_works() {
    let place = Place::new();
    let data = place.0.path().join("an 'odd' %41\\é&=");
    let embedded = Embedded::start(options(&data)).await.unwrap();
    assert!(embedded.url().contains("odd"), "{}", embedded.url());
    connect(&embedded.url()).await.unwrap();
    let psql = Command::new("psql").args([&embedded.url(), "-XAtc", "SELECT 1"]).output();
    assert_eq!(psql.await.unwrap().stdout, b"1\n");
    embedded.stop().await.unwrap();
}
