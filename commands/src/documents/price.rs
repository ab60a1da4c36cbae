//! What a document comes to: lines and totals, rounded where and how the document says.

use events::words::{Amount, Currency, Quantity, Rounding, RoundingPlace, UnitPrice, is_too_large};
use rust_decimal::Decimal;

/// What a document comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Before rounding.
    pub(crate) gross: Amount,
    /// What is owed, or given back.
    pub(crate) net: Amount,
}

/// Quantity × price, exactly; none if that has more digits than an amount may.
pub(super) fn exact(quantity: Quantity, price: UnitPrice) -> Option<Amount> {
    let (quantity, price) = (quantity.0.normalize(), price.0.normalize());
    let product = quantity.checked_mul(price)?;
    // The product is rounded instead of refused where its scale does not fit.
    let kept = product.scale() == quantity.scale() + price.scale() || product.is_zero();
    (kept && !is_too_large(product)).then(|| Amount(product.normalize()))
}

/// What a line comes to: rounded, if the document rounds per line.
pub(super) fn line(gross: Amount, rounding: Rounding, currency: Currency) -> Amount {
    match rounding.place {
        RoundingPlace::Line => Amount(rounding.how.round(gross.0, currency)),
        RoundingPlace::Total => gross,
    }
}

/// What lines of (gross, net) come to; none if that has more digits than can be kept.
pub(super) fn totals(
    lines: impl Iterator<Item = (Amount, Amount)>,
    rounding: Rounding,
    currency: Currency,
) -> Option<Totals> {
    let (mut gross, mut net) = (Decimal::ZERO, Decimal::ZERO);
    for line in lines {
        gross = gross.checked_add(line.0.0)?;
        net = net.checked_add(line.1.0)?;
    }
    let net = rounding.how.round(net, currency);
    (!is_too_large(gross) && !is_too_large(net))
        .then(|| Totals { gross: Amount(gross.normalize()), net: Amount(net) })
}

#[cfg(test)]
mod tests {
    use events::words::RoundingHow;
    use proptest::prelude::*;

    use super::*;

    fn decimal(units: i64, scale: u32) -> Decimal {
        Decimal::new(units, scale)
    }

    #[test]
    fn half_a_cent_goes_away_from_zero_unless_said_otherwise() {
        let eur = "EUR".parse().unwrap();
        assert_eq!(RoundingHow::HalfUp.round(decimal(2_345, 3), eur), decimal(235, 2));
        assert_eq!(RoundingHow::HalfUp.round(decimal(-2_345, 3), eur), decimal(-235, 2));
        assert_eq!(RoundingHow::HalfEven.round(decimal(2_345, 3), eur), decimal(234, 2));
        assert_eq!(
            RoundingHow::HalfUp.round(decimal(25, 1), "JPY".parse().unwrap()),
            decimal(3, 0)
        );
    }

    #[test]
    fn a_product_that_cannot_be_kept_exactly_is_none() {
        let quantity = Quantity("999999999999.999999".parse().unwrap());
        let price = UnitPrice("999999999999.999999".parse().unwrap());
        assert_eq!(exact(quantity, price), None);
    }

    proptest! {
        #[test]
        fn a_product_is_exact(quantity in 0_i64..1_000_000_000, price in 0_i64..1_000_000_000) {
            let product = exact(Quantity(decimal(quantity, 3)), UnitPrice(decimal(price, 6)));
            let expected = i128::from(quantity) * i128::from(price);
            let expected = Decimal::from_i128_with_scale(expected, 9).normalize();
            prop_assert_eq!(product, Some(Amount(expected)));
        }

        /// Rounded by line or once, net is within half a minor unit a rounding of gross.
        #[test]
        fn net_stays_close_to_gross(
            prices in prop::collection::vec(0_i64..100_000_000, 1..40), per_line in any::<bool>(),
        ) {
            let eur = "EUR".parse().unwrap();
            let place = if per_line { RoundingPlace::Line } else { RoundingPlace::Total };
            let rounding = Rounding { place, how: RoundingHow::HalfUp };
            let lines = prices.iter().map(|price| {
                let gross = Amount(decimal(*price, 6));
                (gross, line(gross, rounding, eur))
            });
            let totals = totals(lines, rounding, eur).unwrap();
            let roundings = if per_line { prices.len() as i64 } else { 1 };
            let distance = (totals.net.0 - totals.gross.0).abs();
            prop_assert!(distance <= decimal(5, 3) * Decimal::from(roundings));
            prop_assert!(totals.net.0.scale() == 2);
        }
    }
}
