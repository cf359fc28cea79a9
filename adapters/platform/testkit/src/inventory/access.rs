//! Whom a route lets in, and what that means for each kind of caller.

use super::{Answer, Tokens};

/// Whom a route lets in. Administrators are let in everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token too.
    Everybody,
    /// The user whose thing it is. Others are told that they may not, or that there is no such thing.
    Owner {
        /// What others are answered: [`Answer::Forbidden`] or [`Answer::NotFound`].
        others: Answer,
    },
    /// The user whose thing it is, and services.
    OwnerOrService,
    /// Services.
    Service,
    /// Nobody else.
    Admin,
}

/// One request of one caller.
pub(super) struct Attempt {
    pub(super) caller: String,
    pub(super) authorization: Option<String>,
    pub(super) expected: Answer,
}

impl Attempt {
    fn new(caller: impl Into<String>, token: Option<&str>, expected: Answer) -> Self {
        let authorization = token.map(|token| format!("Bearer {token}"));
        Self { caller: caller.into(), authorization, expected }
    }

    /// What is wrong with the answer.
    pub(super) fn fault(&self, route: &str, answer: &Answer) -> Option<String> {
        let wrong = *answer != self.expected;
        wrong.then(|| format!("{route}, {}: expected {:?}, got {answer:?}", self.caller, self.expected))
    }
}

impl Access {
    /// One attempt for each kind of caller.
    pub(super) fn attempts(&self, tokens: &Tokens) -> Vec<Attempt> {
        let nobody = if *self == Self::Everybody { Answer::LetIn } else { Answer::Unauthenticated };
        let bad = tokens.bad.iter().map(|(what, token)| {
            Attempt::new(format!("a token that is no good ({what})"), Some(token), Answer::InvalidToken)
        });
        let known = [
            Attempt::new("without a token", None, nobody),
            Attempt::new("a stranger", Some(&tokens.stranger), self.answer(false, false)),
            Attempt::new("the owner", Some(&tokens.owner), self.answer(true, false)),
            Attempt::new("a service", Some(&tokens.service), self.answer(false, true)),
            Attempt::new("an administrator", Some(&tokens.admin), Answer::LetIn),
        ];
        bad.chain(known).collect()
    }

    fn answer(&self, owner: bool, service: bool) -> Answer {
        let refusal = match self {
            Self::Everybody => return Answer::LetIn,
            Self::Owner { .. } if owner => return Answer::LetIn,
            Self::OwnerOrService if owner || service => return Answer::LetIn,
            Self::Service if service => return Answer::LetIn,
            Self::Owner { others } => others,
            Self::OwnerOrService | Self::Service | Self::Admin => &Answer::Forbidden,
        };
        refusal.clone()
    }
}
