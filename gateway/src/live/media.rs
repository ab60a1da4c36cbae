//! Media types of GraphQL over HTTP: in which one a request comes, and in which ones its answer may
//! go out. (https://graphql.github.io/graphql-over-http/draft)

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::{ApiError, Code};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
const EVENTS: &str = "text/event-stream";

/// What an answer in JSON is called; the status of a refused request goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `application/json`: 200 says that it was a request, whatever became of it.
    Json,
    /// `application/graphql-response+json`: 200 says that it was executed.
    GraphQl,
}

impl Kind {
    /// Its `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => JSON,
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
        })
    }
}

/// In what a caller takes an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Accepted {
    /// In JSON, and in which; none: not at all.
    pub(super) kind: Option<Kind>,
    /// As Server-Sent Events.
    pub(super) events: bool,
}

impl Accepted {
    /// What the header `Accept` says. Of what is wanted as much, that counts which stands first;
    /// who takes anything gets what everybody understands.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::ACCEPT) {
            return Self { kind: Some(Kind::Json), events: false };
        }
        let (mut best, mut events) = (None, false);
        let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let (name, weight) = weighed(range);
            let kind = match name.as_str() {
                GRAPHQL => Kind::GraphQl,
                JSON | "application/*" | "*/*" => Kind::Json,
                EVENTS => {
                    events = weight > 0.0;
                    continue;
                }
                _ => continue,
            };
            if weight > best.map_or(0.0, |(weight, _)| weight) {
                best = Some((weight, kind));
            }
        }
        Self { kind: best.map(|(_, kind)| kind), events }
    }

    /// The same, if there is anything in it that can be had.
    pub(super) fn any(self) -> Result<Self, ApiError> {
        if self.kind.is_some() || self.events {
            return Ok(self);
        }
        let message = format!("`Accept` names nothing that there is: {GRAPHQL}, {JSON}, {EVENTS}");
        Err(ApiError::new(Code::NotAcceptable, message))
    }
}

/// A media range of `Accept`, and its weight (RFC 9110, 12.4.2).
fn weighed(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

/// Refuses a body that does not say that it is JSON in UTF-8. Browsers let any page send what does
/// not say so, without asking here first.
pub(super) fn posted(headers: &HeaderMap) -> Result<(), ApiError> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.unwrap_or_default();
    let (name, parameters) = told.split_once(';').unwrap_or((told, ""));
    let charset = parameters.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    let is_utf8 = charset.is_none_or(|charset| matches!(charset.as_str(), "utf-8" | "utf8"));
    if name.trim().eq_ignore_ascii_case(JSON) && is_utf8 {
        return Ok(());
    }
    let message = "the body of a POST is JSON in UTF-8: send `Content-Type: application/json`";
    Err(ApiError::new(Code::UnsupportedMediaType, message))
}

/// Calls every answer in JSON what the caller takes, errors of the whole request too.
pub async fn named(request: Request, next: Next) -> Response {
    let kind = Accepted::of(request.headers()).kind;
    let mut response = next.run(request).await;
    if let Some(kind @ Kind::GraphQl) = kind {
        let headers = response.headers_mut();
        if headers.get(header::CONTENT_TYPE).is_some_and(|name| name == JSON) {
            headers.insert(header::CONTENT_TYPE, kind.content_type());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(line: &str) -> (Option<Kind>, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, line.parse().unwrap());
        let Accepted { kind, events } = Accepted::of(&headers);
        (kind, events)
    }

    #[test]
    fn what_is_wanted_most_and_stands_first_is_given() {
        let (json, graphql) = (Some(Kind::Json), Some(Kind::GraphQl));
        for (line, kind, events) in [
            ("*/*", json, false),
            ("application/json", json, false),
            ("application/graphql-response+json; charset=utf-8, application/json", graphql, false),
            ("application/json, application/graphql-response+json", json, false),
            ("application/json;q=0.5, application/graphql-response+json;q=0.9", graphql, false),
            (
                "Application/GraphQL-Response+JSON, text/event-stream, multipart/mixed",
                graphql,
                true,
            ),
            ("text/event-stream", None, true),
            ("text/event-stream;q=0, */*;q=0.1", json, false),
            ("text/html, image/*", None, false),
            ("application/json;q=0", None, false),
            ("application/json;q=much", None, false),
            ("", None, false),
        ] {
            assert_eq!(accepted(line), (kind, events), "{line}");
        }
        assert_eq!(Accepted::of(&HeaderMap::new()).kind, json);
    }

    #[test]
    fn a_body_is_json_in_utf_8_or_refused() {
        for (told, fits) in [
            ("application/json", true),
            ("Application/JSON ; Charset=\"UTF-8\"", true),
            ("application/json; profile=x; charset=utf8", true),
            ("application/json; charset=utf-16", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain;charset=UTF-8", false),
            ("application/jsonp", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, told.parse().unwrap());
            assert_eq!(posted(&headers).is_ok(), fits, "{told}");
        }
        assert!(posted(&HeaderMap::new()).is_err());
    }
}
