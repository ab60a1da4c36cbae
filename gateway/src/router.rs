//! Every route on one page, and what all of them share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::{Listener, ListenerExt};
use metrics_exporter_prometheus::PrometheusHandle;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::app::{App, fresh_id};
use crate::config::Config;
use crate::error::{ApiError, Code};
use crate::{graphql, health, live, pages};

/// The routes of a running gateway.
pub fn router(app: Arc<App>, metrics: PrometheusHandle) -> Router {
    let schema = graphql::schema(app.clone());
    let body_bytes_max = app.config.server.body_bytes_max;
    let request_wait_max = Duration::from_millis(app.config.server.request_wait_max_ms);
    let places = app.config.server.requests_max.min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(places));
    let admission = middleware::from_fn(move |request: Request, next: Next| {
        admit(places.clone(), request, next)
    });
    let named = middleware::from_fn(live::media::named);
    let live = get(live::get).post(live::post).layer(admission).layer(named);
    Router::new()
        .route("/graphql", live)
        .with_state((app.clone(), schema))
        .route("/metrics", get(health::metrics).with_state((app.clone(), metrics)))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready).with_state(app))
        .merge(pages::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            within(request_wait_max, request, next)
        }))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(span))
}

/// Connections of somebody who takes nothing of what is sent to him for too long end: the kernel
/// sees to it, for whoever writes may be waiting for him.
pub fn unstalled(listener: TcpListener, config: &Config) -> impl Listener<Addr = SocketAddr> {
    let wait = Duration::from_millis(config.live.stalled_wait_max_ms);
    listener.tap_io(move |stream| {
        let limited = SockRef::from(&*stream).set_tcp_user_timeout(Some(wait));
        // What is pushed is small, and is not to wait for more.
        if let Err(error) = limited.and_then(|()| stream.set_nodelay(true)) {
            tracing::warn!(%error, "a connection is not set up as it should be");
        }
    })
}

async fn unknown_path(request: Request) -> ApiError {
    let message = format!("there is nothing at {}; GraphQL is at /graphql", request.uri().path());
    ApiError::new(Code::NotFound, message)
}

async fn wrong_method(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    ApiError::new(Code::MethodNotAllowed, format!("{path} does not take {method}"))
}

/// Lets a request in if it finds a place. Probes and metrics need none: they answer at busy times.
async fn admit(places: Arc<Semaphore>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire_owned() else {
        let message = "too many requests are under way; try again in a moment";
        return ApiError::new(Code::Busy, message).into_response();
    };
    next.run(request).await
}

/// No request takes longer. What it began goes on: repeat it with the same idempotency key.
async fn within(wait_max: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(wait_max, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = "the request took too long; a write may still happen: repeat it with \
                           the same idempotency key";
            ApiError::new(Code::Timeout, message).into_response()
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::internal(&format!("panic: {said}")).into_response()
}

/// One span a request, with an id that its commands carry too.
async fn span(request: Request, next: Next) -> Response {
    let id = fresh_id();
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id = %id,
        correlation = tracing::field::Empty,
        status = tracing::field::Empty,
    );
    let started = std::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    let took = started.elapsed().as_secs_f64();
    metrics::histogram!("millrace_gateway_request_seconds").record(took);
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
