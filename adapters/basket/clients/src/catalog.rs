//! The catalogue, asked of the product service.

use std::sync::Arc;

use async_trait::async_trait;
use basket_application::ports::{CatalogError, CatalogProduct, ProductCatalog};
use kernel_application::{CallContext, ErrorClass};
use kernel_domain::{ProductId, Violation};
use platform_grpc::{Call, Peer, PeerError, money, number};
use proto::product::v1::{GetProductRequest, Product, product_service_client::ProductServiceClient};
use shaku::Component;

/// Asks `GetProduct`, a read and so safe to repeat.
#[derive(Component)]
#[shaku(interface = ProductCatalog)]
pub struct GrpcProductCatalog {
    /// The product service.
    peer: Arc<Peer>,
}

impl GrpcProductCatalog {
    /// Asks `peer`.
    pub const fn new(peer: Arc<Peer>) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl ProductCatalog for GrpcProductCatalog {
    async fn product(
        &self,
        ctx: &CallContext,
        product: ProductId,
    ) -> Result<Option<CatalogProduct>, CatalogError> {
        let request = GetProductRequest { id: product.get() };
        let answer = self.peer.call(ctx, Call::safe("GetProduct"), request, |channel, request| async move {
            ProductServiceClient::new(channel).get_product(request).await
        });
        match answer.await {
            Ok(response) => {
                let product = response
                    .product
                    .ok_or_else(|| CatalogError::Failed("no product in the answer".into()))?;
                from_wire(product).map(Some).map_err(|violation| CatalogError::Failed(violation.into()))
            }
            Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(failure(ctx, error)),
        }
    }
}

fn from_wire(product: Product) -> Result<CatalogProduct, Violation> {
    Ok(CatalogProduct {
        id: ProductId::new(product.id)?,
        price: money::read("price", product.price.as_ref())?,
        available_quantity: number::read("available_quantity", product.available_quantity)?,
        name: product.name,
        category: product.category,
    })
}

/// A peer that took longer than we give it is as good as away; only the caller's own deadline is a time-out of the call.
fn failure(ctx: &CallContext, error: PeerError) -> CatalogError {
    let overdue = ctx.remaining().is_some_and(|left| left.is_zero());
    match error.class() {
        ErrorClass::Timeout if overdue => CatalogError::DeadlineExceeded(error.into()),
        ErrorClass::Timeout | ErrorClass::Unavailable | ErrorClass::Contended => {
            CatalogError::Unavailable(error.into())
        }
        _ => CatalogError::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests;
