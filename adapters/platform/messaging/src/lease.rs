//! Leases of relay and readers: how long they last and how often they are renewed.

use std::time::Duration;

/// A process that was killed is missed after this long.
pub(crate) const LEASE: Duration = Duration::from_secs(6);
/// Two renewals may fail before the lease is over.
pub(crate) const RENEWAL: Duration = Duration::from_secs(2);
