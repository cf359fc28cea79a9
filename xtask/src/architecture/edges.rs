//! Who may use whom: legal only if both the context and the layer allow it.

use super::graph::{Graph, Member};
use super::room::{Room, room};
use super::{EDGES, Finding};

/// Adapters that drive the application, or call out with nothing but its ports, and so never see the domain.
const WITHOUT_DOMAIN: [&str; 5] = ["admin", "clients", "grpc", "http", "provider"];
/// Adapters that translate the domain for a store, a log, a channel or a backend, or what they find into it.
const WITH_DOMAIN: [&str; 9] =
    ["channels", "discovery", "events", "mariadb", "postgres", "proxy", "redis", "sqlite", "state"];
/// Adapters that speak the generated types.
const WITH_PROTO: [&str; 2] = ["clients", "grpc"];

pub(super) fn check(graph: &Graph, member: &Member) -> Vec<Finding> {
    let Some(from) = room(&member.path) else { return Vec::new() };
    let ours = member.dependencies.iter().filter_map(|dependency| {
        let to = room(&graph.member(&dependency.name)?.path)?;
        let rule = if dependency.dev { allowed_in_tests(from, to) } else { allowed(from, to) }.err()?;
        Some(Finding::new(format!("{} → {}", member.name, dependency.name), rule, EDGES))
    });
    ours.collect()
}

/// Whether code in `from` may use `to`; the rule it breaks, if not.
fn allowed(from: Room<'_>, to: Room<'_>) -> Result<(), String> {
    if let (Some(mine), Some(other)) = (from.context(), to.context())
        && mine != other
    {
        return Err(format!(
            "the {mine} context may not use the {other} context; contexts meet over gRPC and events"
        ));
    }
    if to == Room::Platform("testkit") {
        return Err("the testkit is for tests: make it a dev-dependency".to_owned());
    }
    match from {
        Room::Domain(_) => domain(to),
        Room::Application(_) => application(to),
        Room::Adapter(_, technology) => adapter(technology, to),
        Room::Platform(technology) => platform(technology, to),
        Room::Bootstrap(_) => bootstrap(to),
        Room::System => Err("bootstrap/system holds tests: dev-dependencies only".to_owned()),
        Room::Proto | Room::Xtask => Err("proto and xtask use nothing of ours".to_owned()),
    }
}

/// What tests may use besides.
fn allowed_in_tests(from: Room<'_>, to: Room<'_>) -> Result<(), String> {
    match (from, to) {
        // Tokens are made by the test's own issuer, whom the system believes as it would any other.
        (Room::System, Room::Proto | Room::Platform("identity" | "testkit"))
        | (Room::Bootstrap(_), Room::Proto)
        | (Room::Adapter(..) | Room::Platform(_) | Room::Bootstrap(_), Room::Platform("testkit")) => Ok(()),
        (Room::System, _) => {
            Err("tests of the whole know only proto, platform/identity and platform/testkit: they meet it from outside"
                .to_owned())
        }
        _ => allowed(from, to),
    }
}

fn domain(to: Room<'_>) -> Result<(), String> {
    grant(to == Room::Domain("kernel"), "a domain crate uses domain/kernel and nothing else of ours")
}

fn application(to: Room<'_>) -> Result<(), String> {
    let legal = matches!(to, Room::Domain(_) | Room::Application("kernel"));
    grant(legal, "an application crate uses its own domain and the kernels")
}

fn adapter(technology: &str, to: Room<'_>) -> Result<(), String> {
    let free = WITHOUT_DOMAIN.contains(&technology);
    if !free && !WITH_DOMAIN.contains(&technology) {
        return Err(format!("no rule knows the adapter room `{technology}`; give it its edges in xtask"));
    }
    match to {
        Room::Domain("kernel") | Room::Application(_) | Room::Platform(_) => Ok(()),
        Room::Domain(_) => grant(!free, "this adapter meets the application only, not the domain"),
        Room::Proto => grant(WITH_PROTO.contains(&technology), "only grpc and clients rooms use proto"),
        Room::Adapter(..) => Err("an adapter never uses another adapter".to_owned()),
        Room::Bootstrap(_) | Room::System | Room::Xtask => Err("nothing uses a binary".to_owned()),
    }
}

fn platform(technology: &str, to: Room<'_>) -> Result<(), String> {
    let legal = match to {
        Room::Domain("kernel") | Room::Application("kernel") | Room::Platform(_) => true,
        Room::Proto => technology == "grpc",
        _ => false,
    };
    grant(legal, "platform crates use the kernels and each other, platform/grpc also proto")
}

fn bootstrap(to: Room<'_>) -> Result<(), String> {
    match to {
        Room::Domain("kernel") | Room::Application(_) | Room::Adapter(..) | Room::Platform(_) => Ok(()),
        Room::Domain(_) => {
            Err("a binary wires application and adapters; it does not see the domain".to_owned())
        }
        Room::Proto => {
            Err("only tests of a binary use proto; services are handed over by grpc rooms".to_owned())
        }
        Room::Bootstrap(_) | Room::System | Room::Xtask => Err("nothing uses a binary".to_owned()),
    }
}

fn grant(legal: bool, rule: &str) -> Result<(), String> {
    if legal { Ok(()) } else { Err(rule.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::graph::fixture::{graph, member};
    use super::*;

    fn edge(from: &str, to: &str) -> Result<(), String> {
        allowed(room(from).unwrap(), room(to).unwrap())
    }

    fn edge_in_tests(from: &str, to: &str) -> Result<(), String> {
        allowed_in_tests(room(from).unwrap(), room(to).unwrap())
    }

    #[test]
    fn good_edges() {
        for (from, to) in [
            ("domain/product", "domain/kernel"),
            ("application/product", "domain/product"),
            ("application/product", "domain/kernel"),
            ("application/product", "application/kernel"),
            ("application/kernel", "domain/kernel"),
            ("adapters/product/http", "application/product"),
            ("adapters/product/http", "adapters/platform/http"),
            ("adapters/product/http", "domain/kernel"),
            ("adapters/product/grpc", "proto"),
            ("adapters/basket/clients", "proto"),
            ("adapters/payment/provider", "application/payment"),
            ("adapters/product/sqlite", "domain/product"),
            ("adapters/product/postgres", "domain/product"),
            ("adapters/payment/mariadb", "domain/payment"),
            ("adapters/basket/redis", "domain/basket"),
            ("adapters/payment/events", "domain/payment"),
            ("adapters/notification/channels", "domain/notification"),
            ("adapters/provider/channels", "domain/provider"),
            ("adapters/gateway/proxy", "domain/gateway"),
            ("adapters/gateway/discovery", "domain/gateway"),
            ("adapters/gateway/state", "domain/gateway"),
            ("adapters/gateway/admin", "adapters/platform/http"),
            ("adapters/platform/http", "adapters/platform/telemetry"),
            ("adapters/platform/sqlite", "application/kernel"),
            ("adapters/platform/grpc", "proto"),
            ("bootstrap/product", "application/product"),
            ("bootstrap/product", "adapters/product/sqlite"),
            ("bootstrap/product", "adapters/platform/runtime"),
            ("bootstrap/product", "domain/kernel"),
        ] {
            assert_eq!(edge(from, to), Ok(()), "{from} → {to}");
        }
    }

    #[test]
    fn bad_edges() {
        for (from, to, rule) in [
            ("domain/product", "domain/basket", "the product context may not use the basket context"),
            ("domain/product", "application/product", "a domain crate"),
            ("domain/product", "adapters/platform/http", "a domain crate"),
            ("domain/kernel", "domain/product", "a domain crate"),
            ("domain/kernel", "application/kernel", "a domain crate"),
            ("application/product", "domain/payment", "the product context"),
            ("application/product", "application/basket", "the product context"),
            ("application/product", "adapters/product/sqlite", "an application crate"),
            ("application/product", "adapters/platform/sqlite", "an application crate"),
            ("application/product", "proto", "an application crate"),
            ("application/kernel", "application/product", "an application crate"),
            ("adapters/product/http", "domain/product", "this adapter meets the application only"),
            ("adapters/product/grpc", "domain/product", "this adapter meets the application only"),
            ("adapters/gateway/admin", "domain/gateway", "this adapter meets the application only"),
            ("adapters/gateway/admin", "adapters/gateway/state", "an adapter never uses another adapter"),
            ("adapters/basket/clients", "domain/basket", "this adapter meets the application only"),
            ("adapters/payment/provider", "domain/payment", "this adapter meets the application only"),
            ("adapters/product/http", "proto", "only grpc and clients"),
            ("adapters/product/sqlite", "proto", "only grpc and clients"),
            ("adapters/product/http", "adapters/product/sqlite", "an adapter never uses another adapter"),
            ("adapters/product/events", "adapters/product/sqlite", "an adapter never uses another adapter"),
            ("adapters/basket/clients", "application/product", "the basket context"),
            ("adapters/basket/sqlite", "adapters/product/sqlite", "the basket context"),
            ("adapters/product/sqlite", "bootstrap/product", "nothing uses a binary"),
            ("adapters/product/sqlite", "adapters/platform/testkit", "the testkit is for tests"),
            ("adapters/product/graphql", "application/product", "no rule knows the adapter room `graphql`"),
            ("adapters/platform/http", "application/product", "platform crates"),
            ("adapters/platform/http", "domain/product", "platform crates"),
            ("adapters/platform/http", "adapters/product/http", "platform crates"),
            ("adapters/platform/http", "proto", "platform crates"),
            ("bootstrap/product", "domain/product", "a binary wires"),
            ("bootstrap/product", "proto", "only tests of a binary"),
            ("bootstrap/product", "adapters/basket/sqlite", "the product context"),
            ("bootstrap/product", "bootstrap/basket", "the product context"),
            ("bootstrap/system", "adapters/platform/http", "bootstrap/system holds tests"),
            ("bootstrap/system", "proto", "bootstrap/system holds tests"),
            ("proto", "domain/kernel", "proto and xtask use nothing"),
            ("xtask", "application/kernel", "proto and xtask use nothing"),
        ] {
            let broken = edge(from, to).unwrap_err();
            assert!(broken.starts_with(rule), "{from} → {to}: {broken}");
        }
    }

    #[test]
    fn tests_may_use_more_but_not_everything() {
        assert_eq!(edge_in_tests("bootstrap/product", "proto"), Ok(()));
        assert_eq!(edge_in_tests("bootstrap/product", "adapters/platform/testkit"), Ok(()));
        assert_eq!(edge_in_tests("adapters/product/http", "adapters/platform/testkit"), Ok(()));
        assert_eq!(edge_in_tests("bootstrap/system", "proto"), Ok(()));
        assert_eq!(edge_in_tests("bootstrap/system", "adapters/platform/testkit"), Ok(()));
        assert_eq!(edge_in_tests("bootstrap/system", "adapters/platform/identity"), Ok(()));
        assert!(edge_in_tests("bootstrap/system", "application/product").is_err());
        assert!(edge_in_tests("bootstrap/product", "adapters/basket/http").is_err());
        assert!(edge_in_tests("application/product", "adapters/platform/testkit").is_err());
        assert!(edge_in_tests("domain/product", "application/kernel").is_err());
    }

    #[test]
    fn a_finding_names_the_edge() {
        let members = vec![
            member(
                "product-http",
                "adapters/product/http",
                &["product-domain", "dev:product-sqlite", "serde"],
            ),
            member("product-domain", "domain/product", &[]),
            member("product-sqlite", "adapters/product/sqlite", &[]),
        ];
        let graph = graph(members);
        let findings = check(&graph, &graph.members[0]);
        let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, ["product-http → product-domain", "product-http → product-sqlite"]);
        assert!(findings.iter().all(|finding| finding.chapter == EDGES));
    }
}
