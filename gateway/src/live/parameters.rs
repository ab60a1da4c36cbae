//! The parameters of a request: in a body, or in a URL. Each has its type, or the request is none.

use std::collections::BTreeMap;

use async_graphql::{Name, Request, Value, Variables};
use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{ApiError, Code};

/// What is a map in JSON, and nothing else.
type Map = BTreeMap<Name, Value>;

/// The parameters in a body. Null is as good as nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<Map>,
    /// Nothing of ours is in it.
    #[serde(rename = "extensions")]
    _extensions: Option<BTreeMap<String, IgnoredAny>>,
}

/// The parameters in a URL: the maps are texts in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linked {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The request in a body. A list of several is refused: every limit is that of one request.
pub(super) fn posted(body: &[u8]) -> Result<Request, ApiError> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let parsed = match is_list {
        true => Err("it is a list, and requests come one by one".to_owned()),
        false => serde_json::from_slice::<Posted>(body).map_err(|error| error.to_string()),
    };
    let posted = parsed.map_err(|error| {
        let message = format!(
            "the body is no GraphQL request: {error}; \
             send JSON: {{\"query\": …, \"variables\": …}}",
        );
        ApiError::new(Code::InvalidQuery, message)
    })?;
    request(posted.query, posted.operation_name, posted.variables)
}

/// The request in a URL.
pub(super) fn linked(uri: &Uri) -> Result<Request, ApiError> {
    let refused = |error: String| ApiError::new(Code::InvalidQuery, error);
    let Query(link) = Query::<Linked>::try_from_uri(uri).map_err(|e| refused(e.body_text()))?;
    let map = |name: &str, text: Option<String>| {
        let parsed = text.as_deref().map(serde_json::from_str::<Option<Map>>).transpose();
        parsed.map(Option::flatten).map_err(|error| refused(format!("`{name}`: {error}")))
    };
    map("extensions", link.extensions)?;
    request(link.query, link.operation_name, map("variables", link.variables)?)
}

fn request(
    query: String,
    operation_name: Option<String>,
    variables: Option<Map>,
) -> Result<Request, ApiError> {
    if query.trim().is_empty() {
        let message = "there is no query; send JSON: {\"query\": …, \"variables\": …}";
        return Err(ApiError::new(Code::InvalidQuery, message));
    }
    let variables = Value::Object(variables.unwrap_or_default().into_iter().collect());
    let mut request = Request::new(query).variables(Variables::from_value(variables));
    // In a URL nothing and no name are the same.
    request.operation_name = operation_name.filter(|name| !name.is_empty());
    Ok(request)
}
