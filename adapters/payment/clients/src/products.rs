//! Prices and reservations, asked of the product service.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, ErrorClass};
use kernel_domain::{PaymentId, ProductId, Violation};
use payment_application::{PeerFailure, ProductQuote, Products, Reservation, ReservationLine};
use platform_grpc::{Call, Peer, money, number};
use proto::product::v1::{
    GetProductRequest, Product, ReleaseStockRequest, ReserveStockRequest, StockLine, StockRejected,
    product_service_client::ProductServiceClient, reserve_stock_response::Outcome,
};
use shaku::Component;

use crate::failure::{failed, unreadable};

/// Asks `GetProduct`, `ReserveStock` and `ReleaseStock`. All are safe to repeat: the payment's id is the key.
#[derive(Component)]
#[shaku(interface = Products)]
pub struct GrpcProducts {
    /// The product service.
    peer: Arc<Peer>,
}

impl GrpcProducts {
    /// Asks `peer`.
    pub const fn new(peer: Arc<Peer>) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl Products for GrpcProducts {
    async fn product(&self, ctx: &CallContext, id: ProductId) -> Result<Option<ProductQuote>, PeerFailure> {
        let request = GetProductRequest { id: id.get() };
        let answer = self.peer.call(ctx, Call::safe("GetProduct"), request, |channel, request| async move {
            ProductServiceClient::new(channel).get_product(request).await
        });
        match answer.await {
            Ok(response) => {
                let product =
                    response.product.ok_or_else(|| unreadable(&self.peer, "no product in the answer"))?;
                quote(&product).map(Some).map_err(|violation| unreadable(&self.peer, violation))
            }
            Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn reserve(
        &self,
        ctx: &CallContext,
        payment: PaymentId,
        lines: &[ReservationLine],
    ) -> Result<Reservation, PeerFailure> {
        let request = reservation(payment, lines);
        let answer =
            self.peer.call(ctx, Call::safe("ReserveStock"), request, |channel, request| async move {
                ProductServiceClient::new(channel).reserve_stock(request).await
            });
        match answer.await.map_err(failed)?.outcome {
            Some(Outcome::Reserved(_)) => Ok(Reservation::Reserved),
            Some(Outcome::Rejected(rejected)) => {
                let refused = refused(&rejected).map_err(|violation| unreadable(&self.peer, violation))?;
                Ok(Reservation::Refused(refused))
            }
            None => Err(unreadable(&self.peer, "no outcome in the answer")),
        }
    }

    async fn release(&self, ctx: &CallContext, payment: PaymentId) -> Result<(), PeerFailure> {
        let request = ReleaseStockRequest { payment_id: payment.to_string() };
        let answer =
            self.peer.call(ctx, Call::safe("ReleaseStock"), request, |channel, request| async move {
                ProductServiceClient::new(channel).release_stock(request).await
            });
        answer.await.map(drop).map_err(failed)
    }
}

fn quote(product: &Product) -> Result<ProductQuote, Violation> {
    Ok(ProductQuote {
        price: money::read("price", product.price.as_ref())?,
        available: number::read("available_quantity", product.available_quantity)?,
    })
}

fn reservation(payment: PaymentId, lines: &[ReservationLine]) -> ReserveStockRequest {
    let lines = lines
        .iter()
        .map(|line| StockLine { product_id: line.product_id.get(), quantity: line.quantity.get().into() })
        .collect();
    ReserveStockRequest { payment_id: payment.to_string(), lines }
}

/// The products that are short, then those that are gone.
fn refused(rejected: &StockRejected) -> Result<Vec<ProductId>, Violation> {
    let short = rejected.shortages.iter().map(|shortage| shortage.product_id);
    short.chain(rejected.missing_product_ids.iter().copied()).map(ProductId::new).collect()
}
