//! Who changed what, when, and from what to what.

use std::collections::VecDeque;

use kernel_domain::Timestamp;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The version that it led to.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// The subject of the token.
    pub who: String,
    /// The kind of change: `add_backend`.
    pub what: &'static str,
    /// What was changed: `product a:8080`.
    pub target: String,
    /// What it was before, in words.
    pub before: String,
    /// What it is now, in words.
    pub after: String,
    /// The request.
    pub request_id: String,
}

/// So many changes are remembered; the log has all of them.
const MOST: usize = 1_000;

/// The last changes, in memory that does not grow.
#[derive(Debug, Default)]
pub(super) struct AuditTrail(VecDeque<AuditEntry>);

impl AuditTrail {
    pub(super) fn push(&mut self, entry: AuditEntry) {
        self.0.truncate(MOST - 1);
        self.0.push_front(entry);
    }

    pub(super) fn newest(&self, most: usize) -> Vec<AuditEntry> {
        self.0.iter().take(most).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut trail = AuditTrail::default();
        for version in 0..1_500 {
            trail.push(AuditEntry {
                version,
                at: Timestamp::UNIX_EPOCH,
                who: "ada".to_owned(),
                what: "add_backend",
                target: "product a:1".to_owned(),
                before: "absent".to_owned(),
                after: "weight 1".to_owned(),
                request_id: "r".to_owned(),
            });
        }
        let versions = |most| trail.newest(most).iter().map(|entry| entry.version).collect::<Vec<_>>();
        assert_eq!(versions(2), [1_499, 1_498]);
        assert_eq!((versions(5_000).len(), versions(5_000)[999]), (1_000, 500));
    }
}
