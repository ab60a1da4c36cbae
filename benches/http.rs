//! A light client: HTTP/1.1 over connections that stay open, requests that are bytes already,
//! answers that are searched and not parsed. What is asked is the rows' business.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where requests go, and what all of them say of themselves.
#[derive(Debug, Clone)]
pub struct Door {
    /// Host and port.
    pub address: String,
    pub token: String,
    /// The slug of the organization to act in.
    pub organization: &'static str,
}

impl Door {
    /// A GraphQL request with this body.
    pub fn request(&self, body: &str) -> Vec<u8> {
        let Self { address, token, organization } = self;
        let length = body.len();
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             millrace-organization: {organization}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// A GraphQL request for a mutation, its input as JSON.
    pub fn mutation(&self, name: &str, input: &str) -> Vec<u8> {
        let query = harness::shop::mutation_of(name).replace(" position repeated", "");
        self.request(&format!(r#"{{"query":"{query}","variables":{{"input":{input}}}}}"#))
    }

    /// A connection that stays open.
    pub async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).await.expect("a connection to millrace");
        stream.set_nodelay(true).expect("no delay");
        Connection { stream, answer: Vec::with_capacity(4_096) }
    }
}

/// A connection that stays open.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Sends a request, and gives the answer's body, which has to come with the status 200.
    pub async fn exchange(&mut self, request: &[u8]) -> &str {
        self.stream.write_all(request).await.expect("sending a request");
        self.answer.clear();
        let (head, length) = loop {
            self.read().await;
            if let Some(end) = position(&self.answer, b"\r\n\r\n") {
                break (end + 4, content_length(&self.answer[..end]));
            }
        };
        while self.answer.len() < head + length {
            self.read().await;
        }
        let text = std::str::from_utf8(&self.answer).expect("an answer in UTF-8");
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        &text[head..]
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.answer).await.expect("an answer");
        assert!(read > 0, "millrace closed the connection");
    }
}

fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let begin = position(head, NAME).expect("a content-length") + NAME.len();
    let digits = head[begin..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
}

/// The id in an answer to a mutation; none, if it was refused.
pub fn id_of(answer: &str) -> Option<&str> {
    let begin = answer.find(r#""id":""#)? + 6;
    answer.get(begin..begin + 36)
}

/// Runs the work of clients on a thread of its own, beside whatever else runs: so much they may
/// take of the machine, and no more.
pub async fn on_one_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(work)
    };
    tokio::task::spawn_blocking(run).await.expect("the clients' thread")
}

/// Sends one request after another over each of so many connections, for so long: how many seconds
/// each took, and how long it was until the last was answered. `next` makes the request of a
/// connection; each has to succeed.
pub async fn load<N>(
    door: Door,
    connections: usize,
    lasting: Duration,
    client: impl Fn(usize) -> N + Send + 'static,
) -> (Vec<f64>, Duration)
where
    N: FnMut() -> Vec<u8> + Send,
{
    on_one_thread(async move {
        let opened = join_all((0..connections).map(|_| door.connect())).await;
        let started = Instant::now();
        let work = opened.into_iter().enumerate().map(|(number, mut connection)| {
            let mut next = client(number);
            async move {
                let mut taken = Vec::new();
                while started.elapsed() < lasting {
                    let request = next();
                    let asked = Instant::now();
                    let answer = connection.exchange(&request).await;
                    assert!(id_of(answer).is_some(), "refused: {answer}");
                    taken.push(asked.elapsed().as_secs_f64());
                }
                taken
            }
        });
        let taken = join_all(work).await.concat();
        (taken, started.elapsed())
    })
    .await
}
