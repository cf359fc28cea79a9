//! Fakes of the ports, all use cases on top of them, and the suite that every store must pass.
//!
//! A store adapter implements [`StoreUnderTest`] in its own tests and calls [`store_contract`].

mod bench;
mod catalog;
mod contract;
mod load;
mod store;

pub use bench::Bench;
pub use catalog::{CatalogState, FakeCatalog};
pub use contract::{StoreUnderTest, store_contract};
pub use load::Load;
pub use store::InMemoryBaskets;
