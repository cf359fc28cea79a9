//! Which path belongs to which service, and what the service is asked for.

use crate::{RequestPath, Service};

/// What every public path starts with, and no backend sees.
pub const API_PREFIX: &str = "/api";

/// One public path pattern and the service behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    service: Service,
    template: &'static str,
    pieces: Vec<Piece>,
    /// Whether paths below the pattern belong to it too.
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(&'static str),
    /// One segment, which is not empty.
    Parameter,
}

impl Route {
    /// Reads a template below [`API_PREFIX`]: `/products/*` takes `/products` and all below it, `{name}` one segment.
    fn new(service: Service, template: &'static str) -> Self {
        let (pattern, open) = match template.strip_suffix("/*") {
            Some(pattern) => (pattern, true),
            None => (template, false),
        };
        // What is between braces is a parameter, what is before and after them is literal.
        let texts = pattern.split(['{', '}']).enumerate();
        let pieces =
            texts.map(|(n, text)| if n % 2 == 0 { Piece::Literal(text) } else { Piece::Parameter }).collect();
        Self { service, template, pieces, open }
    }

    /// The service that answers.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// The pattern, without [`API_PREFIX`], for logs and metrics.
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// Compares whole segments, so that `/products` does not take `/productsX`.
    fn matches(&self, path: &str) -> bool {
        let rest = self.pieces.iter().try_fold(path.as_bytes(), |path, piece| piece.strip(path));
        match rest {
            Some([] | [b'/']) => true,
            Some([b'/', next, ..]) => self.open && *next != b'/',
            _ => false,
        }
    }
}

impl Piece {
    /// What follows the piece in a path that begins with it.
    fn strip<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Literal(text) => path.strip_prefix(text.as_bytes()),
            Self::Parameter => {
                let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
                (end > 0).then(|| &path[end..])
            }
        }
    }
}

/// All routes. Their patterns exclude each other, so order does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable(Vec<Route>);

impl RouteTable {
    /// The routes of the public API.
    pub fn standard() -> Self {
        Self(vec![
            Route::new(Service::Product, "/products/*"),
            Route::new(Service::Basket, "/baskets/*"),
            Route::new(Service::Payment, "/payments/*"),
            Route::new(Service::Payment, "/users/{user_id}/payments"),
            Route::new(Service::Notification, "/notifications/*"),
        ])
    }

    /// The route of a public path, and the path its service is asked for; `None` where nothing answers.
    pub fn resolve<'a>(&self, path: RequestPath<'a>) -> Option<(&Route, &'a str)> {
        let inner = path.as_str().strip_prefix(API_PREFIX).filter(|inner| inner.starts_with('/'))?;
        self.find(inner).map(|route| (route, inner))
    }

    /// Whether a path that a backend names, as in `Location`, is public under [`API_PREFIX`].
    pub fn is_public(&self, inner: &str) -> bool {
        inner.starts_with('/') && self.find(inner).is_some()
    }

    fn find(&self, inner: &str) -> Option<&Route> {
        self.0.iter().find(|route| route.matches(inner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolve(path: &str) -> Option<(Service, String)> {
        let table = RouteTable::standard();
        let (route, inner) = table.resolve(RequestPath::parse(path).ok()?)?;
        Some((route.service(), inner.to_owned()))
    }

    #[test]
    fn prefixes_lead_to_services_and_are_stripped() {
        for (path, service, inner) in [
            ("/api/products", Service::Product, "/products"),
            ("/api/products/", Service::Product, "/products/"),
            ("/api/products/7", Service::Product, "/products/7"),
            ("/api/baskets/u1/items/7", Service::Basket, "/baskets/u1/items/7"),
            ("/api/payments/stats", Service::Payment, "/payments/stats"),
            ("/api/users/ada@example.org/payments", Service::Payment, "/users/ada@example.org/payments"),
            ("/api/users/u1/payments/", Service::Payment, "/users/u1/payments/"),
            ("/api/notifications/stream", Service::Notification, "/notifications/stream"),
            ("/api/products/a%20b", Service::Product, "/products/a%20b"),
        ] {
            assert_eq!(resolve(path), Some((service, inner.to_owned())), "{path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "/",
            "/api",
            "/api/",
            "/apiproducts",
            "/products",
            "/api/productsX",
            "/api/product",
            "/api/Products",
            "/API/products",
            "/api/users",
            "/api/users/u1",
            "/api/users/u1/paymentsX",
            "/api/users/u1/payments/7",
            "/api/users//payments",
            "/api/api/products",
        ] {
            assert_eq!(resolve(path), None, "{path}");
        }
    }

    #[test]
    fn inner_paths_are_known_again() {
        let table = RouteTable::standard();
        assert!(table.is_public("/products/7"));
        assert!(!table.is_public("/health"));
        assert!(!table.is_public("/users//payments"));
        assert!(!table.is_public("/products//7"));
        assert!(!table.is_public("products"));
    }

    /// The same, segment by segment.
    fn fits(route: &Route, path: &str) -> bool {
        let mut segments = path.split('/').skip(1);
        let mut pattern = route.template.trim_end_matches("/*").split('/').skip(1);
        let fits =
            |part: &str, text: &str| if part.starts_with('{') { !text.is_empty() } else { part == text };
        pattern.all(|part| segments.next().is_some_and(|text| fits(part, text)))
            && match segments.next() {
                None => true,
                Some("") => segments.next().is_none(),
                Some(_) => route.open,
            }
    }

    proptest! {
        #[test]
        fn routes_are_compared_by_whole_segments(
            path in "(/(products|users|payments|baskets|[a-z{}%*]{0,3})X?){0,5}/{0,2}",
        ) {
            for route in RouteTable::standard().0 {
                prop_assert_eq!(route.matches(&path), fits(&route, &path), "{} {}", route.template, path);
            }
        }

        #[test]
        fn what_a_service_is_asked_for_is_the_path_without_the_prefix(tail in "(/[a-z0-9%41~-]{1,6}){0,4}/?") {
            let path = format!("/api/products{tail}");
            if RequestPath::parse(&path).is_ok() {
                prop_assert_eq!(resolve(&path), Some((Service::Product, format!("/products{tail}"))));
            }
        }
    }
}
