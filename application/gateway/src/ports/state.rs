//! Where operators' changes are kept.

use async_trait::async_trait;
use gateway_domain::fleet::Overrides;
use kernel_application::StoreError;
use shaku::Interface;

/// Keeps what operators have changed beyond the end of the process.
#[async_trait]
pub trait StateStore: Interface {
    /// What was saved last; `None` where nothing ever was. What is there but cannot be understood MUST be an error whose
    /// source says what to do: a gateway that forgot a drain would send requests to a machine that is being repaired.
    async fn load(&self) -> Result<Option<Overrides>, StoreError>;

    /// Replaces what was saved. When it answers, the new state MUST survive a crash of the machine; when it fails, or is
    /// killed in the middle, the old or the new state is there, whole. Calls come one after the other.
    async fn save(&self, overrides: &Overrides) -> Result<(), StoreError>;
}
