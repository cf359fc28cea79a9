//! What a service's backends are to be from now on, and the way there from what they are.

use gateway_domain::{Backend, Moment, balancing::Strategy, breaker::State, fleet::Listed, member::Limits};

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
        let present: Vec<Backend> = watched.roster.members().map(|member| member.backend().clone()).collect();
        for gone in &present {
            if !wanted.iter().any(|listed| listed.backend.is_same_place(gone)) {
                watched.remove(gone.id());
            }
        }
        for listed in &wanted {
            if !present.iter().any(|backend| backend.is_same_place(&listed.backend)) {
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
        let id = listed.backend.id();
        // A backend that is not there was one too many, and there is nothing to adjust.
        let _ = watched.roster.set_weight(id, listed.backend.weight());
        let _ =
            if listed.draining { watched.roster.drain(id).map(drop) } else { watched.roster.resume(id, now) };
        let Some(record) = watched.record(id) else { return };
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

#[cfg(test)]
mod tests {
    use gateway_domain::{Service, fleet::Origin};

    use super::*;
    use crate::{Upstreams, testing::settings};

    /// Members, as URLs, of a service that had `before` and is to have `after`.
    fn followed(before: &str, after: &[&str]) -> Vec<String> {
        let upstreams = Upstreams::new(settings(before));
        let product = upstreams.of(Service::Product).unwrap();
        let listed = |url: &&str| Listed {
            backend: Backend::parse(url).unwrap(),
            origin: Origin::Configured,
            draining: false,
            forced_open: false,
        };
        product.follow(&Plan {
            backends: after.iter().map(listed).collect(),
            strategy: Strategy::RoundRobin,
            limits: Limits::default(),
        });
        product.members().iter().map(|member| member.backend().to_string()).collect()
    }

    #[test]
    fn backends_come_and_go() {
        assert_eq!(
            followed("http://a:1,http://b:1", &["http://b:1", "http://c:1"]),
            ["http://b:1", "http://c:1"]
        );
    }

    #[test]
    fn a_backend_that_is_spoken_to_in_another_way_is_another_one() {
        assert_eq!(followed("http://a:1", &["https://a:1"]), ["https://a:1"]);
        let (blue, green) = ("https://a:1;server_name=blue", "https://a:1;server_name=green");
        assert_eq!(followed("https://a:1", &[blue]), [blue]);
        assert_eq!(followed(blue, &[green]), [green]);
        assert_eq!(followed(blue, &[blue, green]), [blue, green]);
    }
}
