//! A channel that does what a test tells it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel_application::testing::context;
use notification_domain::{Notification, NotificationId};

use crate::{NotificationChannel, NotificationRepository, SendError};

/// Remembers what it sent, and fails on demand.
pub struct FakeChannel(Mutex<State>);

struct State {
    on: bool,
    script: VecDeque<Step>,
    sent: Vec<NotificationId>,
}

enum Step {
    Fail,
    Refuse,
    Hang,
    MarkRead(Arc<dyn NotificationRepository>),
}

impl FakeChannel {
    /// A channel that is on or off.
    pub fn new(on: bool) -> Self {
        Self(Mutex::new(State { on, script: VecDeque::new(), sent: Vec::new() }))
    }

    /// What was sent, in order.
    pub fn sent(&self) -> Vec<NotificationId> {
        self.state().sent.clone()
    }

    /// The next `count` messages fail for now.
    pub fn fail_next(&self, count: usize) {
        self.state().script.extend((0..count).map(|_| Step::Fail));
    }

    /// The next message fails for good.
    pub fn refuse_next(&self) {
        self.state().script.push_back(Step::Refuse);
    }

    /// The next message is never answered.
    pub fn hang_next(&self) {
        self.state().script.push_back(Step::Hang);
    }

    /// The user reads the next message while it is being sent.
    pub fn mark_read_while_sending(&self, repository: Arc<dyn NotificationRepository>) {
        self.state().script.push_back(Step::MarkRead(repository));
    }

    /// Switches the channel off.
    pub fn switch_off(&self) {
        self.state().on = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl NotificationChannel for FakeChannel {
    fn is_on(&self) -> bool {
        self.state().on
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let step = self.state().script.pop_front();
        match step {
            Some(Step::Fail) => return Err(SendError::Failed { reason: "not now".into(), source: None }),
            Some(Step::Refuse) => return Err(SendError::Refused { reason: "never".into(), source: None }),
            Some(Step::Hang) => std::future::pending::<()>().await,
            Some(Step::MarkRead(repository)) => mark_read(repository.as_ref(), notification).await,
            None => {}
        }
        self.state().sent.push(notification.snapshot().id);
        Ok(())
    }
}

async fn mark_read(repository: &dyn NotificationRepository, notification: &Notification) {
    let mut read = notification.clone();
    read.mark_read(notification.snapshot().created_at);
    drop(repository.save(&context(), &mut read).await);
}
