//! Puts the public prefix back where a backend names one of its own paths.

use gateway_domain::{API_PREFIX, RouteTable};

use crate::Fields;

/// Backends do not know that clients see them below a prefix: `Location: /products/7` becomes `/api/products/7`.
pub(super) fn make_public(routes: &RouteTable, headers: &mut Fields) {
    for name in ["location", "content-location"] {
        if let Some(value) = headers.text(name).and_then(|value| public(routes, value)) {
            headers.set(name, value.as_bytes());
        }
    }
}

fn public(routes: &RouteTable, target: &str) -> Option<String> {
    let path = target.split(['?', '#']).next()?;
    routes.is_public(path).then(|| format!("{API_PREFIX}{target}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(value: &'static str) -> String {
        let mut headers: Fields = [("Location", value)].into_iter().collect();
        make_public(&RouteTable::standard(), &mut headers);
        headers.text("location").unwrap().to_owned()
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
