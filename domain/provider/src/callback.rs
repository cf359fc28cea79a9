//! What the merchant is told after a charge.

use kernel_domain::EventId;

use crate::{CallbackUrl, ChargeId, ChargeStatus, LedgerKey};

/// One message to the merchant. The same event may be sent more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// By which the merchant tells repeated events.
    pub event_id: EventId,
    /// The charge's key.
    pub key: LedgerKey,
    /// The charge.
    pub charge_id: ChargeId,
    /// What became of the charge.
    pub status: ChargeStatus,
    /// The event's place among those of the charge, from 1 up.
    pub sequence: u32,
    /// Where it goes.
    pub url: CallbackUrl,
}
