//! What an OpenAPI document says of failures. A room lists those that its routes share with [`failures`].

use std::collections::BTreeMap;

use utoipa::{
    ToSchema as _,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::Problem;

/// Failures by their status, as `utoipa::IntoResponses` has them.
pub type Failures = BTreeMap<String, RefOr<Response>>;

/// Each status with what it means, as a [`Problem`].
pub fn failures(list: &[(u16, &str)]) -> Failures {
    list.iter()
        .map(|(status, description)| (status.to_string(), described(description).build().into()))
        .collect()
}

/// A problem as an answer, to be completed.
pub(crate) fn described(description: &str) -> ResponseBuilder {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(Problem::CONTENT_TYPE, content)
}
