//! Asks at the socket whether a server answers and which process it is; no statement is sent
//! here.

use std::io;
use std::time::Duration;

use nix::unistd::Pid;
use tokio::net::UnixStream;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::error::{PostgresError, cannot};
use super::layout::{Layout, ROLE};
use super::process;

/// How long a server may take to answer before it counts as busy.
const ANSWER: Duration = Duration::from_secs(2);

/// What is found at the socket.
pub(super) enum Answer {
    /// A server that accepts connections.
    Ready(Pid, Client),
    /// A server that does not accept connections now, and why: it starts up or shuts down.
    NotNow(String),
    /// No server.
    Nobody,
}

/// Signs in to `database`, if a server of ours listens at the socket.
pub(super) async fn ask(layout: &Layout, database: &str) -> Result<Answer, PostgresError> {
    let (stream, pid) = match reach(layout).await? {
        Reached::Server(stream, pid) => (stream, pid),
        Reached::Busy(reason) => return Ok(Answer::NotNow(reason)),
        Reached::Nobody => return Ok(Answer::Nobody),
    };
    let mut config = Config::new();
    config.user(ROLE).dbname(database).application_name("millrace supervisor");
    let answer = tokio::time::timeout(ANSWER, config.connect_raw(stream, NoTls)).await;
    Ok(match answer {
        Err(_) => Answer::NotNow("it does not answer".into()),
        Ok(Err(e)) if e.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            let cluster = layout.cluster();
            return Err(PostgresError::Refused { what: "let us sign in", cluster, source: e });
        }
        Ok(Err(e)) => Answer::NotNow(reason(&e)),
        Ok(Ok((client, connection))) => {
            // Ends when the client is dropped; what went wrong is told to the client.
            tokio::spawn(async move { drop(connection.await) });
            Answer::Ready(pid, client)
        }
    })
}

/// The process that listens at the socket, or else that the cluster's `postmaster.pid` names.
pub(super) async fn server(layout: &Layout) -> Result<Option<Pid>, PostgresError> {
    match reach(layout).await? {
        Reached::Server(_, pid) => Ok(Some(pid)),
        Reached::Busy(_) | Reached::Nobody => Ok(process::server_of(&layout.cluster())),
    }
}

enum Reached {
    Server(UnixStream, Pid),
    Busy(String),
    Nobody,
}

/// Connects to the socket. The kernel says which process listens there and as whom it runs, so
/// that a stranger's is not trusted, and a recycled process id not signalled.
async fn reach(layout: &Layout) -> Result<Reached, PostgresError> {
    let path = layout.socket();
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(e) => match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                return Ok(Reached::Nobody);
            }
            io::ErrorKind::PermissionDenied => return Err(cannot("connect to", &path)(e)),
            _ => return Ok(Reached::Busy(e.to_string())),
        },
    };
    let peer = stream.peer_cred().map_err(cannot("ask who listens at", &path))?;
    layout.account.must_own(&path, peer.uid())?;
    let by_kernel = peer.pid().filter(|pid| *pid > 0).map(Pid::from_raw);
    match by_kernel.or_else(|| process::server_of(&layout.cluster())) {
        Some(pid) => Ok(Reached::Server(stream, pid)),
        // It runs where its process cannot be seen, such as in another container.
        None => Ok(Reached::Busy("its process cannot be seen from here".into())),
    }
}

fn reason(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}
