//! Reads one partition while it is ours.
//!
//! # Halted partitions
//!
//! Where the log does not hold the record that comes next, be it that it was dropped unread or that the log is another
//! one, a partition halts: going on elsewhere would lose events without a word. It is held and says so, by an error a
//! minute and [`MessagingObserver::halted`], until a person has found out what is missing and moved the position, which a
//! halted reader takes anew every minute. A restart is not needed, and does not help.
//!
//! [`MessagingObserver::halted`]: kernel_application::messaging::MessagingObserver::halted

use std::{ops::Range, sync::Arc, time::Duration};

use kernel_application::{
    BoxError, StoreError,
    messaging::{LogError, Position},
};
use platform_telemetry::chain;
use slog::{Logger, error, info, warn};
use tokio::time::Instant;

use super::ConsumerParts;
use crate::{
    lease::{LEASE, RENEWAL},
    stop::Stop,
};

const BATCH: u32 = 100;
/// How long a halted partition is held before log and position are looked at again.
const HALT: Duration = Duration::from_mins(1);

/// The reader of a partition that was just taken.
pub(super) struct Reader {
    pub(super) parts: Arc<ConsumerParts>,
    pub(super) topic: &'static str,
    pub(super) partition: u32,
    pub(super) logger: Logger,
    pub(super) position: Position,
    /// When the lease was asked for last: it counts from before the store answered.
    pub(super) renewed: Instant,
    /// When the lag was reported last.
    pub(super) reported: Option<Instant>,
    pub(super) stop: Stop,
}

/// How a turn of reading came to its end.
pub(super) struct TurnEnd {
    /// Whether the log could be read at all.
    pub(super) progressed: bool,
    /// What failed, where it was that.
    pub(super) failure: Option<BoxError>,
}

/// Why a turn ends early.
pub(super) enum TurnError {
    /// The position is no longer ours, or not what we thought: it is taken anew.
    Fenced,
    /// The service stops, or another replica gets the partition.
    Stopped,
    /// A store or the log failed.
    Failed(BoxError),
}

impl Reader {
    /// Reads until it is stopped, the partition is lost or something fails; gives the partition up.
    pub(super) async fn run(mut self) -> TurnEnd {
        let mut progressed = false;
        let turn = self.read(&mut progressed).await;
        self.parts.observer.given_up(self.topic, self.partition);
        if !matches!(turn, Err(TurnError::Fenced)) {
            self.release().await;
        }
        let failure = if let Err(TurnError::Failed(failure)) = turn { Some(failure) } else { None };
        TurnEnd { progressed, failure }
    }

    /// The turn ended with the process alive, so the record at hand is not one that kills it: counting starts anew.
    async fn release(&self) {
        let ConsumerParts { name, inbox, .. } = &*self.parts;
        if let Err(failure) = inbox.release(name, self.topic, self.partition, self.position.epoch).await {
            warn!(self.logger, "partition stays leased for a while"; "error" => chain(&failure));
        }
    }

    async fn read(&mut self, progressed: &mut bool) -> Result<(), TurnError> {
        let log = Arc::clone(&self.parts.log);
        self.stand_still_outside_of_the_log().await?;
        let mut suspicious = true;
        while !self.stop.is_set() {
            let fetch = log.fetch(self.topic, self.partition, self.position.next_offset, BATCH, RENEWAL);
            let Some(records) = self.stop.or(fetch).await else { break };
            let records = records?;
            *progressed = true;
            if records.first().is_some_and(|first| first.offset > self.position.next_offset) {
                self.check_gap().await?;
            }
            for record in &records {
                if self.stop.is_set() {
                    break;
                }
                self.renew().await?;
                self.deal_with(record, suspicious).await?;
                suspicious = false;
            }
            self.renew().await?;
            self.report_lag(records.is_empty()).await?;
        }
        Ok(())
    }

    /// A log without the next record may have lost it to its retention, and then nobody may go on.
    async fn check_gap(&self) -> Result<(), TurnError> {
        let start = self.parts.log.bounds(self.topic, self.partition).await?.start;
        if self.position.next_offset < start {
            // The next turn halts.
            return Err(TurnError::Failed("the log has dropped records that were not handled".into()));
        }
        Ok(())
    }

    pub(super) async fn renew(&mut self) -> Result<(), TurnError> {
        if self.renewed.elapsed() < RENEWAL {
            return Ok(());
        }
        let (asked, ConsumerParts { name, inbox, .. }) = (Instant::now(), &*self.parts);
        if !inbox.renew(name, self.topic, self.partition, self.position.epoch, LEASE).await? {
            return Err(TurnError::Fenced);
        }
        self.renewed = asked;
        Ok(())
    }

    /// A reader at the end of the log has no lag; one that is behind asks for the end now and then.
    async fn report_lag(&mut self, at_end: bool) -> Result<(), TurnError> {
        if !at_end && self.reported.is_some_and(|since| since.elapsed() < RENEWAL) {
            return Ok(());
        }
        let lag = if at_end {
            0
        } else {
            let end = self.parts.log.bounds(self.topic, self.partition).await?.end;
            end.saturating_sub(self.position.next_offset)
        };
        self.parts.observer.lag(self.topic, self.partition, u64::try_from(lag).unwrap_or(0));
        self.reported = Some(Instant::now());
        Ok(())
    }

    /// Goes on once the log holds what comes next: at once, or when a person has moved the position.
    async fn stand_still_outside_of_the_log(&mut self) -> Result<(), TurnError> {
        let mut halted = false;
        loop {
            let bounds = self.parts.log.bounds(self.topic, self.partition).await?;
            let next = self.position.next_offset;
            if bounds.contains(&next) || bounds.end == next {
                if halted {
                    self.parts.observer.halted(self.topic, self.partition, false);
                    info!(self.logger, "partition goes on"; "next_offset" => next);
                }
                return Ok(());
            }
            halted = true;
            self.halt(&bounds).await?;
            self.take_anew().await?;
        }
    }

    async fn halt(&mut self, bounds: &Range<i64>) -> Result<(), TurnError> {
        error!(self.logger, "partition halted: the log does not hold the next record";
            "next_offset" => self.position.next_offset, "log_start" => bounds.start, "log_end" => bounds.end);
        self.parts.observer.halted(self.topic, self.partition, true);
        let until = Instant::now() + HALT;
        while Instant::now() < until {
            self.renew().await?;
            self.report_lag(false).await?;
            if self.stop.within(RENEWAL).await {
                return Err(TurnError::Stopped);
            }
        }
        Ok(())
    }

    /// Reads the position once more, under a new epoch: a person may have moved it.
    async fn take_anew(&mut self) -> Result<(), TurnError> {
        let (asked, ConsumerParts { name, inbox, owner, .. }) = (Instant::now(), &*self.parts);
        let taken = inbox.take(name, self.topic, self.partition, owner, LEASE).await?;
        self.position = taken.ok_or(TurnError::Fenced)?;
        self.renewed = asked;
        Ok(())
    }
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced => Self::Fenced,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<LogError> for TurnError {
    fn from(error: LogError) -> Self {
        Self::Failed(error.into())
    }
}
