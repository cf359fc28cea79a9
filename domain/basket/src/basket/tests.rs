use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn stamp(seconds: i64) -> Stamp {
    Stamp::new(Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds), TimeDelta::hours(24))
}

fn basket() -> Basket {
    Basket::open(
        BasketId::from_uuid(Uuid::from_u128(1)),
        UserId::new("ada").unwrap(),
        Currency::USD,
        stamp(0),
    )
}

fn product(id: i64) -> ProductId {
    ProductId::new(id).unwrap()
}

fn units(quantity: i64) -> Quantity {
    Quantity::new(quantity).unwrap()
}

fn offer(id: i64, price: i64, available: u64) -> Offer {
    Offer {
        product: product(id),
        name: format!("Product {id}"),
        price: Money::from_minor(price, Currency::USD),
        category: "things".to_owned(),
        available,
    }
}

fn add(basket: &mut Basket, id: i64, quantity: i64) {
    assert_eq!(basket.add(&offer(id, 999, 1_000), units(quantity), stamp(1)), Ok(Change::Made));
    basket.mark_saved();
}

fn paid(basket: &Basket, lines: &[(i64, i64)]) -> Paid {
    let lines =
        lines.iter().map(|&(id, quantity)| PaidLine { product: product(id), quantity: units(quantity) });
    Paid { basket: basket.id(), version: Some(basket.version()), lines: lines.collect() }
}

fn held(basket: &Basket) -> Vec<(i64, u32)> {
    basket.lines().map(|line| (line.product().get(), line.quantity().get())).collect()
}

#[test]
fn units_of_one_product_share_a_line_at_the_latest_price() {
    let mut basket = basket();
    add(&mut basket, 1, 2);
    let dearer = Offer { name: "Renamed".to_owned(), ..offer(1, 1_050, 10) };
    assert_eq!(basket.add(&dearer, units(1), stamp(5)), Ok(Change::Made));
    let line = basket.line(product(1)).unwrap();
    assert_eq!((line.state().name.as_str(), line.subtotal().minor()), ("Renamed", 3_150));
    assert_eq!((basket.total().minor(), basket.item_count()), (3_150, 3));
    assert_eq!(basket.updated_at(), stamp(5).now());
    assert_eq!(basket.expires_at(), stamp(5).now() + TimeDelta::hours(24));
}

#[test]
fn stock_counts_what_the_basket_holds() {
    let mut basket = basket();
    assert_eq!(basket.add(&offer(1, 100, 5), units(3), stamp(1)), Ok(Change::Made));
    let before = basket.clone();
    let refused = Refusal::InsufficientStock { product: product(1), requested: 6, available: 5 };
    assert_eq!(basket.add(&offer(1, 100, 5), units(3), stamp(2)), Err(refused));
    assert_eq!(basket, before);
    assert_eq!(basket.add(&offer(1, 100, 5), units(2), stamp(2)), Ok(Change::Made));
}

#[test]
fn a_quantity_is_set_only_where_there_is_a_line_and_stock() {
    let mut basket = basket();
    let absent = basket.set_quantity(&offer(1, 100, 5), units(1), stamp(1));
    assert_eq!(absent, Err(Refusal::ItemNotFound(product(1))));
    add(&mut basket, 1, 2);
    assert!(basket.set_quantity(&offer(1, 100, 5), units(6), stamp(1)).is_err());
    assert_eq!(basket.set_quantity(&offer(1, 100, 5), units(5), stamp(1)), Ok(Change::Made));
    assert_eq!(held(&basket), [(1, 5)]);
}

#[test]
fn what_changes_nothing_is_no_change() {
    let mut basket = basket();
    assert_eq!(basket.clear(stamp(9)), Ok(Change::None));
    add(&mut basket, 1, 2);
    assert_eq!(basket.set_quantity(&offer(1, 999, 5), units(2), stamp(9)), Ok(Change::None));
    assert_eq!(basket.updated_at(), stamp(1).now());
}

#[test]
fn lines_are_taken_out_one_by_one_or_all_at_once() {
    let mut basket = basket();
    (1..=3).for_each(|id| add(&mut basket, id, id));
    assert_eq!(basket.remove(product(2), stamp(2)), Ok(Change::Made));
    assert_eq!(basket.remove(product(2), stamp(2)), Err(Refusal::ItemNotFound(product(2))));
    assert_eq!(held(&basket), [(1, 1), (3, 3)]);
    assert_eq!(basket.clear(stamp(3)), Ok(Change::Made));
    assert!(basket.total().is_zero());
}

#[test]
fn a_basket_holds_a_hundred_products() {
    let mut basket = basket();
    (1..=100).for_each(|id| add(&mut basket, id, 1));
    assert_eq!(basket.add(&offer(101, 1, 1), units(1), stamp(1)), Err(Refusal::Full));
    add(&mut basket, 100, 1);
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    let mut basket = basket();
    let dear = offer(1, i64::MAX / 2, 10);
    assert_eq!(basket.add(&dear, units(3), stamp(1)), Err(MoneyError::Overflow.into()));
    assert_eq!(basket.add(&dear, units(2), stamp(1)), Ok(Change::Made));
    let before = basket.clone();
    assert_eq!(basket.add(&offer(2, 2, 10), units(1), stamp(1)), Err(MoneyError::Overflow.into()));
    assert!(matches!(
        basket.add(&offer(3, 1, 9_999_999), units(1_000_000), stamp(1)),
        Err(Refusal::Amount(_))
    ));
    assert_eq!(basket, before);
}

#[test]
fn one_line_holds_a_million_units() {
    let mut basket = basket();
    let plenty = offer(1, 1, u64::MAX);
    assert_eq!(basket.add(&plenty, units(1_000_000), stamp(1)), Ok(Change::Made));
    let more = basket.add(&plenty, units(1), stamp(1));
    assert!(matches!(more, Err(Refusal::Quantity(violation)) if violation.field() == "quantity"));
}

#[test]
fn currencies_do_not_mix() {
    let euro = Offer { price: Money::from_minor(1, "EUR".parse().unwrap()), ..offer(1, 1, 1) };
    let refused = basket().add(&euro, units(1), stamp(1));
    assert!(matches!(refused, Err(Refusal::Amount(MoneyError::Currencies(..)))));
}

#[test]
fn paid_units_leave_and_later_ones_stay() {
    let mut basket = basket();
    add(&mut basket, 1, 2);
    add(&mut basket, 2, 1);
    let paid = paid(&basket, &[(1, 2), (2, 1)]);
    add(&mut basket, 1, 3);
    add(&mut basket, 3, 1);
    assert_eq!(basket.remove_paid(&paid, stamp(7)), Ok(Change::Made));
    assert_eq!(held(&basket), [(1, 3), (3, 1)]);
    assert_eq!(basket.total().minor(), 4 * 999);
}

#[test]
fn a_product_taken_out_and_put_in_again_was_not_paid() {
    let mut basket = basket();
    add(&mut basket, 1, 2);
    let snapshot = paid(&basket, &[(1, 2)]);
    assert_eq!(basket.remove(product(1), stamp(2)), Ok(Change::Made));
    basket.mark_saved();
    add(&mut basket, 1, 2);
    assert_eq!(basket.remove_paid(&snapshot, stamp(7)), Ok(Change::None));
    let unversioned = Paid { version: None, ..snapshot };
    assert_eq!(basket.remove_paid(&unversioned, stamp(7)), Ok(Change::Made));
}

#[test]
fn another_basket_of_the_user_is_left_alone() {
    let mut basket = basket();
    add(&mut basket, 1, 2);
    let other = Paid { basket: BasketId::from_uuid(Uuid::from_u128(2)), ..paid(&basket, &[(1, 2)]) };
    assert_eq!(basket.remove_paid(&other, stamp(7)), Ok(Change::None));
}

#[test]
fn expires_at_the_end_of_its_life() {
    let basket = basket();
    assert!(!basket.is_expired(stamp(86_399).now()));
    assert!(basket.is_expired(stamp(86_400).now()));
}

#[derive(Clone, Debug)]
enum Step {
    Add(i64, i64, i64, u64),
    Set(i64, i64, u64),
    Remove(i64),
    Clear,
    RemovePaid(Vec<(i64, i64)>),
}

fn step() -> impl Strategy<Value = Step> {
    let price = prop_oneof![9 => 0_i64..100_000, 1 => Just(i64::MAX / 3)];
    prop_oneof![
        6 => (1_i64..8, price, 1_i64..50, 0_u64..200).prop_map(|(id, price, n, stock)| Step::Add(id, price, n, stock)),
        3 => (1_i64..8, 1_i64..50, 0_u64..200).prop_map(|(id, n, stock)| Step::Set(id, n, stock)),
        2 => (1_i64..8).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        3 => prop::collection::vec((1_i64..8, 1_i64..50), 0..4).prop_map(Step::RemovePaid),
    ]
}

fn apply(basket: &mut Basket, step: &Step) -> Result<Change, Refusal> {
    match step {
        Step::Add(id, price, n, stock) => basket.add(&offer(*id, *price, *stock), units(*n), stamp(1)),
        Step::Set(id, n, stock) => basket.set_quantity(&offer(*id, 100, *stock), units(*n), stamp(1)),
        Step::Remove(id) => basket.remove(product(*id), stamp(1)),
        Step::Clear => basket.clear(stamp(1)),
        Step::RemovePaid(lines) => {
            let paid = paid(basket, lines);
            basket.remove_paid(&paid, stamp(1))
        }
    }
}

fn units_of(basket: &Basket, id: i64) -> i64 {
    basket.line(product(id)).map_or(0, |line| line.quantity().get().into())
}

proptest! {
    #[test]
    fn total_is_the_sum_of_the_subtotals(steps in prop::collection::vec(step(), 1..40)) {
        let mut basket = basket();
        for step in &steps {
            let before = basket.clone();
            let result = apply(&mut basket, step);
            let sum: i128 = basket.lines().map(|line| {
                i128::from(line.state().price.minor()) * i128::from(line.quantity().get())
            }).sum();
            prop_assert_eq!(i128::from(basket.total().minor()), sum);
            prop_assert_eq!(basket.item_count(), basket.lines().map(|l| u64::from(l.quantity().get())).sum::<u64>());
            match result {
                Ok(Change::Made) => basket.mark_saved(),
                Ok(Change::None) | Err(_) => prop_assert_eq!(&basket, &before),
            }
        }
    }

    #[test]
    fn a_payment_takes_what_was_paid_and_no_more(
        first in prop::collection::vec((1_i64..6, 1_i64..50), 1..6),
        later in prop::collection::vec((1_i64..6, 1_i64..50), 0..6),
        lines in prop::collection::vec((1_i64..8, 1_i64..50), 0..6),
    ) {
        let mut basket = basket();
        for &(id, n) in &first {
            add(&mut basket, id, n);
        }
        let snapshot = basket.version();
        let paid = paid(&basket, &lines);
        for &(id, n) in &later {
            add(&mut basket, id, n);
        }
        let before = basket.clone();
        let _ = basket.remove_paid(&paid, stamp(2)).unwrap();
        for id in 1..8 {
            let paid: i64 = lines.iter().filter(|line| line.0 == id).map(|line| line.1).sum();
            let came_later = before.line(product(id)).is_ok_and(|line| line.since() > snapshot);
            let rest = if came_later { units_of(&before, id) } else { (units_of(&before, id) - paid).max(0) };
            prop_assert_eq!(units_of(&basket, id), rest);
        }
    }

    #[test]
    fn what_a_store_keeps_is_the_basket(steps in prop::collection::vec(step(), 0..20)) {
        let mut basket = basket();
        for step in &steps {
            if matches!(apply(&mut basket, step), Ok(Change::Made)) {
                basket.mark_saved();
            }
        }
        let state = BasketState {
            id: basket.id(),
            user: basket.user().clone(),
            currency: basket.total().currency(),
            lines: basket.lines().cloned().collect(),
            created_at: basket.created_at(),
            updated_at: basket.updated_at(),
            expires_at: basket.expires_at(),
            version: basket.version(),
        };
        prop_assert_eq!(Basket::restore(state), Ok(basket));
    }
}
