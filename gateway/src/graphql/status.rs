//! States of life: words in rows, enums in GraphQL. Which states a feature has, it says itself.

use async_graphql::resolver_utils::EnumType;

use crate::error::ApiError;

/// The status that a row has this word for.
pub(super) fn of<E: EnumType>(word: &str) -> async_graphql::Result<E> {
    let item = E::items().iter().find(|item| item.name.eq_ignore_ascii_case(word));
    item.map(|item| item.value).ok_or_else(|| {
        let kind = std::any::type_name::<E>();
        ApiError::internal(&format!("a row has the status {word}, which is no {kind}")).into()
    })
}
