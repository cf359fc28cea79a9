//! [`ProductQueries`](crate::ports::ProductQueries): views, filters, every order, pages that stay stable.

use kernel_application::{PageRequest, testing::context};
use kernel_domain::{Currency, Money};

use super::{add, at, id, lines, new_product, payment};
use crate::{
    ProductOrder,
    ports::{Failure, ProductFilter, search_key},
    testing::StoreUnderTest,
    views::{CategoryView, ProductView, StatsView, Total},
};

/// Runs every case on a store of its own.
pub async fn queries<S: StoreUnderTest>(make: impl AsyncFn() -> S) {
    a_view_shows_what_the_aggregate_holds(&make().await).await;
    filters_narrow_the_list(&make().await).await;
    every_order_is_kept_over_pages(&make().await).await;
    pages_stay_stable_while_products_are_added(&make().await).await;
    foreign_cursors_are_refused(&make().await).await;
    categories_are_counted(&make().await).await;
    figures_are_exact(&make().await).await;
}

const CATALOGUE: [(&str, i64, &str, i64); 6] = [
    ("Lamp", 12_990, "home", 5),
    ("chair", 4_900, "home", 0),
    ("Öllampe", 12_990, "home", 12),
    ("Spade", 2_500, "garden", 5),
    ("100% wool_rug", 9_900, "home", 3),
    ("lamp", 4_900, "garden", 7),
];

async fn stocked<S: StoreUnderTest>(store: &S) -> &S {
    for (index, (name, minor, category, stock)) in CATALOGUE.into_iter().enumerate() {
        let mut product = new_product(name, minor, category, stock);
        product.at = at(i64::try_from(index / 2).unwrap());
        store.products().add(&context(), product).await.unwrap();
    }
    store
}

fn order(sort: &str) -> ProductOrder {
    sort.parse().unwrap()
}

fn page(limit: i64, cursor: Option<String>) -> PageRequest {
    PageRequest::new(Some(limit), cursor).unwrap()
}

async fn ids(store: &impl StoreUnderTest, filter: ProductFilter) -> Vec<i64> {
    let page = store.queries().list(&filter, order("id"), &page(100, None)).await.unwrap();
    assert_eq!(page.next_cursor, None);
    page.items.iter().map(|view| view.id).collect()
}

/// All products in the given order, collected page by page.
async fn walk(store: &impl StoreUnderTest, sort: &str, limit: i64) -> Vec<ProductView> {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let filter = ProductFilter::default();
        let found = store.queries().list(&filter, order(sort), &page(limit, cursor)).await.unwrap();
        seen.extend(found.items);
        cursor = found.next_cursor;
        if cursor.is_none() {
            return seen;
        }
    }
}

async fn a_view_shows_what_the_aggregate_holds(store: &impl StoreUnderTest) {
    assert_eq!(store.queries().find(id(1)).await.unwrap(), None);
    let lamp = add(store, 5).await;
    store.stock().reserve(&context(), payment(1), lines(&[(lamp.id(), 2)]), at(3)).await.unwrap();
    let lamp = store.products().find(lamp.id()).await.unwrap().unwrap();
    let view = store.queries().find(lamp.id()).await.unwrap().unwrap();
    assert_eq!(view, ProductView::from(&lamp));
    assert_eq!((view.stock_quantity, view.available_quantity, view.updated_at), (5, 3, at(3)));
}

async fn filters_narrow_the_list(store: &impl StoreUnderTest) {
    let store = stocked(store).await;
    let usd = |minor| Some(Money::from_minor(minor, Currency::USD));
    let text = |q: &str| ProductFilter { contains: Some(search_key(q)), ..ProductFilter::default() };
    let all = ProductFilter::default;
    assert_eq!(ids(store, all()).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(ids(store, ProductFilter { category: Some("garden".into()), ..all() }).await, [4, 6]);
    assert_eq!(ids(store, ProductFilter { category: Some("Garden".into()), ..all() }).await, [0_i64; 0]);
    assert_eq!(ids(store, ProductFilter { min_price: usd(9_900), ..all() }).await, [1, 3, 5]);
    assert_eq!(ids(store, ProductFilter { max_price: usd(4_900), ..all() }).await, [2, 4, 6]);
    assert_eq!(ids(store, ProductFilter { max_stock: Some(3), ..all() }).await, [2, 5]);
    assert_eq!(ids(store, text("LAMP")).await, [1, 3, 6]);
    assert_eq!(ids(store, text("öLL")).await, [3]);
    assert_eq!(ids(store, text("schönes")).await.len(), 6, "descriptions are searched too");
    for (literal, found) in
        [("0%", vec![5]), ("l_r", vec![5]), ("%", vec![5]), ("'", vec![]), ("a*p", vec![])]
    {
        assert_eq!(ids(store, text(literal)).await, found, "{literal} stands for itself");
    }
    let both = ProductFilter { category: Some("home".into()), min_price: usd(9_900), ..text("lamp") };
    assert_eq!(ids(store, both).await, [1, 3]);
}

async fn every_order_is_kept_over_pages(store: &impl StoreUnderTest) {
    let store = stocked(store).await;
    let orders = [
        ("id", [1, 2, 3, 4, 5, 6]),
        ("name", [5, 2, 1, 6, 4, 3]),
        ("price", [4, 2, 6, 5, 1, 3]),
        ("created_at", [1, 2, 3, 4, 5, 6]),
        ("stock", [2, 5, 1, 4, 6, 3]),
    ];
    for (sort, mut expected) in orders {
        for sort in [sort.to_owned(), format!("-{sort}")] {
            for limit in [1, 2, 4, 6, 100] {
                let found: Vec<_> = walk(store, &sort, limit).await.iter().map(|view| view.id).collect();
                assert_eq!(found, expected, "{sort} by {limit}");
            }
            expected.reverse();
        }
    }
}

async fn pages_stay_stable_while_products_are_added(store: &impl StoreUnderTest) {
    let store = stocked(store).await;
    let filter = ProductFilter::default();
    let first = store.queries().list(&filter, order("price"), &page(3, None)).await.unwrap();
    store.products().add(&context(), new_product("cheap", 1, "home", 1)).await.unwrap();
    store.products().add(&context(), new_product("same", 5_000, "home", 1)).await.unwrap();
    let second = store.queries().list(&filter, order("price"), &page(100, first.next_cursor)).await.unwrap();
    let found: Vec<_> = first.items.iter().chain(&second.items).map(|view| view.id).collect();
    assert_eq!(found, [4, 2, 6, 8, 5, 1, 3], "nothing lost, nothing twice");
}

async fn foreign_cursors_are_refused(store: &impl StoreUnderTest) {
    let store = stocked(store).await;
    let filter = ProductFilter::default();
    let made = store.queries().list(&filter, order("name"), &page(1, None)).await.unwrap().next_cursor;
    for (cursor, sort) in [(made, "-name"), (Some("nonsense".into()), "id"), (Some("ff".into()), "name")] {
        let refused = store.queries().list(&filter, order(sort), &page(1, cursor)).await;
        assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    }
}

async fn categories_are_counted(store: &impl StoreUnderTest) {
    assert_eq!(store.queries().categories().await.unwrap(), []);
    let expected = [("garden", 2), ("home", 4)]
        .map(|(name, product_count)| CategoryView { name: name.into(), product_count });
    assert_eq!(stocked(store).await.queries().categories().await.unwrap(), expected);
}

async fn figures_are_exact(store: &impl StoreUnderTest) {
    let store = stocked(store).await;
    let most = new_product("Everything", 9_999_999_999, "home", 1_000_000_000);
    for _ in 0..2 {
        store.products().add(&context(), most.clone()).await.unwrap();
    }
    store.stock().reserve(&context(), payment(1), lines(&[(id(1), 5)]), at(3)).await.unwrap();
    let minor = 2 * 9_999_999_999_000_000_000 + 5 * 12_990 + 12 * 12_990 + 5 * 2_500 + 3 * 9_900 + 7 * 4_900;
    let expected = StatsView {
        product_count: 8,
        stock_quantity: 2_000_000_032,
        reserved_quantity: 5,
        stock_value: Total { minor, currency: Currency::USD },
        low_stock_count: 3,
        out_of_stock_count: 2,
        units_sold: 0,
        revenue: Total { minor: 0, currency: Currency::USD },
    };
    assert_eq!(store.queries().stats().await.unwrap(), expected);
}
