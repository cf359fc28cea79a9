//! A merchant that records what it is told.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use provider_domain::Callback;

use crate::CallbackSender;

/// Takes callbacks, or refuses all of them; remembers each either way.
pub struct RecordingSender {
    deaf: bool,
    sent: Mutex<Vec<Callback>>,
}

impl RecordingSender {
    /// `deaf` refuses everything.
    pub const fn new(deaf: bool) -> Self {
        Self { deaf, sent: Mutex::new(Vec::new()) }
    }

    /// The sequence numbers sent, in order.
    pub fn sequences(&self) -> Vec<u32> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().map(|callback| callback.sequence).collect()
    }
}

#[async_trait]
impl CallbackSender for RecordingSender {
    async fn send(&self, callback: &Callback) -> Result<(), String> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(callback.clone());
        if self.deaf { Err("answered 500".into()) } else { Ok(()) }
    }
}
