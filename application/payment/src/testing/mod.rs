//! Fakes of the ports, and the contract that every store of payments keeps.

mod contract;
mod fake_payments;
mod fake_peers;
mod fixtures;
mod load;
mod world;

pub use contract::{BoxedCount, PaymentStores, payment_store_contract};
pub use fake_payments::InMemoryPayments;
pub use fake_peers::{FakeBaskets, FakeProducts, FakeProvider, ProviderScript};
pub use fixtures::{basket, item, new_payment, product_id, usd, user};
pub use load::Load;
pub use world::{World, creation};
