//! What the tables themselves forbid, and that they can be taken down.

use diesel::sql_query;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{
    Clock, StoreError,
    testing::{ManualClock, SequenceIds, context},
};
use payment_application::testing::new_payment;
use payment_domain::{Payment, PaymentStatus};
use platform_mariadb::Tx;

use super::Home;

/// The rule of the domain and the generated column say the same of every status.
#[tokio::test]
async fn the_basket_is_held_by_the_same_statuses_as_in_the_domain() {
    let home = Home::new().await;
    let ids = SequenceIds::default();
    for status in PaymentStatus::ALL {
        let mut payment = new_payment(&ids, "ada", ManualClock::default().now());
        home.stores.payments.save(&context(), &mut payment).await.unwrap();
        let step = if status == PaymentStatus::Processing { "'reserving'" } else { "NULL" };
        let become_it =
            format!("UPDATE payments SET status = '{status}', step = {step} WHERE id = '{}'", payment.id());
        run(&home, &become_it).await.unwrap();
        let mut next = new_payment(&ids, "ada", ManualClock::default().now()).snapshot().clone();
        next.basket = payment.snapshot().basket;
        let second = home.stores.payments.save(&context(), &mut Payment::from(next)).await;
        let refused = matches!(second, Err(StoreError::Duplicate(_)));
        assert_eq!(refused, status.holds_basket(), "{status}: {second:?}");
    }
}

#[tokio::test]
async fn impossible_rows_are_refused() {
    let home = Home::new().await;
    let mut payment = new_payment(&SequenceIds::default(), "ada", ManualClock::default().now());
    home.stores.payments.save(&context(), &mut payment).await.unwrap();
    for impossible in [
        "UPDATE payments SET refunded = amount + 1",
        "UPDATE payments SET amount = -1",
        "UPDATE payments SET status = 'processing'",
        "UPDATE payments SET metadata = 'no json'",
        "UPDATE payments SET currency = 'DOLLARS'",
        "UPDATE payment_items SET quantity = 0",
        "INSERT INTO refunds VALUES ('x', 0, 'x', 1, NULL, NULL, 'done', 0, NOW(6), NOW(6))",
        "DELETE FROM payments",
    ] {
        let result = run(&home, impossible).await;
        assert!(matches!(result, Err(StoreError::Failed { .. })), "{impossible}: {result:?}");
    }
    assert_eq!(home.stores.payments.find(payment.id(), None).await.unwrap(), Some(payment));
}

#[tokio::test]
async fn the_tables_go_down_and_up_again() {
    let home = Home::new().await;
    let (up, down) = (
        include_str!("../../../../../db/payment/mariadb/2026-01-03-000000_payments/up.sql"),
        include_str!("../../../../../db/payment/mariadb/2026-01-03-000000_payments/down.sql"),
    );
    // Twice each: a migration that was cut off is run again from its start.
    for script in [down, down, up, up] {
        home.database.connection().await.batch_execute(script).await.unwrap();
    }
    let mut payment = new_payment(&SequenceIds::default(), "ada", ManualClock::default().now());
    home.stores.payments.save(&context(), &mut payment).await.unwrap();
}

async fn run(home: &Home, statement: &str) -> Result<usize, StoreError> {
    let run = async |tx: &mut Tx| Ok(sql_query(statement).execute(tx.conn()).await?);
    home.db.write(&context(), "write", run).await
}
