//! What tests need of servers, and what there is of it.

use super::members::Member;
use crate::servers::Kind;
use std::collections::BTreeSet;

/// Kinds of servers, by what tests do with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) servers: BTreeSet<Kind>,
    /// Started by the tests themselves.
    pub(super) programs: BTreeSet<Kind>,
    /// Asked for their certificates.
    pub(super) verified: BTreeSet<Kind>,
}

/// What there is of that.
#[derive(Debug, Default)]
pub(super) struct Supply {
    /// There are none of these.
    pub(super) missing: BTreeSet<Kind>,
    /// None of these can be started here; the environment may name one.
    pub(super) no_programs: BTreeSet<Kind>,
    /// The environment names one, and nobody who signed its certificate.
    pub(super) strangers: BTreeSet<Kind>,
}

impl Supply {
    /// What the tests of that crate need and cannot have.
    pub(super) fn lacks(&self, member: &Member) -> Vec<Kind> {
        let strange = member.verifies().filter(|_| self.takes_apart(member));
        let programs: Vec<Kind> = member.programs().iter().copied().chain(strange).collect();
        self.missing_of(member.needs(), &programs)
    }

    /// As [`lacks`](Self::lacks), for its tests of the server home.
    pub(super) fn lacks_in_target(&self, member: &Member) -> Vec<Kind> {
        self.missing_of(member.servers_need(), member.servers_programs())
    }

    /// Whether its tests run on a server of ours, although the environment names one.
    pub(super) fn takes_apart(&self, member: &Member) -> bool {
        member.verifies().is_some_and(|kind| self.strangers.contains(&kind))
    }

    fn missing_of(&self, servers: &[Kind], programs: &[Kind]) -> Vec<Kind> {
        let servers = servers.iter().filter(|kind| self.missing.contains(kind));
        let programs = programs.iter().filter(|kind| self.no_programs.contains(kind));
        servers.chain(programs).copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}
