//! Shows products, filtered, sorted, a page at a time.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, InvalidCursor, Page, PageRequest, Permit, Query, QueryHandler};
use kernel_domain::{Currency, Money, Violation, Violations, text};
use shaku::Component;

use crate::{
    ProductError, ProductOrder,
    fields::in_shop_currency,
    ports::{ProductFilter, ProductQueries, Shop, search_key},
    views::ProductView,
};

/// Show the products that pass all filters given.
#[derive(Clone, Debug, Default)]
pub struct ListProducts {
    /// Exactly this category.
    pub category: Option<String>,
    /// Name or description contains this, without regard to case.
    pub q: Option<String>,
    /// Price not below.
    pub min_price: Option<Money>,
    /// Price not above.
    pub max_price: Option<Money>,
    /// At most so many units on hand.
    pub max_stock: Option<i64>,
    /// `id`, `name`, `price`, `created_at` or `stock`, with `-` before it for descending.
    pub sort: Option<String>,
    /// 1 to 100, 20 where absent.
    pub limit: Option<i64>,
    /// The page before said where this one starts.
    pub cursor: Option<String>,
}

impl Query for ListProducts {
    const NAME: &'static str = "list_products";
    type Output = Page<ProductView>;
    type Error = ProductError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Handles [`ListProducts`].
#[derive(Component)]
#[shaku(interface = QueryHandler<ListProducts>)]
pub struct ListProductsHandler {
    #[shaku(inject)]
    pub(crate) products: Arc<dyn ProductQueries>,
    #[shaku(inject)]
    pub(crate) shop: Arc<dyn Shop>,
}

#[async_trait]
impl QueryHandler<ListProducts> for ListProductsHandler {
    async fn handle(&self, _: &CallContext, query: ListProducts) -> Result<Page<ProductView>, ProductError> {
        let (filter, order, page) = query.check(self.shop.currency())?;
        Ok(self.products.list(&filter, order, &page).await?)
    }
}

impl ListProducts {
    fn check(self, shop: Currency) -> Result<(ProductFilter, ProductOrder, PageRequest), Violations> {
        let mut violations = Violations::default();
        let order = violations.check(self.sort.as_deref().map_or(Ok(ProductOrder::default()), str::parse));
        let page = violations.check(PageRequest::new(self.limit, self.cursor));
        let category = violations.check(optional_text("category", self.category.as_deref(), 100));
        let contains = violations.check(optional_text("q", self.q.as_deref(), 200));
        let min_price = violations.check(bound("min_price", self.min_price, shop));
        let max_price = violations.check(bound("max_price", self.max_price, shop));
        let max_stock = violations.check(max_stock(self.max_stock));
        violations.clone().into_result()?;
        let filter = ProductFilter {
            category: category.flatten(),
            contains: contains.flatten().as_deref().map(search_key),
            min_price: min_price.flatten(),
            max_price: max_price.flatten(),
            max_stock: max_stock.flatten(),
        };
        order.zip(page).map(|(order, page)| (filter, order, page)).ok_or(violations)
    }
}

/// An empty filter is no filter, as a form with an empty field sends it.
fn optional_text(field: &'static str, value: Option<&str>, max: usize) -> Result<Option<String>, Violation> {
    let given = value.filter(|value| !value.trim().is_empty());
    given.map(|value| text(field, value, 1..=max)).transpose()
}

fn bound(field: &str, price: Option<Money>, shop: Currency) -> Result<Option<Money>, Violation> {
    let Some(price) = price else { return Ok(None) };
    if price.minor() < 0 {
        return Err(Violation::new(field, "out_of_range", "must not be negative"));
    }
    in_shop_currency(field, price, shop).map(Some)
}

fn max_stock(units: Option<i64>) -> Result<Option<i64>, Violation> {
    match units {
        Some(..0) => Err(Violation::new("max_stock", "out_of_range", "must not be negative")),
        units => Ok(units),
    }
}

impl From<InvalidCursor> for ProductError {
    fn from(cursor: InvalidCursor) -> Self {
        Self::Invalid(cursor.into())
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::{UseCaseError, testing::context};

    use super::*;
    use crate::{ProductFields, fields::tests::lamp, testing::Fixture};

    async fn list(fixture: &Fixture, query: ListProducts) -> Result<Page<ProductView>, ProductError> {
        fixture.use_cases.list_products.handle(&context(), query).await
    }

    #[tokio::test]
    async fn finds_by_text_without_regard_to_case() {
        let fixture = Fixture::with_stock(5).await;
        fixture.create(ProductFields { name: "ÄRMEL".into(), ..lamp() }).await.unwrap();
        let query = ListProducts { q: Some(" ärm ".into()), ..ListProducts::default() };
        let page = list(&fixture, query).await.unwrap();
        assert_eq!(page.items.iter().map(|product| product.id).collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn empty_filters_match_all() {
        let fixture = Fixture::with_stock(5).await;
        let empty = Some(String::new());
        let query = ListProducts { q: empty.clone(), category: empty, ..ListProducts::default() };
        assert_eq!(list(&fixture, query).await.unwrap().items.len(), 1);
    }

    #[tokio::test]
    async fn everything_wrong_is_named_at_once() {
        let fixture = Fixture::default();
        let query = ListProducts {
            category: Some("x".repeat(101)),
            q: Some("\0".into()),
            min_price: Some(Money::from_minor(-1, Currency::USD)),
            max_price: Some(Money::from_minor(1, "EUR".parse().unwrap())),
            max_stock: Some(-1),
            sort: Some("colour".into()),
            limit: Some(0),
            cursor: None,
        };
        let error = list(&fixture, query).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        assert_eq!(fields, ["sort", "limit", "category", "q", "min_price", "max_price", "max_stock"]);
    }

    #[tokio::test]
    async fn a_cursor_nobody_made_is_refused() {
        let query = ListProducts { cursor: Some("nope".into()), ..ListProducts::default() };
        let error = list(&Fixture::default(), query).await.unwrap_err();
        assert_eq!(error.violations()[0].code(), "invalid_cursor");
    }
}
