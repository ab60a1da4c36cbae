//! Connections to PostgreSQL, for the log and for those above it. Not which server: that is
//! configuration.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
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
    drive(config, Arc::new(|_| ()), ended).await
}

/// As [`connect`]; every notification's payload goes to `heard`.
pub(super) async fn listen(config: &Config, heard: Heard) -> Result<Client, ConnectError> {
    drive(config, heard, || ()).await
}

async fn drive(
    config: &Config,
    heard: Heard,
    ended: impl FnOnce() + Send + 'static,
) -> Result<Client, ConnectError> {
    let mut config = config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT_MAX);
    }
    config.keepalives_idle(Duration::from_secs(10));
    let (client, mut connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
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
    Ok(client)
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
    Pool::builder(Manager::from_config(config.clone(), NoTls, recycling))
        .max_size(limits.readers_max)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(limits.reader_wait_max))
        .create_timeout(Some(CONNECT_WAIT_MAX))
        .build()
        .map_err(|error| LogError::Unavailable(error.to_string()))
}
