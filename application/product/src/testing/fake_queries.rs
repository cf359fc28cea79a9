//! The fake's reading side.

use std::{cmp::Ordering, collections::BTreeMap};

use async_trait::async_trait;
use kernel_application::{InvalidCursor, Page, PageRequest, StoreError};
use kernel_domain::{Currency, Money, ProductId};
use product_domain::Product;

use super::InMemoryStore;
use crate::{
    ProductCursor, ProductOrder, SortKey,
    ports::{Failure, ProductFilter, ProductQueries, search_key},
    views::{CategoryView, ProductView, StatsView, Total},
};

#[async_trait]
impl ProductQueries for InMemoryStore {
    async fn find(&self, id: ProductId) -> Result<Option<ProductView>, StoreError> {
        Ok(self.read(|state| state.products.get(&id).map(ProductView::from)))
    }

    async fn list(
        &self,
        filter: &ProductFilter,
        order: ProductOrder,
        page: &PageRequest,
    ) -> Result<Page<ProductView>, Failure<InvalidCursor>> {
        let after = page.cursor().map(|text| ProductCursor::decode(text, order)).transpose();
        let after = after.map_err(Failure::Refused)?;
        let mut rows = self.views();
        rows.retain(|view| passes(view, filter));
        rows.sort_by(|a, b| compare(&ProductCursor::of(a, order), &ProductCursor::of(b, order), order));
        if let Some(after) = after {
            rows.retain(|view| compare(&ProductCursor::of(view, order), &after, order).is_gt());
        }
        rows.truncate(page.limit() as usize + 1);
        Ok(Page::from_rows(rows, page.limit(), |last| ProductCursor::of(last, order).encode(order)))
    }

    async fn categories(&self) -> Result<Vec<CategoryView>, StoreError> {
        let mut counts = BTreeMap::new();
        for view in self.views() {
            *counts.entry(view.category).or_insert(0) += 1;
        }
        Ok(counts.into_iter().map(|(name, product_count)| CategoryView { name, product_count }).collect())
    }

    async fn stats(&self) -> Result<StatsView, StoreError> {
        let products = self.read(|state| state.products.values().cloned().collect::<Vec<_>>());
        let (units_sold, revenue) = self.read(|state| {
            let sales = state.sales.values();
            let sold = sales.clone().map(|total| i64::try_from(total.units).unwrap()).sum();
            (sold, total(sales.map(|total| (1, total.revenue))))
        });
        let available = |product: &Product| i64::from(product.level().available().get());
        let low = |product: &&Product| (1..=StatsView::LOW_STOCK).contains(&available(product));
        Ok(StatsView {
            product_count: i64::try_from(products.len()).unwrap(),
            stock_quantity: products.iter().map(|it| i64::from(it.level().on_hand().get())).sum(),
            reserved_quantity: products.iter().map(|it| i64::from(it.level().reserved().get())).sum(),
            stock_value: total(
                products.iter().map(|it| (it.level().on_hand().get(), it.details().price.amount())),
            ),
            low_stock_count: i64::try_from(products.iter().filter(low).count()).unwrap(),
            out_of_stock_count: i64::try_from(products.iter().filter(|it| available(it) == 0).count())
                .unwrap(),
            units_sold,
            revenue,
        })
    }
}

impl InMemoryStore {
    fn views(&self) -> Vec<ProductView> {
        self.read(|state| state.products.values().map(ProductView::from).collect())
    }
}

fn passes(view: &ProductView, filter: &ProductFilter) -> bool {
    let contains =
        |key: &String| search_key(&view.name).contains(key) || search_key(&view.description).contains(key);
    filter.category.as_ref().is_none_or(|category| view.category == *category)
        && filter.contains.as_ref().is_none_or(contains)
        && filter.min_price.is_none_or(|min| view.price.minor() >= min.minor())
        && filter.max_price.is_none_or(|max| view.price.minor() <= max.minor())
        && filter.max_stock.is_none_or(|max| view.stock_quantity <= max)
}

fn compare(a: &ProductCursor, b: &ProductCursor, order: ProductOrder) -> Ordering {
    use crate::CursorKey::{Number, Text};

    debug_assert!(order.key != SortKey::Id || a.key.is_none(), "ids have no other key");
    let keys = match (&a.key, &b.key) {
        (Some(Number(a)), Some(Number(b))) => a.cmp(b),
        (Some(Text(a)), Some(Text(b))) => a.cmp(b),
        _ => Ordering::Equal,
    };
    let ascending = keys.then(a.id.cmp(&b.id));
    if order.descending { ascending.reverse() } else { ascending }
}

fn total(amounts: impl Iterator<Item = (u32, Money)>) -> Total {
    let minor = amounts.map(|(units, money)| u128::from(units) * u128::try_from(money.minor()).unwrap());
    Total { minor: minor.sum(), currency: Currency::USD }
}
