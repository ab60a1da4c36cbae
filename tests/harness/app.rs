//! A whole Millrace in the test's process: its own database, its own port, a clock to move.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use events::personal::{KEY_BYTES, Masters, Source};
use events::words::Position;
use gateway::app::App;
use gateway::auth::Auth;
use gateway::config::Config;
use gateway::live::documents::Documents;
use gateway::live::sharing::Live;
use gateway::verbs::parts::Parts;
use gateway::{router, telemetry};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::clock::ManualClock;
use crate::cluster::TestDatabase;

/// The token of the administrator.
pub const TOKEN: &str = "the-administrator";

/// A whole Millrace in the test's process.
pub struct TestApp {
    /// Its database.
    pub database: TestDatabase,
    /// The parts behind the gateway.
    pub parts: Parts,
    /// The clock that decisions see.
    pub clock: ManualClock,
    /// The gateway's address.
    pub url: String,
    /// Cancelled to stop the gateway.
    pub stop: CancellationToken,
    server: JoinHandle<()>,
}

/// A gateway over a database that others use too.
pub struct Gateway {
    /// The parts behind it.
    pub parts: Parts,
    /// Its address.
    pub url: String,
    /// Cancelled to stop it.
    pub stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Gateway {
    async fn run(
        database: &TestDatabase,
        config: Config,
        works: bool,
        clock: &ManualClock,
    ) -> Self {
        // Before anything can be counted.
        let metrics = metrics();
        let parts = match works {
            true => Parts::start(&database.config, masters(), &config).await,
            false => Parts::without_workers(&database.config, masters(), &config).await,
        };
        let parts = parts.unwrap_or_else(|error| panic!("starting the parts: {error:?}"));
        let stop = CancellationToken::new();
        let app = App {
            executor: parts.executor.clone(),
            reader: parts.reader.clone(),
            log: parts.log.clone(),
            auth: Auth::new(TOKEN),
            documents: Documents::new(config.graphql.documents_max),
            clock: clock.clock(),
            live: Live::new(config.live.clone()),
            config: Arc::new(config),
            stop: stop.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let listener = router::unstalled(listener, &app.config);
        let router = router::router(Arc::new(app), metrics);
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
            served.expect("serving");
        });
        Self { parts, url, stop, server }
    }

    /// Stops it.
    pub async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(10), self.server).await;
        ended.expect("the gateway stops in time").expect("the gateway ends well");
        self.parts.stop().await;
    }
}

/// Runs a test in a Millrace of its own, and fails it if it leaves work undone.
pub fn test(claim: impl AsyncFnOnce(&TestApp)) {
    test_with(Config::default(), claim);
}

/// As [`test`], with other settings.
pub fn test_with(config: Config, claim: impl AsyncFnOnce(&TestApp)) {
    in_runtime(async {
        let app = TestApp::start(config).await;
        claim(&app).await;
        app.finish().await;
    });
}

/// As [`test_with`], in a Millrace that carries no read models on: others do, or nobody.
pub fn test_without_workers(config: Config, claim: impl AsyncFnOnce(&TestApp)) {
    in_runtime(async {
        let app = TestApp::run(TestDatabase::create().await, config, false).await;
        claim(&app).await;
        app.finish().await;
    });
}

/// As [`test`], over a database that something was done to before Millrace started.
pub fn test_after(before: impl AsyncFnOnce(&TestDatabase), claim: impl AsyncFnOnce(&TestApp)) {
    in_runtime(async {
        let database = TestDatabase::create().await;
        before(&database).await;
        let app = TestApp::over(database, Config::default()).await;
        claim(&app).await;
        app.finish().await;
    });
}

fn in_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| telemetry::start_metrics().expect("metrics")).clone()
}

/// The master keys of every test: the first wraps, the others are known.
#[must_use]
pub fn masters() -> Source {
    Arc::new(|| {
        Ok([2, 1, 7]
            .iter()
            .fold(Masters::default(), |masters, byte| masters.with_new([*byte; KEY_BYTES])))
    })
}

impl TestApp {
    /// Starts one over a fresh database.
    pub async fn start(config: Config) -> Self {
        Self::over(TestDatabase::create().await, config).await
    }

    async fn over(database: TestDatabase, config: Config) -> Self {
        Self::run(database, config, true).await
    }

    async fn run(database: TestDatabase, config: Config, works: bool) -> Self {
        let clock = ManualClock::at("2026-03-01T12:00:00Z");
        let gateway = Gateway::run(&database, config, works, &clock).await;
        let Gateway { parts, url, stop, server } = gateway;
        Self { database, parts, clock, url, stop, server }
    }

    /// One more gateway over the same database.
    pub async fn beside(&self, config: Config, works: bool) -> Gateway {
        Gateway::run(&self.database, config, works, &self.clock).await
    }

    /// Somebody with the administrator's token.
    #[must_use]
    pub fn administrator(&self) -> Client {
        Client::with_token(&self.url, TOKEN)
    }

    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.url)
    }

    /// How many facts there are.
    pub async fn facts(&self) -> i64 {
        let client = self.database.connect().await;
        let counted = client.query_one("select count(*) from log.events", &[]).await;
        counted.expect("the log").get(0)
    }

    /// Waits until every read model holds everything that the log does.
    pub async fn settled(&self) -> Position {
        let head = self.parts.log.head().await.expect("the head of the log");
        let names: Vec<_> = self.parts.reader.watermarks().all().map(|(name, _)| name).collect();
        let waited =
            self.parts.reader.watermarks().wait(&names, head, Duration::from_secs(30)).await;
        waited.unwrap_or_else(|pending| panic!("a read model stays behind: {pending}"));
        head
    }

    /// Stops everything.
    pub async fn end(self) {
        self.finish().await;
    }

    /// Stops everything; fails if a read model stays behind, or could not take a fact in.
    pub async fn finish(self) {
        self.settled().await;
        let parked = self.parts.reader.parked_counts().await.expect("parked facts");
        assert!(parked.iter().all(|(_, count)| *count == 0), "parked: {parked:?}");
        let Self { database, parts, url, stop, server, .. } = self;
        Gateway { parts, url, stop, server }.end().await;
        database.remove().await;
    }
}

/// A directory that is removed with the value, and that any user may enter.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn scratch() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix("millrace-test-").tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(Path::new(folder.path()), open).expect("its permissions");
    folder
}
