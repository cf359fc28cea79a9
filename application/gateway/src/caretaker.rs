//! Looks after the backends in the background: probes them, and lets time bring back those that were left out.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join, join_all};
use gateway_domain::member::Member;
use tokio::sync::watch;

use crate::{BackendProbe, Change, ForwardObserver, Upstreams, random, upstreams::Upstream};

/// How often a service is asked that no probe has found ready yet: a gateway that starts together with its services is
/// to be ready with them.
const FIRST_PACE: Duration = Duration::from_millis(250);

/// The worker. One per gateway.
pub struct Caretaker {
    upstreams: Arc<Upstreams>,
    probe: Arc<dyn BackendProbe>,
    observer: Arc<dyn ForwardObserver>,
    interval: Duration,
}

impl Caretaker {
    /// Probes every backend once in each `interval`.
    pub fn new(
        upstreams: Arc<Upstreams>,
        probe: Arc<dyn BackendProbe>,
        observer: Arc<dyn ForwardObserver>,
        interval: Duration,
    ) -> Self {
        Self { upstreams, probe, observer, interval }
    }

    /// Works until `stop` turns true, or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let services = join_all(self.upstreams.enabled().map(|upstream| self.look_after(upstream)));
        tokio::select! {
            _ = services => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        // Without any service there is nothing to do, which is no reason to end before the gateway does.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    async fn look_after(&self, upstream: &Upstream) {
        let probing = async {
            loop {
                self.round(upstream).await;
                tokio::time::sleep(self.pause(upstream)).await;
            }
        };
        let refreshing = async {
            loop {
                upstream.refresh_when_due().await;
            }
        };
        let _: ((), ()) = join(probing, refreshing).await;
    }

    async fn round(&self, upstream: &Upstream) {
        let members = upstream.members();
        join_all(members.iter().map(|member| self.check(upstream, member))).await;
    }

    async fn check(&self, upstream: &Upstream, member: &Arc<Member>) {
        let backend = member.backend();
        let problem = self.probe.probe(backend).await.err();
        if upstream.probed(member, problem.clone()) {
            let change = problem.as_deref().map_or(Change::Up, |problem| Change::Down { problem });
            self.observer.changed(upstream.fleet(), backend, &change);
        }
    }

    /// Between nine and eleven tenths of the interval, so that gateways that start together do not stay together.
    fn pause(&self, upstream: &Upstream) -> Duration {
        let interval = if upstream.has_been_well() { self.interval } else { self.interval.min(FIRST_PACE) };
        interval * 9 / 10 + random::up_to(interval / 5)
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::Service;

    use super::*;
    use crate::testing::{ScriptedBackends, settings};

    fn conditions(upstreams: &Upstreams) -> Vec<&'static str> {
        upstreams.of(Service::Product).unwrap().states().iter().map(|state| state.condition).collect()
    }

    /// Time is the test's: the pauses between probes pass when nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn probes_take_backends_out_and_bring_them_back() {
        let backends = Arc::new(ScriptedBackends::with_away(["b:1"]));
        let upstreams = Arc::new(Upstreams::new(settings("http://a:1,http://b:1")));
        let (stop, stopped) = watch::channel(false);
        let interval = Duration::from_secs(2);
        let caretaker = Caretaker::new(
            Arc::clone(&upstreams),
            Arc::clone(&backends) as _,
            Arc::clone(&backends) as _,
            interval,
        );
        let worker = tokio::spawn(caretaker.run(stopped));

        tokio::time::sleep(interval).await;
        assert_eq!(conditions(&upstreams), ["warming", "warming"], "one or two failed probes are none");
        tokio::time::sleep(interval * 3).await;
        assert_eq!(conditions(&upstreams), ["warming", "down"]);
        backends.set_away([]);
        tokio::time::sleep(interval * 4).await;
        assert_eq!(conditions(&upstreams), ["warming", "warming"]);
        let of_product: Vec<_> =
            backends.changed().into_iter().filter(|line| line.starts_with("product")).collect();
        assert_eq!(of_product, ["product b:1 Down { problem: \"connection refused\" }", "product b:1 Up",]);
        stop.send_replace(true);
        worker.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_when_it_is_told_to_and_not_before() {
        let mut settings = settings("http://a:1");
        for service in
            [&mut settings.product, &mut settings.basket, &mut settings.payment, &mut settings.notification]
        {
            service.enabled = false;
        }
        let backends = Arc::new(ScriptedBackends::default());
        let (stop, stopped) = watch::channel(false);
        let upstreams = Arc::new(Upstreams::new(settings));
        let caretaker =
            Caretaker::new(upstreams, Arc::clone(&backends) as _, backends, Duration::from_secs(2));
        let mut worker = tokio::spawn(caretaker.run(stopped));
        let early = tokio::time::timeout(Duration::from_mins(1), &mut worker).await;
        assert!(early.is_err(), "an idle worker goes on");
        stop.send_replace(true);
        worker.await.unwrap();
    }
}
