//! An operator's changes, and those of discovery: one after the other, whole or not at all.
//!
//! Everything goes through one lock: the version is checked, the domain decides on a copy, the copy is kept in the
//! [`StateStore`], and only then it is put in force and told. A new kind of change is a variant of [`Change`] with its
//! arms there; what it means is the domain's ([`gateway_domain::fleet`]).

mod audit;
mod change;
mod error;
#[cfg(test)]
mod tests;
mod views;

use std::{mem, sync::Arc};

pub use audit::AuditEntry;
use audit::AuditTrail;
pub(crate) use change::Change;
pub use error::AdministrationError;
use gateway_domain::{
    Backend,
    fleet::{Fleet, Listed, Overrides, RateRule},
};
use kernel_application::{CallContext, Caller, Clock, StoreError};
use kernel_domain::Timestamp;
use slog::{Logger, info, o};
use tokio::sync::Mutex;
pub(crate) use views::fleet_named;
pub use views::{
    BackendStatus, BalancerView, BreakerStatus, Changed, LeavingView, RateFigures, RateView, StatusView,
};

use crate::{
    RateQuota, Settings, StateStore, Upstreams,
    upstreams::{Plan, Upstream},
};

/// What the gateway is told while it runs. One per gateway.
pub struct Administration {
    upstreams: Arc<Upstreams>,
    grpc: Option<Arc<Upstreams>>,
    quota: RateQuota,
    configured: RateRule,
    store: Option<Arc<dyn StateStore>>,
    clock: Arc<dyn Clock>,
    logger: Logger,
    started: Timestamp,
    desk: Mutex<Desk>,
}

/// What is behind the lock.
struct Desk {
    overrides: Overrides,
    /// What is configured or was discovered, for each fleet.
    base: [Vec<Backend>; Fleet::INDEXES],
    trail: AuditTrail,
}

/// What the administration is built over.
pub struct Parts {
    /// The backends at work for HTTP.
    pub upstreams: Arc<Upstreams>,
    /// Those for gRPC, with what is configured of them; `None` where it is switched off.
    pub grpc: Option<(Arc<Upstreams>, Settings)>,
    /// The quota that limiters look at.
    pub quota: RateQuota,
    /// Where changes are kept; `None` for as long as the process runs.
    pub store: Option<Arc<dyn StateStore>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where changes are told.
    pub logger: Logger,
}

/// Who asks, and in which request.
struct Author {
    who: String,
    request_id: String,
}

impl Administration {
    /// Puts what was kept in force, over what is configured.
    pub async fn open(settings: &Settings, parts: Parts) -> Result<Arc<Self>, StoreError> {
        let Parts { upstreams, grpc, quota, store, clock, logger } = parts;
        let kept = match &store {
            Some(store) => store.load().await?,
            None => None,
        };
        let started = clock.now();
        // Milliseconds, so that no version of an earlier process comes again where nothing was kept.
        let first = u64::try_from(started.timestamp_millis()).unwrap_or_default();
        let overrides = kept.unwrap_or_else(|| Overrides::none(first));
        let mut base: [Vec<Backend>; Fleet::INDEXES] = Default::default();
        for fleet in Fleet::ALL {
            let configured = match fleet {
                Fleet::Http(service) => Some(settings.of(service)),
                Fleet::Grpc(service) => grpc.as_ref().map(|(_, settings)| settings.of(service)),
            };
            base[fleet.index()] = configured.map(|service| service.backends.fixed()).unwrap_or_default();
        }
        let grpc = grpc.map(|(upstreams, _)| upstreams);
        let desk = Desk { overrides, base, trail: AuditTrail::default() };
        let configured = RateRule::from(quota.current().0);
        let opened = Self {
            upstreams,
            grpc,
            quota,
            configured,
            store,
            clock,
            logger,
            started,
            desk: Mutex::default(),
        };
        for fleet in Fleet::ALL {
            opened.put_in_force(&desk, fleet);
        }
        opened.put_rate_in_force(&desk.overrides);
        *opened.desk.lock().await = desk;
        Ok(Arc::new(opened))
    }

    /// Makes a change, or says why not; answers what it led to, before anybody else has changed anything.
    pub(crate) async fn make(
        self: &Arc<Self>,
        ctx: &CallContext,
        change: Change,
        expected: Option<u64>,
    ) -> Result<Changed, AdministrationError> {
        let (this, author) = (Arc::clone(self), Author::of(ctx));
        // A task of its own: a client that goes away in the middle must not leave a change kept but not in force.
        let made = tokio::spawn(async move { this.commit(author, change, expected).await });
        made.await.map_err(|error| AdministrationError::Aborted(error.into()))?
    }

    async fn commit(
        &self,
        author: Author,
        change: Change,
        expected: Option<u64>,
    ) -> Result<Changed, AdministrationError> {
        let mut desk = self.desk.lock().await;
        if expected.is_some_and(|expected| expected != desk.overrides.version()) {
            return Err(AdministrationError::Stale);
        }
        self.check(&change)?;
        let mut next = desk.overrides.clone();
        change.apply(&mut next, &desk.base)?;
        let differs = next != desk.overrides;
        if !differs && !change.is_action() {
            return Ok(self.changed_view(&desk, &change));
        }
        let next = next.succeeded();
        if let Some(store) = &self.store {
            store.save(&next).await.map_err(AdministrationError::NotKept)?;
        }
        let before = self.state_of(&desk, &change);
        desk.overrides = next;
        self.enforce(&desk, &change);
        let after = self.state_of(&desk, &change);
        self.tell(&mut desk, author, &change, [before, after]);
        Ok(self.changed_view(&desk, &change))
    }

    /// What only the backends at work know.
    fn check(&self, change: &Change) -> Result<(), AdministrationError> {
        let Some(fleet) = change.fleet() else { return Ok(()) };
        let upstream = self.upstream(fleet).ok_or(AdministrationError::Disabled(fleet))?;
        if matches!(change, Change::Breaker { .. }) && upstream.settings().member.breaker.is_none() {
            return Err(AdministrationError::NoBreaker);
        }
        Ok(())
    }

    fn enforce(&self, desk: &Desk, change: &Change) {
        match change.fleet() {
            Some(fleet) => self.put_in_force(desk, fleet),
            None => self.put_rate_in_force(&desk.overrides),
        }
        if let Change::Breaker { fleet, id, open: false } = change
            && let Some(upstream) = self.upstream(*fleet)
        {
            upstream.reset_breaker(id);
        }
    }

    fn tell(&self, desk: &mut Desk, author: Author, change: &Change, [before, after]: [String; 2]) {
        let entry = AuditEntry {
            version: desk.overrides.version(),
            at: self.clock.now(),
            who: author.who,
            what: change.name(),
            target: change.target(),
            before,
            after,
            request_id: author.request_id,
        };
        info!(self.logger, "gateway changed"; o!(
            "who" => entry.who.clone(),
            "what" => entry.what,
            "target" => entry.target.clone(),
            "before" => entry.before.clone(),
            "after" => entry.after.clone(),
            "state_version" => entry.version,
            "request_id" => entry.request_id.clone(),
        ));
        desk.trail.push(entry);
    }

    /// Takes over what was found for some fleets; the fleets whose backends that changed.
    pub(crate) async fn adopt(&self, found: Vec<(Fleet, Vec<Backend>)>) -> Vec<Fleet> {
        let mut desk = self.desk.lock().await;
        let mut changed = Vec::new();
        for (fleet, backends) in found {
            let before = mem::replace(&mut desk.base[fleet.index()], backends);
            if before != desk.base[fleet.index()] {
                self.put_in_force(&desk, fleet);
                info!(self.logger, "backends discovered"; o!(
                    "upstream" => fleet.name(),
                    "before" => names(&before),
                    "after" => names(&desk.base[fleet.index()]),
                ));
                changed.push(fleet);
            }
        }
        changed
    }

    /// The last changes, the newest first.
    pub(crate) async fn audit(&self, most: usize) -> Vec<AuditEntry> {
        self.desk.lock().await.trail.newest(most)
    }

    /// The backends at work; `None` where they are switched off.
    fn upstream(&self, fleet: Fleet) -> Option<&Upstream> {
        match fleet {
            Fleet::Http(service) => self.upstreams.of(service),
            Fleet::Grpc(service) => self.grpc.as_ref()?.of(service),
        }
    }

    fn put_in_force(&self, desk: &Desk, fleet: Fleet) {
        let Some(upstream) = self.upstream(fleet) else { return };
        let (settings, overrides) = (upstream.settings(), desk.overrides.of(fleet));
        upstream.follow(&Plan {
            backends: desk.listed(fleet),
            strategy: overrides.strategy().unwrap_or(settings.strategy),
            limits: overrides.places().over(settings.member.limits),
        });
    }

    fn put_rate_in_force(&self, overrides: &Overrides) {
        self.quota.replace(overrides.rate().unwrap_or(self.configured).quota());
    }
}

impl Desk {
    fn listed(&self, fleet: Fleet) -> Vec<Listed> {
        self.overrides.of(fleet).listed(&self.base[fleet.index()])
    }
}

/// Nothing is known yet: only for the moment before the first state is there.
impl Default for Desk {
    fn default() -> Self {
        Self { overrides: Overrides::none(0), base: Default::default(), trail: AuditTrail::default() }
    }
}

impl Author {
    fn of(ctx: &CallContext) -> Self {
        let who = match ctx.caller() {
            Caller::Known(principal) => principal.subject().as_str().to_owned(),
            // Names that no subject has.
            Caller::Trusted => "(authentication is off)".to_owned(),
            Caller::Anonymous => "(anonymous)".to_owned(),
        };
        Self { who, request_id: ctx.request_id().to_owned() }
    }
}

fn names(backends: &[Backend]) -> String {
    let names: Vec<_> = backends.iter().map(Backend::id).collect();
    names.join(",")
}
