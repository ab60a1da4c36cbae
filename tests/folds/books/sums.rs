//! What a document comes to, worked out once more from its lines.

use events::words::{Amount, Currency, Quantity, Rounding, RoundingPlace, UnitPrice};
use rust_decimal::Decimal;

/// What a document says of its lines and its sums.
pub(super) struct Sums {
    /// Quantity, price, gross and net of each line.
    pub(super) lines: Vec<(Quantity, UnitPrice, Amount, Amount)>,
    pub(super) gross: Amount,
    pub(super) net: Amount,
    pub(super) rounding: Rounding,
    pub(super) currency: Currency,
}

/// The sums of an order or a credit note: their fields have the same names.
macro_rules! sums {
    ($document:expr) => {{
        let document = $document;
        let lines = document.lines.iter();
        let lines = lines.map(|line| (line.quantity, line.unit_price, line.gross, line.net));
        $crate::folds::books::sums::Sums {
            lines: lines.collect(),
            gross: document.gross,
            net: document.net,
            rounding: document.rounding,
            currency: document.currency,
        }
    }};
}
pub(super) use sums;

impl Sums {
    /// Whether the sums are those of the lines, and the lines those of quantity and price.
    pub(super) fn add_up(&self) -> bool {
        let round = |amount: Decimal| self.rounding.how.round(amount, self.currency);
        let exact = self.lines.iter().all(|(quantity, unit_price, gross, net)| {
            let rounded = match self.rounding.place {
                RoundingPlace::Line => round(gross.0),
                RoundingPlace::Total => gross.0,
            };
            gross.0 == quantity.0 * unit_price.0 && net.0 == rounded
        });
        let gross: Decimal = self.lines.iter().map(|(_, _, gross, _)| gross.0).sum();
        let net = match self.rounding.place {
            RoundingPlace::Line => self.lines.iter().map(|(.., net)| net.0).sum(),
            RoundingPlace::Total => round(gross),
        };
        exact && self.gross.0 == gross && self.net.0 == net && self.net.0.scale() <= 2
    }
}
