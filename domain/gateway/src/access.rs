//! Which requests need no identity.
//!
//! The services ask again, and know more: whose a basket is, what needs a role. What is refused here never costs them
//! anything. A new public route is a line in [`RULES`]; everything that no line names needs an identity.

/// Whom a route is for, as far as a gateway can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, with or without an identity.
    Public,
    /// Those with an identity.
    Identified,
}

const READ: &[&str] = &["GET", "HEAD"];
const CALL: &[&str] = &["POST"];
const PARAMETER: &str = "{id}";

/// Methods, pattern, and whom it is for. The first line that fits decides, so exceptions stand before their rule.
///
/// A parameter is the last segment of its pattern.
const RULES: [(&[&str], &str, Access); 5] = [
    (READ, "/products", Access::Public),
    (READ, "/products/stats", Access::Identified),
    // Categories are a case of it.
    (READ, "/products/{id}", Access::Public),
    (CALL, "/product.v1.ProductService/GetProduct", Access::Public),
    (CALL, "/product.v1.ProductService/GetProducts", Access::Public),
];

impl Access {
    /// Whom a request is for, by its method and the path that its service is asked for.
    pub fn of(method: &str, path: &str) -> Self {
        // A last slash makes no difference, as it makes none to routes.
        let path = path.strip_suffix('/').unwrap_or(path);
        let rule =
            RULES.iter().find(|(methods, template, _)| fits(template, path) && methods.contains(&method));
        rule.map_or(Self::Identified, |(_, _, access)| *access)
    }
}

/// Compares whole segments.
fn fits(template: &str, path: &str) -> bool {
    match template.strip_suffix(PARAMETER) {
        Some(before) => path.strip_prefix(before).is_some_and(is_segment),
        None => template == path,
    }
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading_products_is_for_everybody() {
        for path in ["/products", "/products/", "/products/7", "/products/7/", "/products/categories"] {
            for method in ["GET", "HEAD"] {
                assert_eq!(Access::of(method, path), Access::Public, "{method} {path}");
            }
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "PURGE"] {
                assert_eq!(Access::of(method, path), Access::Identified, "{method} {path}");
            }
        }
        for call in ["GetProduct", "GetProducts"] {
            let path = format!("/product.v1.ProductService/{call}");
            assert_eq!(Access::of("POST", &path), Access::Public);
            assert_eq!(Access::of("GET", &path), Access::Identified);
        }
    }

    #[test]
    fn everything_else_needs_an_identity() {
        for path in [
            "/products/stats",
            "/products/stats/",
            "/products//",
            "/products/7/reviews",
            "/productsX",
            "/",
            "",
            "/baskets/ada",
            "/payments",
            "/payments/stats",
            "/users/ada/payments",
            "/notifications/stream",
            "/product.v1.ProductService/DeleteProduct",
        ] {
            for method in ["GET", "POST"] {
                assert_eq!(Access::of(method, path), Access::Identified, "{method} {path}");
            }
        }
    }

    /// What the table says, in other words.
    fn is_public(method: &str, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        let reads = matches!(method, "GET" | "HEAD");
        match path.split('/').collect::<Vec<_>>()[..] {
            ["", "products"] => reads,
            ["", "products", id] => reads && !id.is_empty() && id != "stats",
            ["", "product.v1.ProductService", call] => {
                method == "POST" && matches!(call, "GetProduct" | "GetProducts")
            }
            _ => false,
        }
    }

    /// A segment that some rule knows, or any other.
    fn segment() -> impl Strategy<Value = String> {
        let known = RULES.iter().flat_map(|(_, template, _)| template.split('/')).map(str::to_owned);
        let known: Vec<_> = known.chain(["baskets", "GetProductX", "Products"].map(str::to_owned)).collect();
        prop_oneof![prop::sample::select(known), "[a-zA-Z0-9.%{}-]{0,8}"]
    }

    /// The path of a rule, with up to two segments replaced, put in or taken out.
    fn nearly_a_rule() -> impl Strategy<Value = String> {
        let change = (0..3_u8, 0..4_usize, segment());
        (0..RULES.len(), segment(), prop::collection::vec(change, 0..3)).prop_map(|(rule, id, changes)| {
            let filled = RULES[rule].1.replace("{id}", &id);
            let mut segments: Vec<_> = filled.split('/').map(str::to_owned).collect();
            for (kind, place, segment) in changes {
                let place = place.min(segments.len().saturating_sub(1));
                match kind {
                    0 => segments.insert(place, segment),
                    1 if !segments.is_empty() => segments[place] = segment,
                    _ if !segments.is_empty() => drop(segments.remove(place)),
                    _ => {}
                }
            }
            segments.join("/")
        })
    }

    proptest! {
        #[test]
        fn only_what_a_rule_names_is_public(
            method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "Post"]),
            path in nearly_a_rule(),
        ) {
            let public = Access::of(method, &path) == Access::Public;
            prop_assert_eq!(public, is_public(method, &path), "{} {}", method, path);
        }
    }
}
