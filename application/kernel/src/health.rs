//! Whether what a service depends on is there.

use async_trait::async_trait;
use shaku::Interface;

/// One dependency, checked for real each time it is asked.
#[async_trait]
pub trait HealthCheck: Interface {
    /// The dependency's name in `/health`: `product-store`, `event-log`, `basket-service`.
    fn name(&self) -> &'static str;

    /// `Ok` where the dependency answers; otherwise what is wrong and what would help, without secrets.
    async fn check(&self) -> Result<(), String>;
}
