//! `serve`: gateway and workers in one process.

pub(super) mod demo;

use std::future::IntoFuture;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::parts::{Database, Parts};
use super::{Failure, print};
use crate::app::{App, system_clock};
use crate::auth::{Auth, administrator_token};
use crate::config::Config;
use crate::demo::guide::Guide;
use crate::live::documents::Documents;
use crate::live::sharing::Live;
use crate::{router, telemetry};

/// Serves until it is told to stop; with a guide to the demo, it sees to that first.
pub(super) async fn run(
    data: PathBuf,
    config: Config,
    guide: Option<Guide>,
    works: bool,
) -> Result<(), Failure> {
    config.check()?;
    // Before anything else is started: a port in use is found at once.
    let listener = listen(&config.server.listen).await?;
    std::fs::create_dir_all(&data).map_err(|error| {
        Failure::usage(&format!("the data directory {}: {error}", data.display()))
    })?;
    let stop = stop_signal()?;
    let database = Database::open(&data, &config).await?;
    let served = serve(&data, (config, works), listener, &database, stop, guide).await;
    let closed = database.close().await;
    served.and(closed)
}

async fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure::work(&format!(
            "{address} is in use by another program; stop that, or choose another address with \
             `--listen`, such as --listen 127.0.0.1:0 for any free port"
        )),
        _ => Failure::usage(&format!("cannot listen on `{address}` (`server.listen`): {error}")),
    })
}

/// Cancelled by SIGTERM or SIGINT. A second one ends the program at once.
pub(super) fn stop_signal() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure::work(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| Failure::work(&error))?;
    let told = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("stopping");
            told.cancel();
        }
    });
    Ok(stop)
}

async fn serve(
    data: &std::path::Path,
    (config, works): (Config, bool),
    listener: TcpListener,
    database: &Database,
    stop: CancellationToken,
    guide: Option<Guide>,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::work(error);
    let metrics = telemetry::start_metrics().map_err(|error| failed(&error))?;
    database.migrate().await?;
    let token = administrator_token(data).map_err(|error| failed(&error))?;
    let (to, masters) = (database.config(), database.masters().clone().source());
    let parts = match works {
        true => Parts::start(to, masters, &config).await?,
        false => Parts::without_workers(to, masters, &config).await?,
    };
    let stop_wait_max = Duration::from_millis(config.server.stop_wait_max_ms);
    let clock = system_clock();
    let guide = match demo::fill(guide, &parts, &clock, &stop).await {
        Ok(guide) if !stop.is_cancelled() => guide,
        ended => {
            parts.stop().await;
            return ended.map(drop);
        }
    };
    let app = App {
        executor: parts.executor.clone(),
        reader: parts.reader.clone(),
        log: parts.log.clone(),
        auth: Auth::new(&token),
        documents: Documents::new(config.graphql.documents_max),
        clock,
        live: Live::new(config.live.clone()),
        config: Arc::new(config),
        stop: stop.clone(),
    };
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let listener = router::unstalled(listener, &app.config);
    let router = router::router(Arc::new(app), metrics);
    let server =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    print(&format!("ready http://{address}"))?;
    if let Some(guide) = guide {
        demo::tell(&guide, &format!("http://{address}"));
    }
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => {
            let ended = ended.map_err(|error| failed(&error))?;
            ended.map_err(|error| failed(&error))?;
        }
        () = late(&stop, stop_wait_max) => {
            tracing::warn!("some requests did not end in time; they are cut off");
            server.abort();
        }
    }
    parts.stop().await;
    Ok(())
}

/// So long after the stop was asked for.
async fn late(stop: &CancellationToken, wait: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(wait).await;
}
