//! Failures that many routes share, for the OpenAPI document.

use std::collections::BTreeMap;

use platform_http::Problem;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Every route needs the store.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Responses {
        responses(&[
            (500, "A fault of ours"),
            (503, "The store is away, or there are too many requests; see `Retry-After`"),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes with parameters.
pub(crate) struct WithParameters;

impl IntoResponses for WithParameters {
    fn responses() -> Responses {
        responses(&[(422, "`validation_failed`: a parameter or field breaks a rule; `errors` names each")])
    }
}

/// Routes with a body.
pub(crate) struct WithBody;

impl IntoResponses for WithBody {
    fn responses() -> Responses {
        responses(&[
            (400, "The body is not JSON"),
            (408, "The body did not arrive in time"),
            (413, "The body is too large"),
            (415, "The body is not `application/json`"),
        ])
    }
}

/// Routes with a product's number in their path.
pub(crate) struct WithProduct;

impl IntoResponses for WithProduct {
    fn responses() -> Responses {
        responses(&[(404, "`product_not_found`")])
    }
}

fn responses(list: &[(u16, &str)]) -> Responses {
    list.iter().map(|(status, description)| (status.to_string(), problem(description).into())).collect()
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(Problem::CONTENT_TYPE, content).build()
}
