//! What became of a request at a backend, as far as the algorithms care.

/// The end of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend answered with this HTTP status.
    Answered(u16),
    /// The backend answered with a gRPC status that blames itself.
    Faulted,
    /// No connection could be made, so the backend has seen nothing of the request.
    NotConnected,
    /// The backend took longer than it is allowed.
    TimedOut,
    /// The backend broke off, or answered with something that is not HTTP.
    Broken,
    /// The client went away, or was out of time before the backend was; nobody can tell how the backend would have done.
    Cancelled,
}

/// What an outcome says of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does its work. Answers that blame the client (4xx) are among it.
    Good,
    /// It does not.
    Bad,
    /// Nothing.
    Unknown,
}

impl Outcome {
    /// The outcome of a gRPC call that ended with `grpc-status: code`.
    ///
    /// The codes that blame the server count as its failures: `UNKNOWN`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNAVAILABLE`
    /// and `DATA_LOSS`.
    pub const fn of_grpc_status(code: u16) -> Self {
        match code {
            4 => Self::TimedOut,
            2 | 13 | 14 | 15 => Self::Faulted,
            _ => Self::Answered(200),
        }
    }

    /// Whether it speaks for or against the backend.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Answered(..500) => Verdict::Good,
            Self::Answered(_) | Self::Faulted | Self::NotConnected | Self::TimedOut | Self::Broken => {
                Verdict::Bad
            }
            Self::Cancelled => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_backend_did_wrong_counts_against_it() {
        for good in [Outcome::Answered(200), Outcome::Answered(404), Outcome::Answered(429)] {
            assert_eq!(good.verdict(), Verdict::Good, "{good:?}");
        }
        for bad in [
            Outcome::Answered(500),
            Outcome::Answered(503),
            Outcome::NotConnected,
            Outcome::TimedOut,
            Outcome::Broken,
            Outcome::of_grpc_status(14),
        ] {
            assert_eq!(bad.verdict(), Verdict::Bad, "{bad:?}");
        }
        assert_eq!(Outcome::Cancelled.verdict(), Verdict::Unknown);
        assert_eq!(Outcome::of_grpc_status(5).verdict(), Verdict::Good);
    }
}
