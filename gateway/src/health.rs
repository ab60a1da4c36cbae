//! Probes and metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::app::App;
use crate::error::ApiError;
use crate::telemetry::metrics::present;

/// How long metrics wait for the log's head, which is looked up in the database.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(1);

/// The process runs.
pub async fn live() -> impl IntoResponse {
    Json(json!({ "status": "live" }))
}

/// It can do its work: the database answers, no read model has stopped, nobody told it to stop.
/// Says which part is not well, and nothing of anybody's data.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let database = app.reader.ping().await.is_ok();
    let stopped: Vec<&str> = app
        .reader
        .watermarks()
        .all()
        .filter(|(_, mark)| mark.stopped.is_some())
        .map(|(name, _)| name)
        .collect();
    let stopping = app.stop.is_cancelled();
    let well = database && stopped.is_empty() && !stopping;
    let body = json!({
        "status": if well { "ready" } else { "not ready" },
        "database": if database { "up" } else { "down" },
        "stoppedReadModels": stopped,
        "stopping": stopping,
    });
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// Metrics in Prometheus' text format; they tell of volumes, so they take a token.
///
/// # Errors
/// If the caller is nobody.
pub async fn metrics(
    State((app, metrics)): State<(Arc<App>, PrometheusHandle)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.auth.caller(&headers)?;
    let head = app.log.known_head();
    metrics::gauge!("millrace_log_head_position").set(head.0 as f64);
    metrics::gauge!("millrace_queries_cache_bytes").set(app.reader.cache().bytes() as f64);
    for (name, mark) in app.reader.watermarks().all() {
        let lag = (head.0 - mark.reached.0).max(0);
        metrics::gauge!("millrace_projection_lag_positions", "projection" => name).set(lag as f64);
    }
    if let Ok(Ok(parked)) = tokio::time::timeout(HEAD_WAIT_MAX, app.reader.parked_counts()).await {
        for (projection, count) in parked {
            metrics::gauge!("millrace_projection_parked", "projection" => projection)
                .set(count as f64);
        }
    }
    let chain_head = tokio::time::timeout(HEAD_WAIT_MAX, app.log.chain_head()).await;
    let chain_head = match chain_head {
        Ok(Ok(Some(head))) => {
            present("millrace_log_chain_head", &head.hash.to_string(), head.position.0)
        }
        // The log is empty, or the database is away: the other metrics tell more of that.
        Ok(Ok(None) | Err(_)) | Err(_) => String::new(),
    };
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content_type, metrics.render() + &chain_head).into_response())
}
