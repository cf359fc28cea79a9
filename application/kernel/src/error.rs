//! What kind of failure an application error is. Inbound adapters turn the kind into a status.

use kernel_domain::Violation;

/// Implemented by every context's application error.
///
/// `Display` is shown to clients for all classes but [`ErrorClass::Unavailable`], [`ErrorClass::Timeout`] and
/// [`ErrorClass::Internal`], where it goes to the log only.
pub trait UseCaseError: std::error::Error + Send + Sync + 'static {
    /// The kind of failure.
    fn class(&self) -> ErrorClass;

    /// A stable code for clients, in snake case: `insufficient_stock`.
    fn code(&self) -> &'static str;

    /// The fields that broke a rule, for [`ErrorClass::Invalid`].
    fn violations(&self) -> &[Violation] {
        &[]
    }
}

/// The kinds of failure a client can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The input breaks a rule: 422, `INVALID_ARGUMENT`.
    Invalid,
    /// Nobody knows who calls, and that matters: 401, `UNAUTHENTICATED`.
    Unauthenticated,
    /// The caller may not: 403, `PERMISSION_DENIED`.
    Forbidden,
    /// There is no such thing: 404, `NOT_FOUND`.
    NotFound,
    /// The state forbids it: 409, `FAILED_PRECONDITION`.
    Conflict,
    /// Somebody else was faster, try again: 409, `ABORTED`.
    Contended,
    /// The client's version is not the current one: 412, `ABORTED`.
    Stale,
    /// A store or peer is away: 503 with `Retry-After`, `UNAVAILABLE`.
    Unavailable,
    /// The deadline passed: 504, `DEADLINE_EXCEEDED`.
    Timeout,
    /// Our fault: 500, `INTERNAL`.
    Internal,
}

impl ErrorClass {
    /// Whether the failure is ours rather than the caller's.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::Internal)
    }
}
