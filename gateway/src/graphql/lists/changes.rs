//! What happens to the records of a list, as it is pushed to whoever subscribes to it.

use async_graphql::{Context, Enum, ID};
use futures_util::StreamExt;
use queries::filter::{Filter, Test, Value};
use queries::live::{Kind, TooSlow, Update};

use super::{FilterOf, Shown, filtered};
use crate::error::{ApiError, Code};
use crate::graphql::caller::{id, of};
use crate::graphql::pushed::{ItemKey, Items, items};
use crate::position;

/// What became of a record, as far as the list is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "queries::live::Kind")]
pub enum ChangeKind {
    /// It is in the list now, and was not before.
    Entered,
    /// It is in the list, and another than before; or, after `after`, it may be new there.
    Changed,
    /// It is not in the list any more; or, after `after`, it may never have been there.
    Left,
    /// Too much has changed to be told record by record: read the list again. What changes then is
    /// told as before.
    Reload,
}

/// What a subscription to a list pushes.
pub(super) async fn changes<T: Shown, C: From<Update<T>> + Send + Sync + 'static>(
    ctx: &Context<'_>,
    reads: &'static [&'static str],
    (given, record): (Option<FilterOf<T>>, Option<ID>),
    after: Option<String>,
) -> Result<Items, ApiError> {
    let (app, caller) = of(ctx)?;
    let mut filter = filtered(given)?;
    if let Some(record) = record {
        let one = Test::Eq(Value::Id(id("id", &record)?));
        filter = Filter::Field(T::LIST.id(), one).and(filter);
    }
    let after = after.map(|text| position::decode("after", &text)).transpose()?;
    let access = caller.access(app).await?;
    let watch = app.reader.watch::<T>(&access, reads, filter, after).await?;
    Ok(items(watch.map(keyed::<T, C>)))
}

fn keyed<T: Shown, C: From<Update<T>>>(
    update: Result<Update<T>, TooSlow>,
) -> Result<(ItemKey, C), ApiError> {
    let update = update.map_err(|slow| ApiError::new(Code::Busy, slow.to_string()))?;
    let kind = match update.kind {
        Kind::Entered => 0,
        Kind::Changed => 1,
        Kind::Left => 2,
        Kind::Reload => 3,
    };
    let key = ItemKey { kind, id: update.id.unwrap_or_default(), at: update.position.0 };
    Ok((key, update.into()))
}
