//! What happens to a series of document numbers: counted ones have no gaps. Which documents are
//! numbered in series is the features' business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::OrganizationId;

crate::id!(
    /// A series of numbers: its id derives from what it numbers and from its name.
    SeriesId
);

impl SeriesId {
    /// The series of this name for documents of this kind, such as `("credit_note", "CN")`.
    #[must_use]
    pub fn of(organization: OrganizationId, kind: &str, name: &str) -> Self {
        Self(organization.derive("series", &[kind.as_bytes(), name.as_bytes()]))
    }
}

/// Where the numbers of a series come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Numbering {
    /// They are counted here, from 1, without gaps.
    Counted,
    /// Whoever writes the document states them.
    Stated,
}

crate::facts! {
    /// What happens to a series of numbers.
    SeriesEvent of "series";
    /// It exists from now on; its numbering never changes.
    Opened {
        /// What it numbers: `credit_note`.
        kind: String,
        /// Its name.
        name: String,
        /// Where its numbers come from.
        numbering: Numbering,
    } "series.opened" 1;
    /// The next number was given out.
    Numbered {
        /// The number: one more than the last, from 1.
        number: u64,
        /// The document that has it.
        holder: Uuid,
    } "series.numbered" 1;
}
