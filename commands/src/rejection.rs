//! Why a command may not happen. What the world is shown of it is the gateway's error table.

use std::fmt::Display;

use events::access::Permission;

/// Why a command may not happen: what rule, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// Which sort of rule.
    pub kind: Kind,
    /// The field that it is about, such as `lines[2].quantity`.
    pub field: Option<String>,
    /// For people: what is wrong and what would be right.
    pub message: String,
}

/// The sort of rule that a command broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A value is not one that the field takes.
    Invalid,
    /// A record that it names does not exist.
    NotFound,
    /// A thing that is unique is taken.
    Taken,
    /// The record's state does not allow it.
    WrongState,
    /// There is not enough stock.
    OutOfStock,
    /// The customer's credit limit would be exceeded.
    CreditExceeded,
    /// The actor lacks a permission.
    Denied,
    /// The decision read a state that it did not name: an error of the program.
    Unnamed,
    /// The decision broke off: an error of the program.
    Broken,
}

impl Rejection {
    /// A rejection that is about no single field.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, field: None, message: message.into() }
    }

    /// The same, about a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A value is not one that the field takes.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message).at(field)
    }

    /// A record named in a field does not exist.
    #[must_use]
    pub fn not_found(field: impl Into<String>, what: &str, id: impl Display) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what} {id}")).at(field)
    }

    /// The state of a record does not allow it.
    #[must_use]
    pub fn wrong_state(message: impl Into<String>) -> Self {
        Self::new(Kind::WrongState, message)
    }

    /// The actor lacks a permission.
    #[must_use]
    pub fn denied(permission: Permission) -> Self {
        Self::new(Kind::Denied, format!("this needs the permission {permission}"))
    }
}

/// The text without surrounding space, if it has 1 to `max` characters and none that controls.
///
/// # Errors
/// If it is empty, too long, or has control characters.
pub fn text(field: &str, value: &str, max: usize) -> Result<String, Rejection> {
    let trimmed = value.trim();
    let length = trimmed.chars().count();
    if length == 0 {
        return Err(Rejection::invalid(field, format!("`{field}` must not be empty")));
    }
    if length > max {
        let message = format!("`{field}` has {length} characters; at most {max} are allowed");
        return Err(Rejection::invalid(field, message));
    }
    if trimmed.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Rejection::invalid(field, format!("`{field}` has control characters")));
    }
    Ok(trimmed.to_owned())
}

/// As [`text`], of a field that may be absent.
///
/// # Errors
/// As [`text`].
pub fn optional_text(
    field: &str,
    value: Option<&String>,
    max: usize,
) -> Result<Option<String>, Rejection> {
    value.map(|value| text(field, value, max)).transpose()
}
