//! `stock.updated.v1`: a payment's verdict moves stock. The only event that does.

use platform_messaging::{CloudEvent, HandleError};
use product_application::{StockOperation, commands::ApplyStockChange};
use serde::Deserialize;

pub(crate) const TYPE: &str = "stock.updated.v1";

/// The fields that matter here; `reason` is for people.
#[derive(Deserialize)]
struct Data {
    product_id: i64,
    quantity: i64,
    operation: Operation,
    payment_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Decrease,
    Increase,
}

pub(crate) fn command(event: &CloudEvent) -> Result<ApplyStockChange, HandleError> {
    let Data { product_id, quantity, operation, payment_id } = event.data()?;
    let operation = match operation {
        Operation::Decrease => StockOperation::Decrease,
        Operation::Increase => StockOperation::Increase,
    };
    Ok(ApplyStockChange { payment_id, product_id, quantity, operation })
}
