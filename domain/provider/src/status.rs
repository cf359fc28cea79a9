//! What became of a charge.

/// Whether money was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChargeStatus {
    /// It was.
    Captured,
    /// It was not.
    Declined(FailureCode),
}

impl ChargeStatus {
    /// `captured` or `declined`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Declined(_) => "declined",
        }
    }

    /// Why money was not taken.
    pub const fn failure_code(self) -> Option<FailureCode> {
        match self {
            Self::Captured => None,
            Self::Declined(code) => Some(code),
        }
    }
}

/// Why a charge was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// The bank says no.
    CardDeclined,
    /// There is not enough money.
    InsufficientFunds,
    /// The sandbox does not know the token.
    InvalidToken,
}

impl FailureCode {
    const ALL: [Self; 3] = [Self::CardDeclined, Self::InsufficientFunds, Self::InvalidToken];

    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::InvalidToken => "invalid_token",
        }
    }

    /// Reads a code; `None` where there is no such one.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == code)
    }
}
