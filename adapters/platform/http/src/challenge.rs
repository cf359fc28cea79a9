//! What is said to those who are not let in: `WWW-Authenticate`, RFC 6750.

use actix_web::http::StatusCode;
use kernel_application::ErrorClass;
use platform_identity::Rejected;

use crate::Problem;

/// What a client is asked to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token.
    Token,
    /// Another token than the one it sent.
    Replacement,
    /// The token of somebody who may do more.
    Permission,
}

impl Challenge {
    /// What an answer of this class asks for.
    pub(crate) const fn of(class: ErrorClass) -> Option<Self> {
        match class {
            ErrorClass::Unauthenticated => Some(Self::Token),
            ErrorClass::Forbidden => Some(Self::Permission),
            _ => None,
        }
    }

    /// The header's value. Who sent no token is told no error, as the RFC wants it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => r#"Bearer realm="shop""#,
            Self::Replacement => r#"Bearer realm="shop", error="invalid_token""#,
            Self::Permission => r#"Bearer realm="shop", error="insufficient_scope""#,
        }
    }
}

impl Problem {
    /// 401 for a token that is no good, 503 where nobody can tell for the moment.
    pub fn rejected(rejected: Rejected) -> Self {
        if rejected.is_unavailable() {
            let code = "identity_unavailable";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, code, rejected.to_string());
        }
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", rejected.to_string())
            .challenging(Some(Challenge::Replacement))
    }
}
