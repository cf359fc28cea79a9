//! Where an issuer's keys come from.
//!
//! A new place is a module here with an implementation of [`Source`], and a variable in `settings`.

mod file;
mod url;

use std::time::Duration;

use async_trait::async_trait;

use crate::key_set::{KeySet, KeySetError};

pub(crate) use self::{
    file::{FileSource, Stamp},
    url::UrlSource,
};

/// The most bytes that a set of keys may have. Those of large issuers, with certificates, have some 30,000.
const MAX_BYTES: usize = 256 * 1024;

/// A place that has an issuer's keys.
#[async_trait]
pub(crate) trait Source: Send {
    /// The keys as they are now; `None` where they are those of the last call that had some. MUST end by itself, and
    /// MUST NOT answer a set that it could not read to its end.
    async fn load(&mut self) -> Result<Option<KeySet>, SourceError>;
}

/// How often a source is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// While all is well.
    pub(crate) interval: Duration,
    /// After a failure.
    pub(crate) retry: Duration,
    /// Never again before this, however many tokens with unknown keys arrive.
    pub(crate) cooldown: Duration,
}

impl Timing {
    pub(crate) const FILE: Self = Self {
        interval: Duration::from_secs(5),
        retry: Duration::from_secs(5),
        cooldown: Duration::from_secs(1),
    };
    pub(crate) const URL: Self = Self {
        interval: Duration::from_mins(5),
        retry: Duration::from_secs(15),
        cooldown: Duration::from_secs(5),
    };
}

/// The keys cannot be had, or are not what they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("reading {path}")]
    Read { path: String, source: std::io::Error },
    #[error("the thread that reads ended")]
    Thread(#[from] tokio::task::JoinError),
    #[error("asking {url}")]
    Ask { url: String, source: reqwest::Error },
    #[error("{url} answers {status}")]
    Status { url: String, status: u16 },
    #[error("the keys at {at} have more than {} bytes", MAX_BYTES)]
    TooLong { at: String },
    #[error("the keys at {at} are refused")]
    Refused { at: String, source: KeySetError },
}
