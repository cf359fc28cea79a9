//! `payment.completed.v1`: what was paid for counts as sold. Stock is moved by `stock.updated.v1`, not by this.

use kernel_domain::{Currency, Money};
use platform_messaging::{CloudEvent, HandleError};
use product_application::commands::{RecordSale, SaleLine};
use serde::Deserialize;

pub(crate) const TYPE: &str = "payment.completed.v1";

#[derive(Deserialize)]
struct Data {
    currency: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    product_id: i64,
    quantity: i64,
    price: String,
}

pub(crate) fn command(event: &CloudEvent) -> Result<RecordSale, HandleError> {
    let Data { currency, items } = event.data()?;
    let currency: Currency = currency.parse().map_err(|wrong| HandleError::Poison(format!("{wrong}")))?;
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, currency));
    Ok(RecordSale { lines: lines.collect::<Result<_, _>>()? })
}

fn line(index: usize, item: &Item, currency: Currency) -> Result<SaleLine, HandleError> {
    let price = Money::parse(&item.price, currency)
        .map_err(|wrong| HandleError::Poison(format!("items[{index}].price {wrong}")))?;
    Ok(SaleLine { product_id: item.product_id, quantity: item.quantity, price })
}
