//! Products in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::products;
use events::access::Access;
use queries::Seen;
use queries::page::PageArgs;
use queries::products::{ProductRow, READS};
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::history::{History, history};
use super::loaders::{Loaders, StockOf};
use super::mutation::mutations;
use super::parked::stale;
use super::scalars::Money;
use super::status;
use super::stock::StockItem;
use crate::app::App;
use crate::error::{ApiError, Code};

mutations! {
    ProductMutations, Payload shows product: Product = find, READS;
    /// Creates a product, as a draft.
    create_product: products::create::CreateProduct,
    /// Names and describes a product in one language.
    describe_product: products::describe::DescribeProduct,
    /// Sets what one unit of a product costs unless an order states another price.
    set_product_list_price: products::set_list_price::SetProductListPrice,
    /// Publishes a product that has a unit and a name: it can be ordered.
    publish_product: products::publish::PublishProduct,
    /// Discontinues a product: it cannot be ordered any more.
    discontinue_product: products::discontinue::DiscontinueProduct,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Product>, ApiError> {
    Ok(app.reader.product(access, id).await?.map(Product))
}

/// Where a product stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProductStatus {
    /// It cannot be ordered yet.
    Draft,
    /// It can be ordered.
    Published,
    /// It cannot be ordered any more.
    Discontinued,
}

/// Reading products.
#[derive(Default)]
pub struct ProductQueries;

#[Object]
impl ProductQueries {
    /// A product, by its id or by its SKU; null if there is none with that.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The product's id, or say its SKU.")] product_id: Option<ID>,
        #[graphql(desc = "Your code for it, in place of its id. Capitals count.")] sku: Option<
            String,
        >,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Product>> {
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        match (product_id, sku) {
            (Some(product_id), None) => Ok(find(app, &access, id("id", &product_id)?).await?),
            (None, Some(sku)) => {
                let product = app.reader.product_by_sku(&access, &sku).await;
                Ok(product.map_err(ApiError::from)?.map(Product))
            }
            _ => {
                let message = "say which product: either by `id` or by `sku`";
                Err(ApiError::new(Code::InvalidInput, message).at("id").into())
            }
        }
    }
}

/// A product: what is sold, counted in one unit.
#[derive(Description)]
pub struct Product(pub(super) Seen<ProductRow>);

impl Product {
    fn text(&self, locale: Option<&str>, part: &str) -> Option<String> {
        let text = self.0.texts.get(locale?)?.get(part)?;
        text.as_str().map(str::to_owned)
    }
}

#[Object(use_type_description)]
impl Product {
    pub(super) async fn id(&self) -> ID {
        self.0.product_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// Your code for it: unique in the organization, case-sensitive.
    async fn sku(&self) -> &str {
        &self.0.sku
    }

    /// Its name in a language; by default, or if it has none there, in English, else in any.
    /// Null if it has none yet.
    async fn name(&self, locale: Option<String>) -> Option<String> {
        self.text(locale.as_deref(), "name").or_else(|| self.0.name.clone())
    }

    /// Its description in a language, chosen as that of `name` is; null if it has none.
    async fn description(&self, locale: Option<String>) -> Option<String> {
        self.text(locale.as_deref(), "description").or_else(|| self.0.description.clone())
    }

    /// What it is sold in, such as `piece` or `kg`; null if that was not said yet.
    async fn unit(&self) -> Option<&str> {
        self.0.unit.as_deref()
    }

    /// How many decimals a quantity may have; null without a unit.
    async fn unit_precision(&self) -> Option<i16> {
        self.0.unit_precision
    }

    /// What one unit costs unless an order states another price; null if every order has to.
    async fn list_price(&self) -> Option<Money> {
        Some(Money::new(self.0.list_price?, self.0.list_price_currency.as_deref()?))
    }

    async fn status(&self) -> async_graphql::Result<ProductStatus> {
        status::of(&self.0.status)
    }

    /// Where it is kept, and how many: an item for each warehouse and unit.
    async fn stock(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<StockItem>> {
        let key = StockOf(self.0.access(), self.0.product_id);
        let items = ctx.data::<Loaders>()?.load_one(key).await?.unwrap_or_default();
        Ok(items.into_iter().map(StockItem).collect())
    }

    /// Say it as `expectedVersion`, and nobody's change in between is overwritten.
    async fn version(&self) -> i64 {
        self.0.version
    }

    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// What happened to it, in order, with what each fact changed: the `first` facts after a
    /// cursor, or the `last` before one.
    #[graphql(
        complexity = "(first.or(last).unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity"
    )]
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<History> {
        history(ctx, &self.0, PageArgs { first, after, last, before }).await
    }
}
