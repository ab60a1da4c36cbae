//! Claims about `serve`: how it begins, what it says, how it ends.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::app::scratch;
use harness::cluster::TestDatabase;
use harness::socket::Heard;
use harness::{Program, Shop, Socket};
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::{block_on, fails};

const STOP: Duration = Duration::from_secs(10);

#[test]
fn a_port_in_use_is_told_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let started = Instant::now();
    let telling = [address.as_str(), "in use", "--listen 127.0.0.1:0"];
    fails(&["serve", "--listen", &address], &[], 1, &telling);
    assert!(started.elapsed() < Duration::from_secs(5), "before a database is started");
}

#[test]
fn an_address_that_is_none_is_named() {
    for address in ["8080", "localhost", "127.0.0.1:99999", "300.1.1.1:80", ":", ""] {
        fails(&["serve", "--listen", address], &[], 2, &["server.listen"]);
    }
}

#[test]
fn serve_prints_one_line_and_ends_well_when_told_to() {
    let place = scratch();
    let program = Program::serve(&place.path().join("data"), &[]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    block_on(async {
        let shop = Shop::open(&program.administrator(), "acme").await;
        shop.customer("Bolt & Co", json!(null)).await;
    });
    let started = Instant::now();
    let ended = program.end(STOP);
    assert!(ended.status.success(), "{ended:?}");
    assert!(started.elapsed() < STOP);
    assert_eq!(ended.out, "", "nothing behind `ready …`");
    for line in ended.log.lines() {
        let logged: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(logged["timestamp"].is_string() && logged["level"].is_string(), "{line}");
    }
}

#[test]
fn the_token_is_its_owners_alone_and_stays() {
    let place = scratch();
    let data = place.path().join("data");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let program = Program::serve(&data, &[]);
        let file = data.join("admin-token");
        let mode = fs::metadata(&file).expect("the token's file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        tokens.push(fs::read_to_string(&file).expect("the token"));
        assert!(program.terminate(STOP).success());
    }
    assert_eq!(tokens[0], tokens[1]);
    assert!(tokens[0].trim().len() >= 40, "nobody guesses it");
    let left: Vec<_> =
        fs::read_dir(&data).expect("the data").flatten().map(|f| f.file_name()).collect();
    let unfinished = left.iter().any(|name| name.to_string_lossy().contains("unfinished"));
    assert!(!unfinished, "{left:?}");
}

#[test]
fn no_secret_is_ever_logged() {
    let place = scratch();
    let data = place.path().join("data");
    let program = Program::serve(&data, &[("MILLRACE__LOGGING__FILTER", "trace")]);
    let token = fs::read_to_string(data.join("admin-token")).expect("the token");
    let token = token.trim().to_owned();
    block_on(async {
        let shop = Shop::open(&program.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let payload = json!({
            "Authorization": format!("Bearer {token}"), "Millrace-Organization": "acme",
        });
        let mut socket = Socket::ready(&program.url, payload).await;
        socket.subscribe("1", "subscription { ordersChanged { kind } }", json!({})).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        socket.data("1").await;
        shop.client.get("/metrics").await;
        shop.client.get("/graphql?query=%7B__typename%7D").await;
        let wrong = shop.client.clone().with("authorization", "Bearer another-secret-of-mine");
        wrong.post("{ __typename }", json!({})).await;
        let refused =
            shop.attempt("cancelOrder", json!({ "orderId": product, "reason": "" })).await;
        assert!(refused.is_err());
    });
    let ended = program.end(STOP);
    assert!(ended.status.success());
    assert!(ended.log.lines().count() > 100, "at `trace` much is logged");
    for secret in [token.as_str(), &token[4..], "another-secret-of-mine"] {
        let told = ended.log.lines().find(|line| line.contains(secret));
        assert_eq!(told, None);
    }
}

#[test]
fn a_stop_closes_sockets_as_going_away() {
    let place = scratch();
    let program = Program::serve(&place.path().join("data"), &[]);
    block_on(async {
        let token = fs::read_to_string(program.data.join("admin-token")).expect("the token");
        let payload = json!({ "Authorization": format!("Bearer {}", token.trim()) });
        let mut sockets = Vec::new();
        for _ in 0..5 {
            sockets.push(Socket::ready(&program.url, payload.clone()).await);
        }
        let stopping = tokio::task::spawn_blocking(move || program.end(STOP));
        for socket in &mut sockets {
            let heard = socket.heard().await;
            assert!(matches!(heard, Heard::Closed(1001, _)), "{heard:?}");
        }
        assert!(stopping.await.expect("an end").status.success());
    });
}

/// A way to a PostgreSQL that can be cut and mended: a socket of its own before the server's.
struct Way {
    to: PathBuf,
    at: PathBuf,
    open: Option<JoinHandle<()>>,
}

impl Way {
    /// Lets connections through.
    fn mend(&mut self) {
        drop(fs::remove_file(&self.at));
        let listener = UnixListener::bind(&self.at).expect("a socket");
        let to = self.to.clone();
        self.open = Some(tokio::spawn(async move {
            // Dropped with the task, and every connection with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let to = to.clone();
                connections.spawn(async move {
                    let mut to = UnixStream::connect(to).await.expect("the server");
                    drop(tokio::io::copy_bidirectional(&mut from, &mut to).await);
                });
            }
        }));
    }

    /// Ends every connection, and takes no more.
    async fn cut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            drop(open.await);
        }
        drop(fs::remove_file(&self.at));
    }
}

/// What `/health/ready` tells, once it tells this.
async fn told(program: &Program, status: u16) -> Value {
    let since = Instant::now();
    loop {
        let (found, _, text) = program.administrator().get("/health/ready").await;
        if found == status {
            return serde_json::from_str(&text).unwrap_or_default();
        }
        assert!(since.elapsed() < Duration::from_secs(30), "still {found}: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn it_is_not_ready_while_postgresql_is_away_and_recovers() {
    let place = scratch();
    block_on(async {
        let database = TestDatabase::create().await;
        let sockets = database.config.get_hosts().iter().find_map(|host| match host {
            tokio_postgres::config::Host::Unix(path) => Some(path.clone()),
            tokio_postgres::config::Host::Tcp(_) => None,
        });
        let port = database.config.get_ports().first().copied().unwrap_or(5432);
        let file = format!(".s.PGSQL.{port}");
        let to = sockets.expect("the server's sockets").join(&file);
        let mut way = Way { to, at: place.path().join(&file), open: None };
        way.mend();
        let (before, rest) = database.url.split_once("host=").expect("a host");
        let behind = rest.split_once('&').map_or("", |(_, behind)| behind);
        let host = place.path().to_string_lossy().replace('/', "%2F");
        let url = format!("{before}host={host}&{behind}");
        let program = Program::serve(&place.path().join("data"), &[("DATABASE_URL", &url)]);
        let shop = Shop::open(&program.administrator(), "acme").await;
        assert_eq!(told(&program, 200).await["database"], "up");
        for round in 0..3 {
            way.cut().await;
            let away = told(&program, 503).await;
            assert_eq!((&away["status"], &away["database"]), (&json!("not ready"), &json!("down")));
            let (status, _, _) = program.administrator().get("/health/live").await;
            assert_eq!(status, 200, "it lives all the same");
            let query = "{ organization { slug } }";
            let (code, message) = shop.client.refused(query, json!({})).await;
            assert_eq!(code, "UNAVAILABLE", "round {round}");
            assert!(message.contains("try again"), "{message}");
            way.mend();
            told(&program, 200).await;
            let customer = shop.run("openCustomer", json!({ "name": "Bolt & Co" })).await;
            let query = "query($id: ID!, $at: String) { customer(id: $id, atLeast: $at) { id } }";
            let variables = json!({ "id": customer["id"], "at": customer["position"] });
            let shown = shop.client.ask(query, variables).await;
            assert_eq!(shown["customer"]["id"], customer["id"], "round {round}");
        }
        let ended = tokio::task::spawn_blocking(move || program.end(STOP)).await.expect("an end");
        assert!(ended.status.success(), "{ended:?}");
        way.cut().await;
        database.remove().await;
    });
}
