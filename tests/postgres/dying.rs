//! Claims about servers, and programs that use them, that are killed; orderly ends are in
//! `sharing.rs`.

use super::*;

#[tokio::test]
async fn a_killed_server_is_started_again() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    program.ready().await;
    let embedded = place.start().await;
    let client = connect(&embedded.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept AS SELECT 1").await.unwrap();

    let killed = place.server();
    kill(killed, Signal::SIGKILL).unwrap();
    eventually("it answers again", async || place.answers_after(killed).await).await;
    let again = place.server();
    let client = connect(&embedded.url()).await.unwrap();
    assert_eq!(client.query("TABLE kept", &[]).await.unwrap().len(), 1);

    // Both programs watched it, and both have to agree on the one that runs now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(place.server(), again);
    program.stop().await;
    assert_eq!(place.server(), again);
    embedded.stop().await.unwrap();
    assert!(!place.runs());
}

/// Has a process of the server's compute for seconds, without looking whether its server lives.
async fn keep_busy(url: &str) -> JoinHandle<Result<Vec<Row>, tokio_postgres::Error>> {
    let client = connect(url).await.unwrap();
    let busy = "SELECT count(*) FROM generate_series(1, 6000) a, generate_series(1, 6000) b";
    let orphan = tokio::spawn(async move { client.query(busy, &[]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!orphan.is_finished());
    orphan
}

#[tokio::test]
async fn orphans_of_a_killed_server_are_waited_for() {
    let place = Place::new();
    let embedded = place.start().await;
    let orphan = keep_busy(&embedded.url()).await;
    let killed = place.server();
    kill(killed, Signal::SIGKILL).unwrap();
    eventually("it answers again", async || place.answers_after(killed).await).await;
    assert!(orphan.is_finished(), "two servers on one cluster");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_dead_server_is_noticed_even_if_its_parent_hangs() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    program.ready().await;
    let embedded = place.start().await;
    let killed = place.server();
    kill(program.pid(), Signal::SIGSTOP).unwrap();
    kill(killed, Signal::SIGKILL).unwrap();
    eventually("it answers again", async || place.answers_after(killed).await).await;
    program.kill().await;
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_outlived_its_program_is_adopted() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    program.ready().await;
    let server = place.server();
    program.kill().await;
    assert!(place.runs(), "the server died with its program");

    let embedded = place.start().await;
    assert_eq!(place.server(), server);
    kill(server, Signal::SIGKILL).unwrap();
    eventually("an adopted one is watched", async || place.answers_after(server).await).await;
    embedded.stop().await.unwrap();
    assert!(!place.runs());
}

#[tokio::test]
async fn a_program_and_a_server_killed_together_start_again() {
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    let orphan = keep_busy(&program.ready().await).await;
    let server = place.server();
    program.kill().await;
    kill(server, Signal::SIGKILL).unwrap();
    let embedded = place.start().await;
    assert!(orphan.is_finished(), "two servers on one cluster");
    assert_ne!(place.server(), server);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_recycled_process_id_is_not_taken_for_the_server() {
    let place = Place::new();
    drop(place.start().await);
    let server = place.server();
    let lock = place.data().join("postgres/socket/.s.PGSQL.5432.lock");
    let files = [place.cluster().join("postmaster.pid"), lock];
    let texts = files.clone().map(|file| fs::read_to_string(file).unwrap());
    kill(server, Signal::SIGKILL).unwrap();
    eventually("the server is gone", async || is_gone(server)).await;

    // A process of the same user's, which PostgreSQL itself would take for its server.
    let owner = User::from_uid(Uid::from_raw(fs::metadata(&files[0]).unwrap().uid()));
    let mut sleep = StdCommand::new("sleep");
    sleep.arg("600");
    if is_root() {
        let owner = owner.unwrap().unwrap();
        sleep.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
    }
    let mut other = Command::from(sleep).kill_on_drop(true).spawn().unwrap();
    let recycled = other.id().unwrap().to_string();
    for (file, text) in files.iter().zip(texts) {
        fs::write(file, text.replacen(&server.to_string(), &recycled, 1)).unwrap();
    }

    let embedded = place.start().await;
    assert_ne!(place.server().to_string(), recycled);
    embedded.stop().await.unwrap();
    assert!(other.try_wait().unwrap().is_none(), "the other process was hit");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_doubled() {
    let place = Place::new();
    drop(place.start().await);
    let server = place.server();
    kill(server, Signal::SIGSTOP).unwrap();
    let start_timeout = Duration::from_millis(300);
    let impatient = EmbeddedOptions { start_timeout, ..options(&place.data()) };
    let error = Embedded::start(impatient).await.unwrap_err();
    assert!(matches!(error, PostgresError::StartTimeout { .. }), "{error}");
    kill(server, Signal::SIGCONT).unwrap();
    let embedded = place.start().await;
    assert_eq!(place.server(), server);
    embedded.stop().await.unwrap();
}
