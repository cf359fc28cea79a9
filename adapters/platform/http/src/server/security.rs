//! What the OpenAPI document says of tokens.
//!
//! Every operation needs one, unless its route says `security(())` in `#[utoipa::path]`: such a route is public, and looks at
//! a token only where one is sent. A route cannot be forgotten this way: whom it lets in is decided by its use case, and a
//! document that promises too much fails the service's inventory of routes.

use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Header, OpenApi, PathItem, Response, SecurityRequirement,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::caller::asks_nobody;
use crate::{Problem, failures::described};

const BEARER: &str = "bearer";
const UNAUTHENTICATED: &str = "The token is missing, where one is needed, or is no good";
const FORBIDDEN: &str = "The token is good, and does not let its bearer do this";

/// Adds the scheme, and to each operation what it asks for and how it refuses.
pub(super) fn describe(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    components.security_schemes.insert(BEARER.to_owned(), scheme().into());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.schemas.entry(name).or_insert(schema);
    }
    for (path, item) in &mut api.paths.paths {
        let open = asks_nobody(path);
        for operation in operations(item) {
            if open { operation.security = Some(Vec::new()) } else { secure(operation) }
        }
    }
}

fn secure(operation: &mut Operation) {
    let token = SecurityRequirement::new::<_, _, String>(BEARER, []);
    let public = operation.security.is_some();
    operation.security = Some(if public { vec![SecurityRequirement::default(), token] } else { vec![token] });
    let responses = &mut operation.responses.responses;
    responses.entry("401".to_owned()).or_insert_with(|| refusal(UNAUTHENTICATED).into());
    if !public {
        responses.entry("403".to_owned()).or_insert_with(|| refusal(FORBIDDEN).into());
    }
}

fn refusal(description: &str) -> Response {
    described(description).header("WWW-Authenticate", Header::default()).build()
}

fn scheme() -> SecurityScheme {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    SecurityScheme::Http(bearer.description(Some("A token of the shop's issuer")).build())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, .. } = item;
    [get, put, post, delete, options, head, patch].into_iter().flatten()
}
