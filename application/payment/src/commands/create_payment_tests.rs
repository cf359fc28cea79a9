//! Creation on fakes.

use kernel_application::UseCaseError;

use super::*;
use crate::testing::{World, creation, item, product_id, usd};

async fn rejection(world: &World, command: CreatePayment) -> &'static str {
    world.run(&world.create(), command).await.unwrap_err().code()
}

#[tokio::test]
async fn copies_amount_and_items_from_the_basket() {
    let world = World::default();
    let basket = world.fill_basket("ada", &[item(1, 2), item(2, 1)]);
    let view = world.run(&world.create(), creation("ada")).await.unwrap();
    assert_eq!((view.amount, view.items.len(), view.status.as_str()), (usd(3_000), 2, "pending"));
    assert_eq!(view.basket_id, basket.to_string());
    assert_eq!(view.expires_at - view.created_at, Payment::QUOTE);
}

#[tokio::test]
async fn needs_a_basket_with_something_in_it() {
    let world = World::default();
    assert_eq!(rejection(&world, creation("ada")).await, "basket_empty");
    world.fill_basket("ada", &[]);
    assert_eq!(rejection(&world, creation("ada")).await, "basket_empty");
}

#[tokio::test]
async fn refuses_another_basket_than_the_client_saw() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let other = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
    let command = CreatePayment { basket_id: Some(other), ..creation("ada") };
    assert_eq!(rejection(&world, command).await, "basket_changed");
}

#[tokio::test]
async fn checks_each_product() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    world.products.put(product_id(1), usd(1_100), 10);
    assert_eq!(rejection(&world, creation("ada")).await, "price_changed");
    world.products.put(product_id(1), usd(1_000), 0);
    assert_eq!(rejection(&world, creation("ada")).await, "product_unavailable");
    world.fill_basket("ada", &[item(9, 1)]);
    assert_eq!(rejection(&world, creation("ada")).await, "product_unavailable");
}

#[tokio::test]
async fn one_payment_lives_per_basket_version() {
    let world = World::default();
    let first = world.pending("ada").await;
    assert_eq!(rejection(&world, creation("ada")).await, "payment_in_progress");
    let cancel = crate::commands::CancelPayment { id: first.id };
    world.run(&world.cancel(), cancel).await.unwrap();
    assert!(world.run(&world.create(), creation("ada")).await.is_ok());
}

#[tokio::test]
async fn names_everything_that_is_wrong_at_once() {
    let world = World::default();
    let command = CreatePayment {
        user_id: "a b".into(),
        method: "cash".into(),
        basket_id: Some("x".into()),
        currency: Some("usd".into()),
        description: Some("x".repeat(501)),
        metadata: BTreeMap::from([("k".repeat(41), String::new())]),
        ..creation("ada")
    };
    let error = world.run(&world.create(), command).await.unwrap_err();
    let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
    assert_eq!(fields, ["user_id", "method", "basket_id", "currency", "description", "metadata"]);
}

#[tokio::test]
async fn refuses_a_currency_that_is_not_the_shops() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    let command = CreatePayment { currency: Some("EUR".into()), ..creation("ada") };
    assert_eq!(rejection(&world, command).await, "validation_failed");
}

#[tokio::test]
async fn a_service_that_is_away_is_said_to_be() {
    let world = World::default();
    world.fill_basket("ada", &[item(1, 1)]);
    world.products.set_away(true);
    assert_eq!(rejection(&world, creation("ada")).await, "service_unavailable");
}
