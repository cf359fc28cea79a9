//! The keys that are believed at the moment, and the task that follows their source.
//!
//! Requests never ask the source themselves: they ask the task, which asks once for all of them, and not again before
//! some seconds are over. So no flood of made-up tokens becomes a flood at the issuer.

use std::{sync::Arc, time::Duration};

use platform_telemetry::chain;
use slog::{Logger, info, warn};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    key_set::KeySet,
    source::{Source, Timing},
};

/// How long a request waits for the source. Sources end by themselves a little earlier.
const PATIENCE: Duration = Duration::from_secs(6);

/// The keys at the moment.
pub(crate) struct Keys {
    known: watch::Receiver<Known>,
    /// Wakes the task; `None` where the keys never change.
    task: Option<(Arc<Notify>, Timing)>,
}

#[derive(Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// How often the source has answered or failed.
    rounds: u64,
    /// When it was asked last.
    asked: Option<Instant>,
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
        let (publish, known) = watch::channel(Known::default());
        let wake = Arc::new(Notify::new());
        runtime.spawn(Follower { source, timing, publish, wake: wake.clone(), logger, trouble: None }.run());
        Self { known, task: Some((wake, timing)) }
    }

    /// The keys as they are; `None` where there have never been any.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        self.known.borrow().keys.clone()
    }

    /// Has the source asked once more, unless that was done a moment ago, and waits for what it says.
    pub(crate) async fn refresh(&self) {
        let Some((wake, timing)) = &self.task else { return };
        let mut known = self.known.clone();
        let seen = {
            let known = known.borrow_and_update();
            let lately = known.asked.is_some_and(|asked| asked.elapsed() < timing.cooldown);
            if lately && !known.asking {
                return;
            }
            known.rounds
        };
        wake.notify_one();
        // Whether it answered, failed or is late, what counts is what is known then.
        let _ = timeout(PATIENCE, known.wait_for(|known| known.rounds > seen)).await;
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
        self.publish.send_modify(|known| {
            known.asked = Some(Instant::now());
            known.asking = true;
        });
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
