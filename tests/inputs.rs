//! Claims about bad input, through the front door: it is refused with the right code, a message to
//! act on and the field, and nothing is half-done.

mod media;
mod noise;
mod queries;
mod repeats;
mod requests;
mod sockets;
mod values;

use harness::shop::mutation_of;
use harness::{Shop, TestApp};
use serde_json::{Value, json};

/// An id that nothing has.
pub(crate) const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// The first error of an answer.
#[derive(Debug)]
struct Told {
    code: String,
    message: String,
    field: String,
    extensions: Value,
}

impl Told {
    fn of(body: &Value) -> Self {
        let error = &body["errors"][0];
        let extensions = &error["extensions"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert!(extensions["code"].is_string(), "not refused, or without a code: {body}");
        Self {
            code: text(&extensions["code"]),
            message: text(&error["message"]),
            field: text(&extensions["field"]),
            extensions: extensions.clone(),
        }
    }

    #[track_caller]
    fn is(&self, code: &str, field: &str, telling: &str) {
        assert_eq!((self.code.as_str(), self.field.as_str()), (code, field), "{self:?}");
        assert!(self.message.contains(telling), "`{telling}` is not in {self:?}");
    }
}

/// A mutation, its input, and what it is told: the code, the field, a telling part of the message.
pub(crate) type Case<'a> = (&'a str, Value, &'a str, &'a str, &'a str);

/// Each is refused as it says, and leaves nothing in the log.
pub(crate) async fn refused(app: &TestApp, shop: &Shop, cases: &[Case<'_>]) {
    let before = app.facts().await;
    for (mutation, input, code, field, telling) in cases {
        let variables = json!({ "input": input });
        let (status, _, body) = shop.client.post(&mutation_of(mutation), variables).await;
        assert_eq!(status, 200, "{mutation} {input}: {body}");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
        Told::of(&body).is(code, field, telling);
        assert_eq!(app.facts().await, before, "{mutation} {input} left something");
    }
}

/// An order of one line, with one entry of the order or, if its name begins with `line.`, of the
/// line set to this.
fn order_with(order: &Value, name: &str, value: Value) -> Value {
    let mut order = order.clone();
    match name.strip_prefix("line.") {
        Some(name) => order["lines"][0][name] = value,
        None => order[name] = value,
    }
    order
}
