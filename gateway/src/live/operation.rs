//! One operation of a client who is pushed to: what comes of it, one after another. A query or a
//! mutation brings one answer; a subscription is opened, and brings as many as there are.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::sharing::{Place, Shape};
use super::{body, data, operation};
use crate::app::App;
use crate::error::ApiError;
use crate::graphql::pushed::{Item, Items, Opened, Pushing};
use crate::graphql::{ApiSchema, Caller, Executed};

/// What comes of an operation.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// An answer, as JSON.
    Next(Arc<str>),
    /// It was refused, and not executed: the answer with its errors, as JSON.
    Refused(Arc<str>),
    /// It ends before its time, for this reason: whoever is pushed to is to come again.
    Over(ApiError),
    /// Nothing more comes of it.
    Complete,
}

/// What comes of an operation, until it is complete, or refused, or over.
pub(super) type Outcomes = BoxStream<'static, Outcome>;

/// Who executes operations.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    pub(super) schema: ApiSchema,
}

impl Desk {
    /// Begins an operation. A subscription stands once this returns.
    pub(super) async fn begin(&self, mut request: Request, caller: Caller) -> Outcomes {
        if operation(&self.app, &mut request) == Some(OperationType::Subscription) {
            return self.subscribe(request, caller).await;
        }
        let (desk, executed) = (self.clone(), Executed::default());
        request.data = data(&self.app, caller);
        request.data.insert(executed.clone());
        stream::once(async move {
            let response = desk.schema.execute(request).await;
            outcome(&response, &executed)
        })
        .chain(complete())
        .boxed()
    }

    async fn subscribe(&self, mut request: Request, caller: Caller) -> Outcomes {
        let refused = |error: ApiError| {
            let response = Response::from_errors(vec![server_error(error)]);
            stream::iter([outcome(&response, &Executed::default())]).boxed()
        };
        let place = match self.app.live.subscribe(caller.actor) {
            Ok(place) => place,
            Err(error) => return refused(error),
        };
        let shape = self.app.live.shape(&mut request, &caller);
        let (opened, executed) = (Opened::default(), Executed::default());
        request.data = data(&self.app, caller);
        request.data.insert(executed.clone());
        request.data.insert(Pushing::Opens(opened.clone()));
        let answer = self.schema.execute_stream(request).next().await;
        match (answer, opened.take()) {
            (None, Some(items)) => self.clone().push(items, (shape, place)),
            // What is skipped altogether, or asks for the type's name alone.
            (Some(response), _) => {
                stream::iter([outcome(&response, &executed)]).chain(complete()).boxed()
            }
            (None, None) => complete().boxed(),
        }
    }

    fn push(self, items: Items, (shape, place): (Arc<Shape>, Place)) -> Outcomes {
        let shown = items.then(move |item| {
            // The place is taken as long as the stream lives.
            let _ = &place;
            let (desk, shape) = (self.clone(), shape.clone());
            async move {
                match item {
                    Ok(item) => Outcome::Next(desk.show(&shape, item).await),
                    Err(error) => Outcome::Over(error),
                }
            }
        });
        shown.chain(complete()).boxed()
    }

    /// An item as a document shows it.
    async fn show(&self, shape: &Shape, item: Item) -> Arc<str> {
        let key = item.key;
        let make = async {
            let executed = Executed::default();
            let mut request = Request::new(shape.query.as_str());
            request.operation_name.clone_from(&shape.operation);
            request.variables = shape.variables.clone();
            operation(&self.app, &mut request);
            request.data = data(&self.app, shape.caller.clone());
            request.data.insert(executed.clone());
            request.data.insert(Pushing::Shows(item));
            let response = self.schema.execute_stream(request).next().await;
            text(&response.unwrap_or_default(), &executed)
        };
        self.app.live.shown(shape, key, make).await
    }
}

fn complete() -> impl Stream<Item = Outcome> + Send {
    stream::iter([Outcome::Complete])
}

fn outcome(response: &Response, executed: &Executed) -> Outcome {
    let text = text(response, executed);
    if executed.is_so() { Outcome::Next(text) } else { Outcome::Refused(text) }
}

fn text(response: &Response, executed: &Executed) -> Arc<str> {
    body(response, executed).unwrap_or_default().into()
}

/// The error as async-graphql has it.
pub(super) fn server_error(error: ApiError) -> async_graphql::ServerError {
    async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default())
}
