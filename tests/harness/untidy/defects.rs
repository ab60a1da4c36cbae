//! What can be wrong with a row.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Kind, Style};

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A day that never was.
    NoSuchDay,
    /// An hour that the change to summer time left out.
    LeftOutHour,
    /// It is still to come.
    Future,
    /// A cell more than there are headings.
    TooManyCells,
    /// The row ends in the middle.
    Truncated,
    /// It costs less than nothing.
    NegativePrice,
    /// None of it.
    NoQuantity,
    /// The wrong sign for its kind of document.
    OtherSign,
    /// A quantity that is none.
    NoNumber,
    /// A NUL in the product's code.
    Nul,
    /// No product.
    NoProduct,
    /// Bytes that the encoding does not have.
    OtherBytes,
}

impl Defect {
    /// Any that a file of this style can have.
    pub(super) fn any(dice: &mut ChaCha8Rng, style: Style) -> Self {
        const ALL: [Defect; 11] = [
            Defect::NoSuchDay,
            Defect::LeftOutHour,
            Defect::Future,
            Defect::TooManyCells,
            Defect::NegativePrice,
            Defect::NoQuantity,
            Defect::OtherSign,
            Defect::NoNumber,
            Defect::Nul,
            Defect::NoProduct,
            Defect::OtherBytes,
        ];
        // Latin 1 has every byte.
        let count = if style.latin1 { ALL.len() - 1 } else { ALL.len() };
        ALL[dice.random_range(0..count)]
    }

    pub(super) fn field(self) -> &'static str {
        match self {
            Self::NoSuchDay | Self::LeftOutHour | Self::Future => "placed_at",
            Self::TooManyCells | Self::Truncated => "row",
            Self::NegativePrice => "unit_price",
            Self::NoQuantity | Self::OtherSign | Self::NoNumber => "quantity",
            Self::Nul | Self::NoProduct => "product",
            Self::OtherBytes => "product_name",
        }
    }

    pub(super) fn telling(self) -> &'static str {
        match self {
            Self::NoSuchDay => "is no date of the mapping's format",
            Self::LeftOutHour => "the clocks were put forward then",
            Self::Future => "is later than now",
            Self::TooManyCells => "8 cells, where 7 are expected",
            Self::Truncated => "cells, where 7 are expected",
            Self::NegativePrice => "is negative",
            Self::NoQuantity => "a quantity of 0",
            Self::OtherSign => "a quantity of ",
            Self::NoNumber => "`1,2.3,4` is no number",
            Self::Nul => "control characters",
            Self::NoProduct => "no product's SKU",
            Self::OtherBytes => "has bytes that UTF-8 does not have",
        }
    }

    /// When the row says that it was, instead of `2011-07-01 08:26`.
    pub(super) fn placed(self) -> Option<&'static str> {
        match self {
            Self::NoSuchDay => Some("2011-02-30 10:00"),
            Self::LeftOutHour => Some("2011-03-27 02:30"),
            Self::Future => Some("2999-01-01 00:00"),
            _ => None,
        }
    }

    /// The sign of the quantity that the row states.
    pub(super) fn is_negative(defect: Option<Self>, kind: Kind) -> bool {
        (kind == Kind::CreditNote) != (defect == Some(Self::OtherSign))
    }
}
