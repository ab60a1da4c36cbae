//! Claims about several users of one server and its end when nobody uses it any more; none of
//! them dies here.

use super::*;

#[tokio::test]
async fn two_starts_yield_one_server() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    let (one, two, _) = tokio::join!(place.start(), place.start(), program.ready());
    let client = connect(&one.url()).await.unwrap();
    let server = place.server();
    assert_eq!(one.url(), two.url());
    one.stop().await.unwrap();
    program.stop().await;
    assert_eq!(client.query("SELECT 1", &[]).await.unwrap().len(), 1);
    assert_eq!(place.server(), server);
    two.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_one_out_stops_it() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    program.ready().await;
    let embedded = place.start().await;
    program.stop().await;
    assert!(place.runs());
    let server = place.server();
    embedded.stop().await.unwrap();
    assert!(!place.runs());
    assert!(is_gone(server), "process {server} is still there");
    assert!(!place.cluster().join("postmaster.pid").exists());
}

/// Halts the process without which the server cannot end cleanly.
async fn halt_checkpointer(url: &str) -> Pid {
    let find = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    let row = connect(url).await.unwrap().query_one(find, &[]).await.unwrap();
    let checkpointer = Pid::from_raw(row.get(0));
    kill(checkpointer, Signal::SIGSTOP).unwrap();
    checkpointer
}

#[tokio::test]
async fn a_start_during_a_stop_waits_and_starts_again() {
    let place = Place::new();
    let first = place.start().await;
    let before = place.server();
    let checkpointer = halt_checkpointer(&first.url()).await;
    let stop = tokio::spawn(first.stop());
    let lock = fs::File::open(place.data().join("postgres/start.lock")).unwrap();
    eventually("the stop holds the lock", async || {
        let is_free = lock.try_lock().is_ok();
        lock.unlock().unwrap();
        !is_free
    })
    .await;
    let start = tokio::spawn(Embedded::start(options(&place.data())));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!stop.is_finished() && !start.is_finished());

    kill(checkpointer, Signal::SIGCONT).unwrap();
    stop.await.unwrap().unwrap();
    let second = start.await.unwrap().unwrap();
    connect(&second.url()).await.unwrap();
    assert_ne!(place.server(), before);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_stop_cleanly_is_made_to_quit() {
    let place = Place::new();
    let stop_timeout = Duration::from_millis(300);
    let options = EmbeddedOptions { stop_timeout, ..options(&place.data()) };
    let embedded = Embedded::start(options).await.unwrap();
    let client = connect(&embedded.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept AS SELECT 1").await.unwrap();
    let server = place.server();
    halt_checkpointer(&embedded.url()).await;
    embedded.stop().await.unwrap();
    assert!(is_gone(server), "process {server} is still there");

    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(client.query("TABLE kept", &[]).await.unwrap().len(), 1);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_server_keeps_what_was_committed() {
    let place = Place::new();
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept AS SELECT 1").await.unwrap();
    embedded.stop().await.unwrap();
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(client.query("TABLE kept", &[]).await.unwrap().len(), 1);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn dropped_without_a_stop_it_is_left_running() {
    let place = Place::new();
    drop(place.start().await);
    let server = place.server();
    assert!(place.runs());
    let embedded = place.start().await;
    assert_eq!(place.server(), server);
    embedded.stop().await.unwrap();
    assert!(is_gone(server), "process {server} is still there");
}

#[tokio::test]
async fn the_server_inherits_no_lock_and_no_terminal() {
    let place = Place::new();
    let embedded = place.start().await;
    let server = place.server();
    let open = fs::read_dir(format!("/proc/{server}/fd")).unwrap();
    let open: Vec<PathBuf> = open.map(|fd| fs::read_link(fd.unwrap().path()).unwrap()).collect();
    let locks = open.iter().filter(|file| file.extension().is_some_and(|end| end == "lock"));
    assert_eq!(locks.collect::<Vec<_>>(), Vec::<&PathBuf>::new());
    assert!(!open.is_empty());
    assert_eq!(getpgid(Some(server)).unwrap(), server);
    let environment = fs::read_to_string(format!("/proc/{server}/environ")).unwrap();
    assert!(!environment.contains("CARGO"));
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_is_named() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    let path = place.data().join("postgres/start.lock");
    let lock = fs::File::open(&path).unwrap();
    lock.lock().unwrap();
    let start_timeout = Duration::from_millis(300);
    let impatient = EmbeddedOptions { start_timeout, ..options(&place.data()) };
    let error = Embedded::start(impatient).await.unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
