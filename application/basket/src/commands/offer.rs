//! Asking the catalogue on behalf of a command.

use basket_domain::Offer;
use kernel_application::CallContext;
use kernel_domain::ProductId;

use crate::{BasketError, ports::ProductCatalog};

/// The product as it can be bought now.
pub(super) async fn offer(
    catalog: &dyn ProductCatalog,
    ctx: &CallContext,
    product: ProductId,
) -> Result<Offer, BasketError> {
    let found = catalog.product(ctx, product).await?.ok_or(BasketError::ProductNotFound(product))?;
    Ok(Offer {
        product: found.id,
        name: found.name,
        price: found.price,
        category: found.category,
        available: found.available_quantity,
    })
}
