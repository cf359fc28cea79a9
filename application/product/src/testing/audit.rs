//! What a contract suite needs of a store beside its ports.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::messaging::Delivery;
use kernel_domain::EventId;

use crate::ports::{ProductQueries, ProductRepository, SalesLedger, StockRepository};

/// A fresh store, seen through its ports and from behind.
#[async_trait]
pub trait StoreUnderTest: Send + Sync {
    /// The port.
    fn products(&self) -> Arc<dyn ProductRepository>;

    /// The port.
    fn stock(&self) -> Arc<dyn StockRepository>;

    /// The port.
    fn sales(&self) -> Arc<dyn SalesLedger>;

    /// The port.
    fn queries(&self) -> Arc<dyn ProductQueries>;

    /// `event`, as the next record of a partition that this process holds.
    async fn delivery(&self, event: EventId) -> Delivery;

    /// Every product's books, by id: removed products too where anything moved.
    async fn audit(&self) -> Vec<Books>;
}

/// One product's figures, each counted on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The product.
    pub product: i64,
    /// Its stock quantity; 0 once it is removed.
    pub on_hand: i64,
    /// Its reserved units; 0 once it is removed.
    pub reserved: i64,
    /// The sum of its movements.
    pub moved: i64,
    /// The sum of what reservations hold of it.
    pub held: i64,
}

impl Books {
    /// The invariants: `0 ≤ reserved ≤ on hand`, every unit moved is booked, every reserved unit has a holder.
    pub fn balance(&self) -> bool {
        (0..=self.on_hand).contains(&self.reserved)
            && self.moved == self.on_hand
            && self.held == self.reserved
    }
}
