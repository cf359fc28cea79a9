//! Puts the public prefix back where a backend names one of its own paths.

use gateway_domain::{API_PREFIX, RouteTable};
use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_LOCATION, LOCATION},
};

/// Backends do not know that clients see them below a prefix: `Location: /products/7` becomes `/api/products/7`.
pub(super) fn make_public(routes: &RouteTable, headers: &mut HeaderMap) {
    for name in [LOCATION, CONTENT_LOCATION] {
        if let Some(value) = headers.get(&name).and_then(|value| public(routes, value)) {
            headers.insert(name, value);
        }
    }
}

fn public(routes: &RouteTable, value: &HeaderValue) -> Option<HeaderValue> {
    let target = value.to_str().ok()?;
    let path = target.split(['?', '#']).next()?;
    if !routes.is_public(path) {
        return None;
    }
    HeaderValue::try_from(format!("{API_PREFIX}{target}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(value: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(value));
        make_public(&RouteTable::standard(), &mut headers);
        headers[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn paths_of_services_get_the_prefix() {
        assert_eq!(location("/products/7?a=b"), "/api/products/7?a=b");
        assert_eq!(location("/users/u1/payments"), "/api/users/u1/payments");
    }

    #[test]
    fn everything_else_stays() {
        for other in ["/health", "https://example.org/products/7", "7", "//evil.example/products"] {
            assert_eq!(location(other), other);
        }
    }
}
