//! How a request ended, as far as access goes.

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was carried out.
    LetIn,
    /// A token is needed, and there was none.
    Unauthenticated,
    /// There was a token, and it is no good.
    InvalidToken,
    /// The caller may not.
    Forbidden,
    /// There is no such thing, at least not for this caller.
    NotFound,
    /// Something else.
    Other(String),
}

impl Answer {
    /// Of an HTTP status and the `WWW-Authenticate` that came with it.
    pub fn of_http(status: u16, challenge: Option<&str>) -> Self {
        let bearer = challenge.filter(|challenge| challenge.starts_with("Bearer"));
        match (status, bearer) {
            (200..=299, None) => Self::LetIn,
            (401, Some(bearer)) if bearer.contains(r#"error="invalid_token""#) => Self::InvalidToken,
            (401, Some(bearer)) if !bearer.contains("error=") => Self::Unauthenticated,
            (403, Some(bearer)) if bearer.contains(r#"error="insufficient_scope""#) => Self::Forbidden,
            (404, None) => Self::NotFound,
            (status, _) => Self::Other(format!("{status} with challenge {challenge:?}")),
        }
    }

    /// Of a gRPC status code and the reason in its details.
    pub fn of_grpc(code: i32, reason: &str) -> Self {
        match (code, reason) {
            (0, _) => Self::LetIn,
            (5, _) => Self::NotFound,
            (7, "forbidden") => Self::Forbidden,
            (16, "invalid_token") => Self::InvalidToken,
            (16, "unauthenticated") => Self::Unauthenticated,
            (code, reason) => Self::Other(format!("code {code}, reason {reason:?}")),
        }
    }
}
