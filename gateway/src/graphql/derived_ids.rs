//! Ids of what is no record, but has its place in lists: lines, sums, parked facts. Clients that
//! keep what they are shown by its `id` would else keep it by its place, and mix two that follow
//! each other there. Nothing is found by such an id.

use async_graphql::ID;
use uuid::Uuid;

/// The id of a thing of this type, in the record or organization of this id, that these words tell
/// from its like.
pub(super) fn derived_id(of: Uuid, type_name: &str, words: &[&str]) -> ID {
    // No word has a zero byte in it, nor begins another's: each stands behind one.
    let name = words.iter().fold(type_name.to_owned(), |name, word| name + "\0" + word);
    Uuid::new_v5(&of, name.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_differs_in_anything_has_another_id() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = [
            derived_id(one, "Line", &["1"]),
            derived_id(one, "Line", &["2"]),
            derived_id(other, "Line", &["1"]),
            derived_id(one, "Lines", &["1"]),
            derived_id(one, "Line", &["1", "2"]),
            derived_id(one, "Line", &["12"]),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(derived_id(one, "Line", &["1"]), ids[0]);
    }
}
