//! A GraphQL client over HTTP, as a program of a customer would be one.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// Somebody who calls the gateway.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// The gateway's address: `http://127.0.0.1:…`.
    pub url: String,
    /// Sent with every request.
    pub headers: HeaderMap,
}

impl Client {
    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(url: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build();
        let http = http.expect("an HTTP client");
        Self { http, url: url.to_owned(), headers: HeaderMap::new() }
    }

    /// Somebody with a token.
    #[must_use]
    pub fn with_token(url: &str, token: &str) -> Self {
        Self::anonymous(url).with("authorization", &format!("Bearer {token}"))
    }

    /// The same, sending one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("the name of a header");
        self.headers.insert(name, HeaderValue::from_str(value).expect("the value of a header"));
        self
    }

    /// The same, acting in this organization.
    #[must_use]
    pub fn within(self, slug: &str) -> Self {
        self.with("millrace-organization", slug)
    }

    /// Posts a query and gives back status, headers and body.
    pub async fn post(&self, query: &str, variables: Value) -> (u16, HeaderMap, Value) {
        self.try_post(query, variables).await.expect("an answer")
    }

    /// As [`Self::post`], but the gateway may be gone.
    ///
    /// # Errors
    /// If no whole answer comes.
    pub async fn try_post(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<(u16, HeaderMap, Value), reqwest::Error> {
        let body = json!({ "query": query, "variables": variables });
        let request = self.http.post(format!("{}/graphql", self.url));
        let response = request.headers(self.headers.clone()).json(&body).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok((status, headers, response.json().await?))
    }

    /// The data of a query that has to succeed.
    #[track_caller]
    pub fn ask(&self, query: &str, variables: Value) -> impl Future<Output = Value> + use<> {
        let (client, query) = (self.clone(), query.to_owned());
        async move {
            let (_, _, body) = client.post(&query, variables).await;
            assert!(body.get("errors").is_none(), "{query}: {body}");
            body["data"].clone()
        }
    }

    /// The first error of a query that has to fail: its code and its message.
    pub async fn refused(&self, query: &str, variables: Value) -> (String, String) {
        let (_, _, body) = self.post(query, variables).await;
        let error = &body["errors"][0];
        let code = error["extensions"]["code"].as_str();
        let code = code.unwrap_or_else(|| panic!("{query} was not refused: {body}"));
        (code.to_owned(), error["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a body as it is; headers beside the client's own may be given with it.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, HeaderMap, String) {
        let method = method.parse().expect("an HTTP method");
        let request = self.http.request(method, format!("{}{path}", self.url));
        let mut request = request.headers(self.headers.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.text().await.expect("a text"))
    }

    /// Gets a path: status, headers, text.
    pub async fn get(&self, path: &str) -> (u16, HeaderMap, String) {
        let request = self.http.get(format!("{}{path}", self.url)).headers(self.headers.clone());
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.text().await.expect("a text"))
    }

    /// Subscribes over Server-Sent Events: the answers, as they come.
    pub async fn subscribe(&self, query: &str, variables: Value) -> impl Stream<Item = Value> {
        let body = json!({ "query": query, "variables": variables });
        let request = reqwest::Client::new().post(format!("{}/graphql", self.url));
        let request = request.headers(self.headers.clone()).header("accept", "text/event-stream");
        let response = request.json(&body).send().await.expect("a subscription");
        assert_eq!(response.status(), 200);
        let mut text = String::new();
        let events = response.bytes_stream().take_while(|bytes| std::future::ready(bytes.is_ok()));
        events.flat_map(move |bytes| {
            text.push_str(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
            let mut answers = Vec::new();
            while let Some(end) = text.find("\n\n") {
                let event: String = text.drain(..end + 2).collect();
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                answers.extend(data.and_then(|data| serde_json::from_str(data).ok()));
            }
            futures_util::stream::iter(answers)
        })
    }
}

/// A column as GraphQL spells it: `onHand` for `on_hand`.
#[must_use]
pub fn camel_case(column: &str) -> String {
    let mut words = column.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| format!("{name}{}{}", word[..1].to_uppercase(), &word[1..]))
}
