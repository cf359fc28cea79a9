//! Cancelling on fakes.

use kernel_application::UseCaseError;
use payment_domain::PaymentStatus;

use super::*;
use crate::testing::World;

#[tokio::test]
async fn a_pending_payment_is_given_up() {
    let world = World::default();
    let id = world.pending("ada").await.id;
    let view = world.run(&world.cancel(), CancelPayment { id }).await.unwrap();
    assert_eq!(view.status, PaymentStatus::Cancelled);
}

#[tokio::test]
async fn any_other_is_not() {
    let world = World::default();
    let id = world.completed("ada").await.id;
    let error = world.run(&world.cancel(), CancelPayment { id }).await.unwrap_err();
    assert_eq!(error.code(), "payment_not_pending");
}
