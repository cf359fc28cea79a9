//! Baskets, asked of the basket service.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, ErrorClass};
use kernel_domain::{BasketId, ProductId, Quantity, UserId, Violation};
use payment_application::{BasketLine, BasketQuote, Baskets, PeerFailure};
use platform_grpc::{Call, Peer, money, number};
use proto::basket::v1::{Basket, BasketItem, GetBasketRequest, basket_service_client::BasketServiceClient};
use shaku::Component;

use crate::failure::{failed, unreadable};

/// Asks `GetBasket`, a read and so safe to repeat.
#[derive(Component)]
#[shaku(interface = Baskets)]
pub struct GrpcBaskets {
    /// The basket service.
    peer: Arc<Peer>,
}

impl GrpcBaskets {
    /// Asks `peer`.
    pub const fn new(peer: Arc<Peer>) -> Self {
        Self { peer }
    }
}

#[async_trait]
impl Baskets for GrpcBaskets {
    async fn basket_of(&self, ctx: &CallContext, user: &UserId) -> Result<Option<BasketQuote>, PeerFailure> {
        let request = GetBasketRequest { user_id: user.to_string() };
        let answer = self.peer.call(ctx, Call::safe("GetBasket"), request, |channel, request| async move {
            BasketServiceClient::new(channel).get_basket(request).await
        });
        match answer.await {
            Ok(response) => {
                // An answer without a basket is a fault of the peer's, never an empty basket.
                let basket =
                    response.basket.ok_or_else(|| unreadable(&self.peer, "no basket in the answer"))?;
                quote(basket).map(Some).map_err(|violation| unreadable(&self.peer, violation))
            }
            Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

fn quote(basket: Basket) -> Result<BasketQuote, Violation> {
    Ok(BasketQuote {
        id: BasketId::parse(&basket.id)?,
        version: number::read("version", basket.version)?,
        lines: basket.items.into_iter().map(line).collect::<Result<_, _>>()?,
    })
}

fn line(item: BasketItem) -> Result<BasketLine, Violation> {
    Ok(BasketLine {
        product_id: ProductId::new(item.product_id)?,
        price: money::read("price", item.price.as_ref())?,
        quantity: Quantity::new(item.quantity)?,
        name: item.name,
        category: item.category,
    })
}
