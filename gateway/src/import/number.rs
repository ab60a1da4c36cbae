//! Numbers as other programs write them: `1'234,50`, `-7`, `12.50-`.

use super::mapping::Numbers;
use super::reading::quoted;

impl Numbers {
    /// A number as everybody here writes it: digits, a point, a sign in front.
    ///
    /// # Errors
    /// If it is not written as the mapping says. Nothing is guessed: where `1.234` is not a group
    /// of three digits behind the mapping's separator, it is not 1234.
    pub fn plain(&self, text: &str) -> Result<String, String> {
        self.unsigned(text).ok_or_else(|| {
            let groups = match self.thousands.0 {
                Some(separator) => format!(", thousands `{separator}`"),
                None => ", no thousands separator".to_owned(),
            };
            let text = quoted(text);
            format!("`{text}` is no number with the decimal separator `{}`{groups}", self.decimal)
        })
    }

    fn unsigned(&self, text: &str) -> Option<String> {
        // Some ERPs write the sign behind.
        let (negative, digits) = match (text.strip_prefix('-'), text.strip_suffix('-')) {
            (Some(rest), _) | (None, Some(rest)) => (true, rest),
            (None, None) => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, decimals) = match digits.split_once(self.decimal) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (digits, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let mut plain = String::with_capacity(text.len());
        if negative {
            plain.push('-');
        }
        // `.5` is how some databases write a half.
        let whole = if whole.is_empty() && decimals.is_some() { "0" } else { whole };
        let mut groups = whole.split(|letter| Some(letter) == self.thousands.0);
        let first = groups.next().filter(|first| is_digits(first))?;
        plain.push_str(first);
        let mut grouped = false;
        for group in groups {
            grouped = true;
            plain.push_str(Some(group).filter(|group| group.len() == 3 && is_digits(group))?);
        }
        if grouped && first.len() > 3 {
            return None;
        }
        if let Some(decimals) = decimals {
            plain.push('.');
            plain.push_str(Some(decimals).filter(|decimals| is_digits(decimals))?);
        }
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(decimal: char, thousands: &str, text: &str) -> Option<String> {
        let thousands = thousands.parse().unwrap();
        Numbers { decimal, thousands }.plain(text).ok()
    }

    #[test]
    fn numbers_are_read_as_they_are_written_elsewhere() {
        for (decimal, thousands, text, expected) in [
            ('.', "", "12", "12"),
            ('.', "", "-12.50", "-12.50"),
            ('.', "", "+3", "3"),
            ('.', "", "007", "007"),
            ('.', "", "-.5", "-0.5"),
            (',', "'", "1'234'567,50", "1234567.50"),
            (',', "'", "1234,5", "1234.5"),
            (',', ".", "1.234,50-", "-1234.50"),
            (',', " ", "12 345", "12345"),
            (',', "\u{a0}", "12\u{a0}345", "12345"),
        ] {
            assert_eq!(plain(decimal, thousands, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused() {
        for (decimal, thousands, text) in [
            ('.', "", ""),
            ('.', "", "-"),
            ('.', "", "1,5"),
            ('.', ",", "1,5"),
            ('.', ",", "1,2345"),
            ('.', ",", "1234,567"),
            ('.', ",", ",123"),
            ('.', "", "1."),
            ('.', "", "."),
            ('.', "", "1.2.3"),
            ('.', "", "1e3"),
            ('.', "", "--1"),
            ('.', "", "-1-"),
            ('.', "", "12 pcs"),
            ('.', "", "£12"),
            ('.', "", "\u{661}"),
            (',', ".", "1.23"),
            (',', ".", "1,234.5"),
            ('.', "", "NaN"),
        ] {
            assert_eq!(plain(decimal, thousands, text), None, "{text}");
        }
    }
}
