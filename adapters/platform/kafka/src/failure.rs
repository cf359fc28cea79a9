//! How calls fail, and what is done about it: the one place that knows Kafka's error codes.

use std::{sync::Arc, time::Duration};

use rskafka::{
    BackoffError, ConnectionError,
    client::error::{Error as DriverError, ProtocolError, RequestError},
};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No broker lets us in.
    #[error("no broker of {brokers} answers: {why}")]
    Unreachable { brokers: Arc<str>, why: Arc<str> },
    /// The answer did not come in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// There is no such topic, or it has no such partition.
    #[error("topic {0} does not exist")]
    UnknownTopic(String),
    /// The topic is not the one that was declared.
    #[error("topic {topic} has {found} partitions, not the {declared} that are declared")]
    Partitions { topic: String, found: u32, declared: u32 },
    /// The offset is before the first record kept, or after the last.
    #[error("the log does not hold offset {0}")]
    OutOfRange(i64),
    /// The broker takes no request of this size.
    #[error("the broker refuses a request of this size")]
    TooLarge,
    /// Anything else.
    #[error(transparent)]
    Driver(DriverError),
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes by itself: try again over the same connection.
    Again,
    /// The connection, or what we believe about the cluster, is wrong: try again with a new client.
    Reconnect,
    /// Trying again changes nothing.
    GiveUp,
}

impl Failure {
    /// What rskafka says, in our words.
    pub(crate) fn of(error: DriverError) -> Self {
        match unwrapped(error) {
            DriverError::ServerError { protocol_error, .. } if is_size(protocol_error) => Self::TooLarge,
            other => Self::Driver(other),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { .. } => Verdict::Again,
            Self::TimedOut(_) => Verdict::Reconnect,
            Self::UnknownTopic(_) | Self::Partitions { .. } | Self::OutOfRange(_) | Self::TooLarge => {
                Verdict::GiveUp
            }
            Self::Driver(DriverError::Request(
                RequestError::ReadError(_)
                | RequestError::ReadVersionedError(_)
                | RequestError::TooMuchData { .. }
                | RequestError::NoVersionMatch { .. },
            )) => Verdict::GiveUp,
            Self::Driver(_) => self.code().map_or(Verdict::Reconnect, verdict),
        }
    }

    /// The broker's error code, where it was the broker that said no.
    pub(crate) fn code(&self) -> Option<ProtocolError> {
        match self {
            Self::Driver(DriverError::ServerError { protocol_error, .. }) => Some(*protocol_error),
            _ => None,
        }
    }

    /// Whether the answer holds the mark that ends a transaction, which rskafka takes for a malformed record.
    pub(crate) fn is_mark(&self) -> bool {
        let Self::Driver(DriverError::Request(RequestError::ReadVersionedError(unread))) = self else {
            return false;
        };
        unread.to_string().contains("control batch record")
    }

    /// The failure as a metric's label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut(_) => "timed_out",
            Self::UnknownTopic(_) => "unknown_topic",
            Self::Partitions { .. } => "partition_count",
            Self::OutOfRange(_) => "out_of_range",
            Self::TooLarge => "too_large",
            Self::Driver(
                DriverError::Connection(_)
                | DriverError::Request(RequestError::IO(_) | RequestError::Poisoned(_)),
            ) => "connection",
            Self::Driver(_) => self.code().map_or("protocol", kind),
        }
    }
}

/// The error itself, out of the wrapping that rskafka's retries put around it.
fn unwrapped(error: DriverError) -> DriverError {
    match error {
        DriverError::RetryFailed(BackoffError::DeadlineExceded { deadline, source }) => {
            match source.downcast::<DriverError>() {
                Ok(inner) => unwrapped(*inner),
                Err(source) => {
                    DriverError::Connection(ConnectionError::RetryFailed(BackoffError::DeadlineExceded {
                        deadline,
                        source,
                    }))
                }
            }
        }
        other => other,
    }
}

const fn is_size(code: ProtocolError) -> bool {
    matches!(code, ProtocolError::MessageTooLarge | ProtocolError::RecordListTooLarge)
}

const fn verdict(code: ProtocolError) -> Verdict {
    match code {
        ProtocolError::RequestTimedOut
        | ProtocolError::NotEnoughReplicas
        | ProtocolError::NotEnoughReplicasAfterAppend
        | ProtocolError::OffsetNotAvailable
        | ProtocolError::CoordinatorLoadInProgress
        | ProtocolError::CoordinatorNotAvailable
        | ProtocolError::ThrottlingQuotaExceeded => Verdict::Again,
        ProtocolError::OffsetOutOfRange
        | ProtocolError::TopicAuthorizationFailed
        | ProtocolError::ClusterAuthorizationFailed
        | ProtocolError::InvalidTopicException
        | ProtocolError::InvalidRequiredAcks
        | ProtocolError::InvalidRequest
        | ProtocolError::InvalidRecord
        | ProtocolError::InvalidTimestamp
        | ProtocolError::PolicyViolation
        | ProtocolError::SecurityDisabled
        | ProtocolError::UnsupportedVersion
        | ProtocolError::UnsupportedForMessageFormat
        | ProtocolError::UnsupportedCompressionType => Verdict::GiveUp,
        // Leaders that moved, brokers that lost a disk, and codes that Kafka has yet to invent: nothing that was known
        // before is relied upon.
        _ => Verdict::Reconnect,
    }
}

const fn kind(code: ProtocolError) -> &'static str {
    match code {
        ProtocolError::NotLeaderOrFollower => "not_leader",
        ProtocolError::LeaderNotAvailable => "no_leader",
        ProtocolError::RequestTimedOut => "request_timed_out",
        ProtocolError::NotEnoughReplicas | ProtocolError::NotEnoughReplicasAfterAppend => {
            "not_enough_replicas"
        }
        ProtocolError::KafkaStorageError => "storage",
        ProtocolError::UnknownTopicOrPartition => "unknown_topic",
        ProtocolError::OffsetOutOfRange => "out_of_range",
        ProtocolError::TopicAuthorizationFailed | ProtocolError::ClusterAuthorizationFailed => {
            "not_authorized"
        }
        _ => "broker",
    }
}

#[cfg(test)]
mod tests {
    use rskafka::client::error::RequestContext;

    use super::*;

    fn server(protocol_error: ProtocolError) -> DriverError {
        DriverError::ServerError {
            protocol_error,
            error_message: None,
            request: RequestContext::Partition("t".to_owned(), 0),
            response: None,
            is_virtual: false,
        }
    }

    #[test]
    fn codes_have_their_verdicts() {
        for (code, verdict, kind) in [
            (ProtocolError::NotEnoughReplicas, Verdict::Again, "not_enough_replicas"),
            (ProtocolError::RequestTimedOut, Verdict::Again, "request_timed_out"),
            (ProtocolError::NotLeaderOrFollower, Verdict::Reconnect, "not_leader"),
            (ProtocolError::KafkaStorageError, Verdict::Reconnect, "storage"),
            (ProtocolError::TopicAuthorizationFailed, Verdict::GiveUp, "not_authorized"),
            (ProtocolError::MessageTooLarge, Verdict::GiveUp, "too_large"),
        ] {
            let failure = Failure::of(server(code));
            assert_eq!((failure.verdict(), failure.kind()), (verdict, kind), "{code:?}");
        }
    }

    #[test]
    fn the_wrapping_of_retries_comes_off() {
        let source = Box::new(server(ProtocolError::NotLeaderOrFollower));
        let wrapped =
            DriverError::RetryFailed(BackoffError::DeadlineExceded { deadline: Duration::ZERO, source });
        assert_eq!(Failure::of(wrapped).code(), Some(ProtocolError::NotLeaderOrFollower));
    }
}
