//! Failures that many routes share, for the OpenAPI document.

use std::collections::BTreeMap;

use platform_http::Problem;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Every route checks its path and needs the store.
pub(crate) struct Always;

impl IntoResponses for Always {
    fn responses() -> Responses {
        responses(&[
            (422, "A field or path parameter breaks a rule; `errors` names each"),
            (500, "A fault of ours"),
            (
                503,
                "The store or the product service is away, or there are too many requests; see `Retry-After`",
            ),
            (504, "Not finished in time"),
        ])
    }
}

/// Routes with a body, besides [`Always`].
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

fn responses(list: &[(u16, &str)]) -> Responses {
    list.iter().map(|(status, description)| (status.to_string(), problem(description).into())).collect()
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(Problem::CONTENT_TYPE, content).build()
}
