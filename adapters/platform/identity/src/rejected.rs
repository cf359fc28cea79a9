//! Why a token is turned away.

use crate::bearer::MAX_LENGTH;

/// A token that proves nothing. The text is for the client: it tells what is wrong and nothing of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Another scheme, no token, or what no token is made of.
    #[error("the Authorization header is not `Bearer` and a token")]
    NotBearer,
    /// Longer than any token of ours.
    #[error("the token is longer than {} bytes", MAX_LENGTH)]
    TooLong,
    /// Not a JWT, or one whose header or claims have another shape.
    #[error("this is not a token that can be read here")]
    Malformed,
    /// Not signed, signed with an algorithm that is not accepted, or not with the one of its key.
    #[error("the token is not signed with an algorithm that is accepted here")]
    Algorithm,
    /// Its key is not among those of the issuer.
    #[error("the token is signed with a key that is not known")]
    UnknownKey,
    /// The signature is not that of its key.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Made by somebody else.
    #[error("the token is of another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Says nobody, or somebody who cannot be a user.
    #[error("the token names no user")]
    Subject,
    /// Lacks a claim that every token must have.
    #[error("the token lacks a claim that is required: sub, iss, aud and exp are")]
    Incomplete,
    /// There are no keys yet, or too many ask for new ones. Not the token's fault: the client may try again.
    #[error("tokens cannot be checked at the moment")]
    Unavailable,
}

impl Rejected {
    /// Whether it is us who cannot check (503, `UNAVAILABLE`) rather than the token that is bad (401,
    /// `UNAUTHENTICATED`).
    pub const fn is_unavailable(self) -> bool {
        matches!(self, Self::Unavailable)
    }

    /// A word for logs and metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotBearer => "not_bearer",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Incomplete => "incomplete",
            Self::Unavailable => "unavailable",
        }
    }
}
