//! Whether the topics are those the services are made for.

use kernel_application::BoxError;

use crate::failure::Failure;

/// Why the topics cannot be relied upon.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The brokers do not answer, for now.
    #[error("topics cannot be verified: {0}")]
    Unreachable(#[source] BoxError),
    /// Topics are missing: they can be created at any time.
    #[error(
        "topics are missing: {}; create them as ops/kafka/topics.toml declares, by `cargo xtask servers topics` or with the \
         cluster's own tools",
        .0.join(", ")
    )]
    Missing(Vec<String>),
    /// Topics have another number of partitions than the services are made for: keys would change their partition and lose
    /// their order, so that a service must not run on them.
    #[error("topics are not as ops/kafka/topics.toml declares: {}", .0.join("; "))]
    Partitions(Vec<String>),
}

impl VerifyError {
    /// Whether waiting cannot help.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Partitions(_))
    }

    pub(crate) fn check<'a>(
        topics: impl Iterator<Item = (&'a str, Result<u32, Failure>)>,
    ) -> Result<(), Self> {
        let (mut missing, mut wrong) = (Vec::new(), Vec::new());
        for (topic, found) in topics {
            match found {
                Ok(_) => {}
                Err(failure @ Failure::Partitions { .. }) => wrong.push(failure.to_string()),
                Err(_) => missing.push(topic.to_owned()),
            }
        }
        match (wrong.is_empty(), missing.is_empty()) {
            (false, _) => Err(Self::Partitions(wrong)),
            (true, false) => Err(Self::Missing(missing)),
            (true, true) => Ok(()),
        }
    }
}
