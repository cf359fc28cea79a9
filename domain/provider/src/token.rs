//! Payment tokens that make the sandbox behave well or badly on purpose.

use crate::{ChargeStatus, FailureCode};

/// What a token asks for. The bad behaviour shows on the first call under a key; a repeat is answered at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// `tok_success`: captured.
    Success,
    /// `tok_declined`: declined by the card's bank.
    Declined,
    /// `tok_insufficient_funds`: declined for lack of money.
    InsufficientFunds,
    /// `tok_timeout_after_charge`: captured, but the answer is held back longer than callers wait.
    TimeoutAfterCharge,
    /// `tok_error_after_charge`: captured, but answered with 500.
    ErrorAfterCharge,
    /// `tok_error_before_charge`: answered with 500 and not charged; a repeat succeeds.
    ErrorBeforeCharge,
    /// `tok_slow`: captured, answered late.
    Slow,
    /// `tok_callback_twice`: captured, with repeated callbacks out of order.
    CallbackTwice,
    /// Any other text: declined as invalid.
    Unknown(String),
}

/// How the first call under a key is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstAnswer {
    /// At once.
    Prompt,
    /// After a short while.
    Slow,
    /// So late that the caller has given up.
    Held,
    /// With an error, after the charge was made.
    ErrorAfterCharge,
    /// With an error, and no charge made.
    ErrorBeforeCharge,
}

impl Token {
    const KNOWN: [(&str, Self); 8] = [
        ("tok_success", Self::Success),
        ("tok_declined", Self::Declined),
        ("tok_insufficient_funds", Self::InsufficientFunds),
        ("tok_timeout_after_charge", Self::TimeoutAfterCharge),
        ("tok_error_after_charge", Self::ErrorAfterCharge),
        ("tok_error_before_charge", Self::ErrorBeforeCharge),
        ("tok_slow", Self::Slow),
        ("tok_callback_twice", Self::CallbackTwice),
    ];

    /// Reads a token; no text is refused.
    pub fn parse(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(name, _)| *name == text);
        known.map_or_else(|| Self::Unknown(text.to_owned()), |(_, token)| token)
    }

    /// The text, as a client sends it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => Self::KNOWN.iter().find(|(_, token)| token == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether the charge is captured, and why not.
    pub const fn status(&self) -> ChargeStatus {
        match self {
            Self::Declined => ChargeStatus::Declined(FailureCode::CardDeclined),
            Self::InsufficientFunds => ChargeStatus::Declined(FailureCode::InsufficientFunds),
            Self::Unknown(_) => ChargeStatus::Declined(FailureCode::InvalidToken),
            _ => ChargeStatus::Captured,
        }
    }

    /// How the first call is answered.
    pub const fn first_answer(&self) -> FirstAnswer {
        match self {
            Self::TimeoutAfterCharge => FirstAnswer::Held,
            Self::ErrorAfterCharge => FirstAnswer::ErrorAfterCharge,
            Self::ErrorBeforeCharge => FirstAnswer::ErrorBeforeCharge,
            Self::Slow => FirstAnswer::Slow,
            _ => FirstAnswer::Prompt,
        }
    }

    /// The sequence numbers of the callbacks, in the order they are sent; a repeated number is the same event again.
    pub const fn callback_sequences(&self) -> &'static [u32] {
        match self {
            Self::CallbackTwice => &[2, 1, 2],
            _ => &[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_token_keeps_its_name() {
        for (name, token) in Token::KNOWN {
            assert_eq!(Token::parse(name), token);
            assert_eq!(token.as_str(), name);
        }
        assert_eq!(Token::parse("tok_other").as_str(), "tok_other");
    }

    #[test]
    fn only_decline_tokens_and_strangers_are_declined() {
        let status = |text: &str| Token::parse(text).status();
        assert_eq!(status("tok_declined"), ChargeStatus::Declined(FailureCode::CardDeclined));
        assert_eq!(status("tok_insufficient_funds"), ChargeStatus::Declined(FailureCode::InsufficientFunds));
        assert_eq!(status("tok_nonsense"), ChargeStatus::Declined(FailureCode::InvalidToken));
        for captured in ["tok_success", "tok_timeout_after_charge", "tok_error_before_charge", "tok_slow"] {
            assert_eq!(status(captured), ChargeStatus::Captured, "{captured}");
        }
    }
}
