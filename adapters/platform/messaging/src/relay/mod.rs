//! Carries messages from an outbox to the log, in the order of each key.
//!
//! A round reads the outbox from its beginning, page by page, each as large as `portion` says. `page` sorts a page into
//! lanes, one per partition; `lanes` keeps one batch per lane under way, all lanes at once, and lets a lane rest after a
//! failure. What a round could not send it comes across again in the next one.
//!
//! # What is bounded
//!
//! **Memory**: a page has 4 MiB, or what `portion` did not know of beforehand, and each lane that is slow to answer
//! holds its part of one more.
//!
//! **How far others get past a partition that is away**: a round looks through [`REACH`] messages that wait. While no more
//! of them lie before it, a message of another partition leaves within seconds; one behind more has to wait until the
//! partition is back. Looking through that many costs the store a read of all of them, so it is done half of the time.

mod lanes;
mod page;
mod portion;
mod rests;

use std::{sync::Arc, time::Duration};

use kernel_application::{
    BoxError, Clock, StoreError,
    messaging::{EventLog, FIRST, MessagingObserver, Outbox},
};
use platform_telemetry::chain;
use slog::{Logger, error, warn};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use self::{
    lanes::Lanes,
    page::Sorter,
    portion::{MOST_ROWS, Portion},
    rests::Rests,
};
use crate::{
    backoff::Backoff,
    lease::{LEASE, RENEWAL},
    stop::Stop,
};

/// How many messages a round reads at most to get past those that wait for their lane. Their ids are kept until the
/// next round.
const REACH: usize = 100_000;
/// A lane that takes longer than this to answer is left to itself, so that it holds up no other.
const SLOW: Duration = Duration::from_millis(500);
/// For how long a lease is relied on, from before it was asked for: a second less than it lasts, because what is sent
/// at its very end would arrive when another relay works.
const RELIANCE: Duration = Duration::from_secs(LEASE.as_secs() - 1);
/// How long a relay without lease waits before it asks again.
const STANDBY: Duration = Duration::from_secs(1);
/// A message written by another process is found after this long at the latest.
const POLL: Duration = Duration::from_millis(500);
/// Counting what waits costs the store more than reading it.
const REPORT: Duration = Duration::from_secs(1);

/// The relay of one context: reads what is not yet published in the order it was written, appends it, marks it.
///
/// A crash between append and mark publishes again; consumers tell duplicates by the event id. A partition stops at
/// its first error, so that a key's order is kept; the others go on, past up to 100,000 messages that wait for it.
pub struct Relay {
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub log: Arc<dyn EventLog>,
    /// The time, for the age of the oldest message.
    pub clock: Arc<dyn Clock>,
    /// Who takes the figures.
    pub observer: Arc<dyn MessagingObserver>,
    /// Names this process among its replicas.
    pub owner: String,
    /// Where failures are logged.
    pub logger: Logger,
}

impl Relay {
    /// Works until `stop` turns true; finishes what is under way and gives the lease up.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut stop = Stop::new(stop);
        let mut backoff = Backoff::new();
        let mut work = Work::new(self);
        while !stop.is_set() {
            match work.round().await {
                Ok(next) => {
                    backoff.reset();
                    work.pause(next, &mut stop).await;
                }
                Err(failure) => {
                    error!(work.relay.logger, "relay failed, will try again"; "error" => chain(&*failure));
                    stop.within(backoff.next()).await;
                }
            }
        }
        work.finish().await;
    }
}

/// What a relay keeps from round to round.
struct Work {
    relay: Relay,
    lanes: Lanes,
    topics: Rests<String>,
    /// The ids that the last round came across, where it read on beyond its first page.
    seen: Vec<i64>,
    portion: Portion,
    lease: Lease,
    reported: Option<Instant>,
}

/// What to do after a round.
#[derive(Clone, Copy)]
enum Next {
    /// Go on: there was something, and there may be more.
    Round,
    /// Wait for a commit, or for a lane that is under way.
    Wait,
    /// Wait for so long: so much waits for lanes that are away that reading past it is work.
    Rest(Duration),
    /// Another relay works.
    Standby,
}

impl Work {
    fn new(relay: Relay) -> Self {
        let lanes = Lanes::new(Arc::clone(&relay.log), Arc::clone(&relay.observer), relay.logger.clone());
        Self {
            relay,
            lanes,
            topics: Rests::new(),
            seen: Vec::new(),
            portion: Portion::new(),
            lease: Lease(None),
            reported: None,
        }
    }

    async fn round(&mut self) -> Result<Next, BoxError> {
        let begun = Instant::now();
        self.mark().await?;
        if !self.lease.hold(&self.relay).await? {
            return Ok(Next::Standby);
        }
        self.report().await?;
        let seen = std::mem::take(&mut self.seen);
        let outbox = &*self.relay.outbox;
        let mut sorter = Sorter::new(&*self.relay.log, &mut self.topics, &seen, &self.relay.logger);
        let (mut after, mut pages, mut sent) = (FIRST, 0, false);
        let next = loop {
            let page = outbox.pending(after, self.portion.rows()).await?;
            let full = self.portion.learn(&page, pages == 0);
            after = page.last().map_or(after, |last| last.id);
            pages += 1;
            if !self.lease.hold(&self.relay).await? {
                break Next::Round;
            }
            let batches = sorter.sort(page, &self.lanes).await;
            sent |= !batches.is_empty();
            sorter.hold(self.lanes.send(batches, SLOW).await);
            mark(outbox, &mut self.lanes).await?;
            if !sorter.has_left_some() || !full {
                break if sent { Next::Round } else { Next::Wait };
            }
            if sorter.has_seen() >= REACH || sorter.is_cut_off() {
                break Next::Rest(POLL);
            }
        };
        if pages > 1 {
            self.seen = sorter.into_seen();
            return Ok(Next::Rest(begun.elapsed().max(POLL)));
        }
        Ok(next)
    }

    async fn report(&mut self) -> Result<(), StoreError> {
        if self.reported.is_none_or(|since| since.elapsed() >= REPORT) {
            self.relay.observer.outbox(self.relay.outbox.stats().await?, self.relay.clock.now());
            self.reported = Some(Instant::now());
        }
        Ok(())
    }

    /// Marks what was acknowledged, also by lanes that were too slow to be waited for.
    async fn mark(&mut self) -> Result<(), StoreError> {
        self.lanes.take_answers();
        mark(&*self.relay.outbox, &mut self.lanes).await
    }

    async fn pause(&mut self, next: Next, stop: &mut Stop) {
        match next {
            Next::Round => {}
            Next::Wait => {
                let woken = async {
                    tokio::select! {
                        () = self.relay.outbox.wait() => {}
                        () = self.lanes.answered() => {}
                    }
                };
                stop.or(timeout(POLL, woken)).await;
            }
            Next::Rest(pause) => {
                stop.within(pause).await;
            }
            Next::Standby => {
                stop.within(STANDBY).await;
            }
        }
    }

    /// Waits for what is under way, and lets another relay go on at once.
    async fn finish(mut self) {
        self.lanes.all_answered().await;
        let leased = self.lease.0.is_some();
        let marked = async {
            self.mark().await?;
            if leased {
                self.relay.outbox.lease(&self.relay.owner, Duration::ZERO).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(failure) = marked.await {
            warn!(self.relay.logger, "relay stopped without a mark"; "error" => chain(&failure));
        }
    }
}

/// Marks what the log has acknowledged. What could not be marked stays to be marked: sending it again would be worse.
async fn mark(outbox: &dyn Outbox, lanes: &mut Lanes) -> Result<(), StoreError> {
    let acknowledged = lanes.acknowledged();
    while !acknowledged.is_empty() {
        let rest = acknowledged.len().saturating_sub(MOST_ROWS as usize);
        outbox.mark_published(&acknowledged[rest..]).await?;
        acknowledged.truncate(rest);
    }
    Ok(())
}

/// Since when the lease is ours, where it is. That counts from before it was asked for: whatever the store takes is not
/// ours.
struct Lease(Option<Instant>);

impl Lease {
    /// Takes or renews the lease where it is time to: `true` while it can be relied on.
    async fn hold(&mut self, relay: &Relay) -> Result<bool, StoreError> {
        if self.0.is_none_or(|since| since.elapsed() >= RENEWAL) {
            let asked = Instant::now();
            let held = relay.outbox.lease(&relay.owner, LEASE).await?;
            self.0 = held.then_some(asked);
        }
        Ok(self.0.is_some_and(|since| since.elapsed() < RELIANCE))
    }
}
