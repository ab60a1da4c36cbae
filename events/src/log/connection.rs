//! Connections to PostgreSQL, for the log and for those above it: how one is opened, and how one is
//! noticed that goes nowhere any more. Not which server: that is configuration.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::{LogError, LogLimits};

/// How long a server may take to let somebody in, unless the address says otherwise.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);

/// A connection could not be made.
pub type ConnectError = tokio_postgres::Error;

/// What hears the notifications of a connection.
pub(super) type Heard = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens a connection and drives it in the background until the client is dropped.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn connect(config: &Config) -> Result<Client, ConnectError> {
    watched(config, || ()).await
}

/// As [`connect`]; `ended` is called once the connection is no more.
///
/// # Errors
/// As [`connect`].
pub async fn watched(
    config: &Config,
    ended: impl FnOnce() + Send + 'static,
) -> Result<Client, ConnectError> {
    Ok(drive(config, Arc::new(|_| ()), ended).await?.0)
}

/// As [`watched`]; every notification on a channel is told to `heard`.
///
/// # Errors
/// As [`connect`].
pub async fn listening(
    config: &Config,
    channel: &str,
    heard: impl Fn(&str) + Send + Sync + 'static,
    ended: impl FnOnce() + Send + 'static,
) -> Result<Client, ConnectError> {
    let client = drive(config, Arc::new(heard), ended).await?.0;
    client.batch_execute(&format!("listen {channel}")).await?;
    Ok(client)
}

/// The same address, over which a server that is gone is noticed within half a minute, whether
/// something was sent to it or is waited for.
#[must_use]
pub fn vigilant(config: &Config) -> Config {
    let mut config = config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT_MAX);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(20));
    }
    config.keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(3)).keepalives_retries(3);
    config
}

/// What the server has of a connection. It may outlive it: a server does not notice at once that
/// its client is gone, nor at all that one it cannot reach is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pid: i32,
    /// Process ids come again.
    started_at: DateTime<Utc>,
}

/// A connection that ends with this value, whatever is still waited for: one that fell silent would
/// otherwise stay for ever.
pub(super) struct Line {
    pub(super) client: Client,
    driver: AbortHandle,
}

impl Line {
    /// Opens one; every notification's payload goes to `heard`.
    pub(super) async fn open(config: &Config, heard: Heard) -> Result<Self, ConnectError> {
        let (client, driver) = drive(config, heard, || ()).await?;
        Ok(Self { client, driver })
    }

    /// Its session.
    pub(super) async fn session(&self) -> Result<Session, ConnectError> {
        let row = self.client.query_one(include_str!("sql/session.sql"), &[]).await?;
        Ok(Session { pid: row.get("pid"), started_at: row.get("backend_start") })
    }

    /// Ends another session, if it is still there.
    pub(super) async fn end(&self, other: Session) -> Result<(), ConnectError> {
        let Session { pid, started_at } = other;
        self.client.execute(include_str!("sql/end_session.sql"), &[&pid, &started_at]).await?;
        Ok(())
    }

    /// Ends it: whoever waits for an answer gets an error.
    pub(super) fn cut(&self) {
        self.driver.abort();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn drive(
    config: &Config,
    heard: Heard,
    ended: impl FnOnce() + Send + 'static,
) -> Result<(Client, AbortHandle), ConnectError> {
    let (client, mut connection) = vigilant(config).connect(NoTls).await?;
    let driver = tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(message) = futures_util::StreamExt::next(&mut messages).await {
            match message {
                Ok(AsyncMessage::Notification(note)) => heard(note.payload()),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a database connection ended");
                    break;
                }
            }
        }
        ended();
    });
    Ok((client, driver.abort_handle()))
}

/// What went wrong, with its cause: "db error" alone says nothing.
pub(super) fn shown(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(refusal), _) => refusal.to_string(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// A pool of connections.
pub(super) fn pool(config: &Config, limits: &LogLimits) -> Result<Pool, LogError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(vigilant(config), NoTls, recycling))
        .max_size(limits.readers_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(limits.reader_wait_max))
        .create_timeout(Some(CONNECT_WAIT_MAX))
        .build()
        .map_err(|error| LogError::Unavailable(error.to_string()))
}
