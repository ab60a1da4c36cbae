//! Describe a product in a language.

use events::products::{ProductEvent, ProductId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::create::NAME_CHARACTERS_MAX;
use super::{DEFAULT_LOCALE, Product, not_discontinued};
use crate::rejection::{Rejection, optional_text, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Names and describes a product in one language, in place of what was said in it before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DescribeProduct {
    /// The product.
    pub product_id: ProductId,
    /// The language (BCP 47), such as `de` or `de-CH`; `en` by default.
    #[serde(default)]
    pub locale: Option<String>,
    /// The name.
    pub name: String,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
}

fn valid_locale(locale: &str) -> Result<String, Rejection> {
    let mut parts = locale.split('-');
    let language = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && locale.len() <= 35
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if fits {
        return Ok(locale.to_owned());
    }
    let message = format!("`{locale}` is no language tag; use one like `en` or `de-CH`");
    Err(Rejection::invalid("locale", message))
}

impl Command for DescribeProduct {
    const FEATURE: &'static str = "products";
    const ACTION: &'static str = "describe";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.product_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Product>(self.product_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        not_discontinued(states, self.product_id)?;
        let described = ProductEvent::Described {
            locale: valid_locale(self.locale.as_deref().unwrap_or(DEFAULT_LOCALE))?,
            name: text("name", &self.name, NAME_CHARACTERS_MAX)?,
            description: optional_text("description", self.description.as_ref(), 20_000)?,
        };
        Ok(Decision::of(self.product_id, described))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::publish::tests::created;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};

    fn describe(locale: &str) -> DescribeProduct {
        let (name, locale) = ("Schraube".to_owned(), Some(locale.to_owned()));
        DescribeProduct { product_id: PRODUCT, locale, name, description: None }
    }

    #[test]
    fn a_product_has_a_name_in_each_language() {
        let described = ProductEvent::Described {
            locale: "de-CH".to_owned(),
            name: "Schraube".to_owned(),
            description: None,
        };
        given([created()]).when(describe("de-CH")).then([fact(PRODUCT, described)]);
    }

    #[test]
    fn what_is_no_language_is_refused() {
        for locale in ["", "German", "de_CH", "d"] {
            given([created()]).when(describe(locale)).then_rejected(Kind::Invalid, "locale");
        }
    }
}
