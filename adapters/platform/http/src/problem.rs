//! Answers that are not a success: RFC 9457 `application/problem+json`.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use kernel_application::{ErrorClass, UseCaseError};
use kernel_domain::Violation;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{AnswerHeaders, challenge::Challenge};

/// What a client learns of a failure. Every application error becomes one by `?` or `into()`.
///
/// `instance` and `request_id` are filled in on the way out.
#[derive(Clone, Debug)]
pub struct Problem(Box<Document>);

/// An RFC 9457 problem.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Document {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Conflict")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 409)]
    status: u16,
    /// What happened, for people.
    detail: String,
    /// The path asked for, with what a gateway took off it (`X-Forwarded-Prefix`).
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What happened, for programs, in snake case.
    #[schema(example = "insufficient_stock")]
    code: &'static str,
    /// The id under which logs know the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The fields that break a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after: Option<u32>,
    #[serde(skip)]
    challenge: Option<Challenge>,
    /// What the answer says beyond that.
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's path: `items[2].quantity`.
    pub field: String,
    /// The rule, for programs, in snake case.
    #[schema(example = "out_of_range")]
    pub code: String,
    /// The rule, for people.
    #[schema(example = "must be 1 to 100")]
    pub message: String,
}

/// How long clients are asked to wait before they try again.
const RETRY_AFTER_SECONDS: u32 = 1;

impl Problem {
    /// The media type.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// A problem with a stable `code` in snake case and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            code,
            request_id: None,
            errors: Vec::new(),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS),
            challenge: None,
            headers: Vec::new(),
        }))
    }

    /// The problem of a failed use case. What went wrong inside us stays inside: it was logged where it happened.
    pub fn of(error: &dyn UseCaseError) -> Self {
        let (status, detail) = match error.class() {
            ErrorClass::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            ErrorClass::Unauthenticated => (StatusCode::UNAUTHORIZED, error.to_string()),
            ErrorClass::Forbidden => (StatusCode::FORBIDDEN, error.to_string()),
            ErrorClass::NotFound => (StatusCode::NOT_FOUND, error.to_string()),
            ErrorClass::Conflict | ErrorClass::Contended => (StatusCode::CONFLICT, error.to_string()),
            ErrorClass::Stale => (StatusCode::PRECONDITION_FAILED, error.to_string()),
            ErrorClass::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, AWAY.to_owned()),
            ErrorClass::Timeout => (StatusCode::GATEWAY_TIMEOUT, LATE.to_owned()),
            ErrorClass::Internal => (StatusCode::INTERNAL_SERVER_ERROR, OURS.to_owned()),
        };
        let errors = error.violations().iter().map(FieldError::from).collect();
        Self::new(status, error.code(), detail).with(errors).challenging(Challenge::of(error.class()))
    }

    /// 422 with fields, found before a use case was asked.
    pub fn invalid<'a>(violations: impl IntoIterator<Item = &'a Violation>) -> Self {
        Self::fields(violations.into_iter().map(FieldError::from).collect())
    }

    /// 422 with fields, as extractors find them.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = "one or more fields are invalid";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail).with(errors)
    }

    fn with(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    pub(crate) fn challenging(mut self, challenge: Option<Challenge>) -> Self {
        self.0.challenge = challenge;
        self
    }

    /// 422 with one field.
    pub(crate) fn field(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), code: code.to_owned(), message: message.into() }])
    }

    /// What a bare status says where nobody made a problem of it.
    pub(crate) fn bare(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("bad_request", "the request is malformed"),
            StatusCode::NOT_FOUND => ("not_found", "there is no such resource"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "see `Allow` for the methods of this resource")
            }
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request did not arrive in time"),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the request is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "send `application/json`"),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", AWAY),
            StatusCode::GATEWAY_TIMEOUT => ("timeout", LATE),
            status if status.is_server_error() => ("internal", OURS),
            _ => ("request_failed", "the request cannot be served"),
        };
        Self::new(status, code, detail)
    }

    /// The same problem, with the seconds after which a repeat makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The same problem, with a header field in its answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same problem, of this request.
    #[must_use]
    pub(crate) fn of_request(mut self, path: String, request_id: &str) -> Self {
        self.0.instance = Some(path);
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// The same problem, where it came to no request.
    #[must_use]
    pub(crate) fn of_connection(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.0.code
    }

    /// The fields that break a rule.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The document.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// Adds the header fields of its answer: `Retry-After` and `WWW-Authenticate` where they make sense.
    pub(crate) fn add_headers(&self, headers: &mut dyn AnswerHeaders) {
        if let Some(seconds) = self.0.retry_after {
            headers.insert(&header::RETRY_AFTER, seconds.to_string().as_bytes());
        }
        if let Some(challenge) = self.0.challenge {
            headers.insert(&header::WWW_AUTHENTICATE, challenge.as_str().as_bytes());
        }
        for (name, value) in &self.0.headers {
            headers.insert(name, value.as_bytes());
        }
        headers.insert(&header::CONTENT_TYPE, Self::CONTENT_TYPE.as_bytes());
    }

    /// The answer. The problem itself rides along, so that the middleware can complete it.
    pub(crate) fn answer(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(self.status_code(), BoxBody::new(self.body()));
        self.add_headers(response.headers_mut());
        response.extensions_mut().insert(self.clone());
        response
    }
}

const AWAY: &str = "a store or service this request needs is away; try again later";
const LATE: &str = "the request was not finished in time";
const OURS: &str = "something went wrong on our side";

impl<E: UseCaseError> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

impl From<&Violation> for FieldError {
    fn from(violation: &Violation) -> Self {
        Self {
            field: violation.field().to_owned(),
            code: violation.code().to_owned(),
            message: violation.message().to_owned(),
        }
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Document::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Document::schemas(schemas);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status, self.0.code, self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.answer()
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::StoreError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("refused for the test")]
    struct Refused(ErrorClass, Vec<Violation>);

    impl UseCaseError for Refused {
        fn class(&self) -> ErrorClass {
            self.0
        }

        fn code(&self) -> &'static str {
            "refused"
        }

        fn violations(&self) -> &[Violation] {
            &self.1
        }
    }

    #[test]
    fn every_class_has_its_status() {
        for (class, status) in [
            (ErrorClass::Invalid, 422),
            (ErrorClass::Unauthenticated, 401),
            (ErrorClass::Forbidden, 403),
            (ErrorClass::NotFound, 404),
            (ErrorClass::Conflict, 409),
            (ErrorClass::Contended, 409),
            (ErrorClass::Stale, 412),
            (ErrorClass::Unavailable, 503),
            (ErrorClass::Timeout, 504),
            (ErrorClass::Internal, 500),
        ] {
            let problem = Problem::from(Refused(class, Vec::new()));
            assert_eq!(problem.status_code().as_u16(), status, "{class:?}");
            assert_eq!(problem.0.detail.contains("refused"), !class.is_failure(), "{class:?}");
            let retry = problem.error_response().headers().contains_key(header::RETRY_AFTER);
            assert_eq!(retry, status == 503, "{class:?}");
            let challenge = problem.error_response().headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenge, matches!(status, 401 | 403), "{class:?}");
        }
    }

    #[test]
    fn fields_are_named() {
        let violation = Violation::new("price", "invalid_money", "must be a decimal number");
        let problem = Problem::from(Refused(ErrorClass::Invalid, vec![violation.clone()]));
        let json = serde_json::to_value(&problem.0).unwrap();
        assert_eq!(json["errors"][0]["field"], "price");
        assert_eq!(json["type"], "about:blank");
        assert_eq!(Problem::invalid([&violation]).errors()[0].code, "invalid_money");
    }

    #[test]
    fn a_driver_is_never_quoted() {
        let source = "password=hunter2 connection refused".into();
        let problem = Problem::from(StoreError::Failed { store: "product store", operation: "load", source });
        let text = serde_json::to_string(&problem.0).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("product store"), "{text}");
    }
}
