//! How what is pushed comes into the schema. The field of a subscription says once what is to be
//! pushed; then each item is shown by executing the same document with the item at hand, for all
//! who asked alike. Who is shown what, and how it goes out, is `live`'s business.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use uuid::Uuid;

use crate::error::{ApiError, Code};

/// What tells an item from others of its field: two with the same key are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ItemKey {
    /// What it is.
    pub kind: u8,
    /// Of which record; nil, if of none.
    pub id: Uuid,
    /// When it came to be so: a position, or a count.
    pub at: i64,
}

/// Something to be pushed.
#[derive(Clone)]
pub struct Item {
    /// What tells it from others.
    pub key: ItemKey,
    /// What the field shows.
    pub value: Arc<dyn Any + Send + Sync>,
}

/// What is to be pushed to a subscriber, one after another. An error is the last.
pub type Items = BoxStream<'static, Result<Item, ApiError>>;

/// What a subscription is executed for.
#[derive(Clone)]
pub enum Pushing {
    /// To tell what is to be pushed.
    Opens(Opened),
    /// To show this.
    Shows(Item),
}

/// What a subscription pushes, once that is known.
#[derive(Clone, Default)]
pub struct Opened(Arc<Mutex<Option<Items>>>);

impl Opened {
    /// Takes it.
    #[must_use]
    pub fn take(&self) -> Option<Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, items: Items) -> Result<(), ApiError> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.replace(items).is_some() {
            let message = "a subscription has one field at its top; subscribe to each by itself";
            return Err(ApiError::new(Code::InvalidQuery, message));
        }
        Ok(())
    }
}

/// What a subscription's field shows at once: an item, or nothing.
pub(super) type Shown<T> = stream::Iter<std::option::IntoIter<Arc<T>>>;

/// The field of a subscription: what it opens, or the item that it shows.
pub(super) async fn pushed<T: Send + Sync + 'static>(
    ctx: &Context<'_>,
    open: impl Future<Output = Result<Items, ApiError>>,
) -> async_graphql::Result<Shown<T>> {
    let shown = match ctx.data::<Pushing>()? {
        Pushing::Opens(opened) => {
            opened.put(open.await?)?;
            None
        }
        Pushing::Shows(item) => {
            let other = |_| ApiError::internal(&"an item is shown by a field that it is not of");
            Some(item.value.clone().downcast::<T>().map_err(other)?)
        }
    };
    Ok(stream::iter(shown))
}

/// Items of a stream of values, each with its key.
pub(super) fn items<T: Send + Sync + 'static>(
    values: impl Stream<Item = Result<(ItemKey, T), ApiError>> + Send + 'static,
) -> Items {
    let item = |(key, value)| Item { key, value: Arc::new(value) };
    values.map(move |value| value.map(item)).boxed()
}
