//! What a service's backends are to be from now on, and the way there from what they are.

use gateway_domain::{Moment, balancing::Strategy, breaker::State, fleet::Listed, member::Limits};

use super::watched::Watched;

/// The backends of one service, and how they are balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) backends: Vec<Listed>,
    pub(crate) strategy: Strategy,
    pub(crate) limits: Limits,
}

impl Plan {
    /// Takes out, takes in, and adjusts what stays. The caller builds the pool from it.
    pub(super) fn carry_out(&self, watched: &mut Watched, now: Moment) {
        let wanted: Vec<_> = self.wanted(watched.settings.enabled).collect();
        let is_wanted = |authority: &str| wanted.iter().any(|listed| listed.backend.authority() == authority);
        let present: Vec<String> =
            watched.roster.members().map(|member| member.backend().authority().to_owned()).collect();
        for gone in present.iter().filter(|authority| !is_wanted(authority)) {
            watched.remove(gone);
        }
        for listed in &wanted {
            if !present.iter().any(|authority| authority == listed.backend.authority()) {
                watched.add(&listed.backend, now);
            }
            self.adjust(watched, listed, now);
        }
        watched.roster.set_strategy(self.strategy);
    }

    /// All of them; without balancing those that drain, and the first of the others.
    fn wanted(&self, balanced: bool) -> impl Iterator<Item = &Listed> {
        let mut taken = false;
        let takes_part =
            move |listed: &&Listed| balanced || listed.draining || !std::mem::replace(&mut taken, true);
        self.backends.iter().filter(takes_part)
    }

    fn adjust(&self, watched: &mut Watched, listed: &Listed, now: Moment) {
        let authority = listed.backend.authority();
        // A backend that is not there was one too many, and there is nothing to adjust.
        let _ = watched.roster.set_weight(authority, listed.backend.weight());
        let _ = if listed.draining {
            watched.roster.drain(authority).map(drop)
        } else {
            watched.roster.resume(authority, now)
        };
        let Some(record) = watched.record(authority) else { return };
        record.member.gate().set_limits(self.limits);
        if listed.draining {
            record.bell.ring_for_all();
        }
        if let Some(breaker) = record.member.breaker() {
            let is_forced = breaker.view(now).state == State::ForcedOpen;
            match (is_forced, listed.forced_open) {
                (false, true) => breaker.force_open(now),
                (true, false) => breaker.reset(now),
                _ => {}
            }
        }
    }
}
