//! The pages for the browser, from the program itself: GraphiQL at `/graphiql`, and `/live`, which
//! shows what happens. Nothing is loaded from anywhere else; pages are public, data is not.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::response::Redirect;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// What GraphiQL may load and run. It sets styles, and carries its fonts in its own.
const GRAPHIQL: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; img-src 'self' data:";

/// What the other page may: its own files, and to ask where it comes from.
const LIVE: &str = "default-src 'self'; img-src data:; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

macro_rules! web {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $file))
    };
}

/// A file of a page: its path, what it may load, its content type, its bytes.
type File = (&'static str, &'static str, &'static str, &'static [u8]);

const FILES: [File; 10] = [
    ("/live", LIVE, HTML, web!("live/live.html")),
    ("/live/live.js", LIVE, SCRIPT, web!("live/live.js")),
    ("/live/live.css", LIVE, STYLE, web!("live/live.css")),
    ("/graphiql", GRAPHIQL, HTML, web!("graphiql.html")),
    ("/graphiql/graphiql.js", GRAPHIQL, SCRIPT, web!("graphiql.js")),
    ("/graphiql/examples.js", GRAPHIQL, SCRIPT, web!("examples.js")),
    ("/graphiql/graphiql.min.js", GRAPHIQL, SCRIPT, web!("node_modules/graphiql/graphiql.min.js")),
    ("/graphiql/graphiql.min.css", GRAPHIQL, STYLE, web!("node_modules/graphiql/graphiql.min.css")),
    (
        "/graphiql/react.production.min.js",
        GRAPHIQL,
        SCRIPT,
        web!("node_modules/react/umd/react.production.min.js"),
    ),
    (
        "/graphiql/react-dom.production.min.js",
        GRAPHIQL,
        SCRIPT,
        web!("node_modules/react-dom/umd/react-dom.production.min.js"),
    ),
];

/// The pages and their files.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let slashes = Router::new()
        .route("/graphiql/", get(|| async { Redirect::to("/graphiql") }))
        .route("/live/", get(|| async { Redirect::to("/live") }));
    FILES.into_iter().fold(slashes, |router, (path, policy, content_type, bytes)| {
        let headers = [
            (CONTENT_TYPE, content_type),
            (CONTENT_SECURITY_POLICY, policy),
            (CACHE_CONTROL, "no-cache"),
            (REFERRER_POLICY, "no-referrer"),
            (X_FRAME_OPTIONS, "DENY"),
        ];
        router.route(path, get(move || async move { (headers, bytes) }))
    })
}
