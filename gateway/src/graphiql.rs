//! The explorer page, from the program itself: nothing is loaded from anywhere else.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::Redirect;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// What the page may load and run. GraphiQL sets styles, and carries its fonts in its own.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; img-src 'self' data:";

macro_rules! web {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $file))
    };
}

/// The files: path, content type, bytes.
const FILES: [(&str, &str, &[u8]); 7] = [
    ("/graphiql", HTML, web!("graphiql.html")),
    ("/graphiql/graphiql.js", SCRIPT, web!("graphiql.js")),
    ("/graphiql/examples.js", SCRIPT, web!("examples.js")),
    ("/graphiql/graphiql.min.js", SCRIPT, web!("node_modules/graphiql/graphiql.min.js")),
    ("/graphiql/graphiql.min.css", STYLE, web!("node_modules/graphiql/graphiql.min.css")),
    (
        "/graphiql/react.production.min.js",
        SCRIPT,
        web!("node_modules/react/umd/react.production.min.js"),
    ),
    (
        "/graphiql/react-dom.production.min.js",
        SCRIPT,
        web!("node_modules/react-dom/umd/react-dom.production.min.js"),
    ),
];

/// The page and its files. Pages are public, data is not.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let slash = Router::new().route("/graphiql/", get(|| async { Redirect::to("/graphiql") }));
    FILES.into_iter().fold(slash, |router, (path, content_type, bytes)| {
        let headers = [
            (CONTENT_TYPE, content_type),
            (CONTENT_SECURITY_POLICY, POLICY),
            (CACHE_CONTROL, "no-cache"),
        ];
        router.route(path, get(move || async move { (headers, bytes) }))
    })
}
