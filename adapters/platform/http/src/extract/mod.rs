//! Extractors: what a request says, checked, or a [`Problem`](crate::Problem) that names the field.
//!
//! utoipa does not know these types: name `params(…)` and `request_body = …` in `#[utoipa::path]`.

mod context;
mod headers;
mod json;
mod path;
mod query;
mod serde_error;
mod validation;
mod wording;

pub use context::{Ctx, Stopping};
pub(crate) use context::{REQUEST_ID, REQUEST_TIMEOUT, TRACEPARENT, open};
pub use headers::{IdempotencyKeyHeader, IfMatch, etag};
pub use json::{BODY_LIMIT, JsonBody};
pub use path::PathParams;
pub use query::QueryParams;
