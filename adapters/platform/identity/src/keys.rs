//! The keys that are believed at the moment, and the task that follows their source.
//!
//! Requests never ask the source themselves: they ask the task, which asks once for all of them, and not again before
//! some seconds are over. So no flood of made-up tokens becomes a flood at the issuer; and as only a few of them wait for
//! what it says, an issuer that is slow does not make the service slow.

use std::{sync::Arc, time::Duration};

use platform_telemetry::chain;
use slog::{Logger, info, warn};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    Rejected,
    key_set::KeySet,
    source::{Source, Timing},
};

/// How long a request waits for the source. Sources end by themselves a little earlier.
const PATIENCE: Duration = Duration::from_secs(6);

/// How many requests wait at a time: few of those that a server takes on, as each of them keeps one of its places.
pub(crate) const WAITERS: usize = 64;

/// The keys at the moment.
pub(crate) struct Keys {
    known: watch::Receiver<Known>,
    /// `None` where the keys never change.
    task: Option<Task>,
}

/// What there is to say to the task, and how.
struct Task {
    wake: Arc<Notify>,
    cooldown: Duration,
    waiters: Semaphore,
}

#[derive(Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// How often the source has answered or failed.
    rounds: u64,
    /// When it last did.
    ended: Option<Instant>,
    /// When it last answered; at first, when it began to be followed.
    answered: Option<Instant>,
    asking: bool,
}

impl Keys {
    /// Keys that never change.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn fixed(keys: KeySet) -> Self {
        let (_, known) = watch::channel(Known { keys: Some(Arc::new(keys)), ..Known::default() });
        Self { known, task: None }
    }

    /// Follows `source` for as long as this value lives.
    pub(crate) fn follow(source: Box<dyn Source>, timing: Timing, logger: Logger, runtime: &Handle) -> Self {
        // The task begins with a round.
        let known = Known { asking: true, answered: Some(Instant::now()), ..Known::default() };
        let (publish, known) = watch::channel(known);
        let wake = Arc::new(Notify::new());
        runtime.spawn(Follower { source, timing, publish, wake: wake.clone(), logger, trouble: None }.run());
        let task = Task { wake, cooldown: timing.cooldown, waiters: Semaphore::new(WAITERS) };
        Self { known, task: Some(task) }
    }

    /// The keys as they are; `None` where there have never been any.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        self.known.borrow().keys.clone()
    }

    /// For how long the source has not answered; `None` where there is none.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.known.borrow().answered.map(|answered| answered.elapsed())
    }

    /// Has the source asked once more, unless that was done a moment ago, and waits for what it says. Where too many
    /// wait already, nobody can tell what it would say: the client may try again.
    pub(crate) async fn refresh(&self) -> Result<(), Rejected> {
        let Some(task) = &self.task else { return Ok(()) };
        let mut known = self.known.clone();
        let (seen, asking) = {
            let known = known.borrow_and_update();
            if known.rests(task.cooldown) {
                return Ok(());
            }
            (known.rounds, known.asking)
        };
        let Ok(_place) = task.waiters.try_acquire() else { return Err(Rejected::Unavailable) };
        if !asking {
            task.wake.notify_one();
        }
        // Whether it answered, failed or is late, what counts is what is known then.
        let _ = timeout(PATIENCE, known.wait_for(|known| known.rounds > seen)).await;
        Ok(())
    }
}

impl Known {
    /// Whether the source has to be left alone. Counted from the end of a round: one that hangs for longer than the
    /// cooldown would otherwise be followed by no rest at all.
    fn rests(&self, cooldown: Duration) -> bool {
        !self.asking && self.ended.is_some_and(|ended| ended.elapsed() < cooldown)
    }
}

/// The task.
struct Follower {
    source: Box<dyn Source>,
    timing: Timing,
    publish: watch::Sender<Known>,
    wake: Arc<Notify>,
    logger: Logger,
    /// What was wrong the last time, so that it is logged once.
    trouble: Option<String>,
}

impl Follower {
    async fn run(mut self) {
        while !self.publish.is_closed() {
            let pause = if self.round().await { self.timing.interval } else { self.timing.retry };
            let cooldown = self.timing.cooldown.min(pause);
            rest(&self.publish, &self.wake, cooldown, pause).await;
        }
    }

    async fn round(&mut self) -> bool {
        self.publish.send_modify(|known| known.asking = true);
        let loaded = self.source.load().await;
        let fine = loaded.is_ok();
        let keys = match loaded {
            Ok(keys) => {
                self.trouble = None;
                keys
            }
            Err(error) => {
                self.complain(chain(&error));
                None
            }
        };
        if let Some(keys) = &keys {
            info!(self.logger, "keys of the issuer taken over"; "keys" => keys.names());
        }
        self.publish.send_modify(|known| {
            known.keys = keys.map(Arc::new).or_else(|| known.keys.take());
            known.rounds += 1;
            known.ended = Some(Instant::now());
            known.answered = if fine { known.ended } else { known.answered };
            known.asking = false;
        });
        fine
    }

    fn complain(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            let left =
                if self.publish.borrow().keys.is_some() { "the last ones stay" } else { "there are none" };
            warn!(self.logger, "keys of the issuer cannot be had"; "error" => &trouble, "keys" => left);
        }
        self.trouble = Some(trouble);
    }
}

/// Until the source may and should be asked again: at the end of `pause`, or from `cooldown` on when somebody waits.
async fn rest(publish: &watch::Sender<Known>, wake: &Notify, cooldown: Duration, pause: Duration) {
    let rest = async {
        sleep(cooldown).await;
        // Woken or late: both are a reason to go on.
        let _ = timeout(pause.saturating_sub(cooldown), wake.notified()).await;
    };
    tokio::select! {
        () = rest => (),
        () = publish.closed() => (),
    }
}
