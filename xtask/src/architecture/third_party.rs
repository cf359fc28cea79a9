//! Third-party rooms: a library that shapes code stays where its job is done.
//!
//! Domain and application list what they may use; everywhere else a library named in [`GUARDS`] may only be used
//! in the rooms of its line, and libraries without a line are free.

use super::graph::{Graph, Member};
use super::room::{Room, room};
use super::{Finding, ROOMS};

const DOMAIN: [&str; 3] = ["chrono", "thiserror", "uuid"];
const DOMAIN_TESTS: [&str; 1] = ["proptest"];
const APPLICATION: [&str; 10] =
    ["async-trait", "chrono", "futures-util", "hex", "sha2", "shaku", "slog", "thiserror", "tokio", "uuid"];
const APPLICATION_TESTS: [&str; 2] = ["proptest", "tokio"];
/// The gateway's subject is HTTP: requests, bodies and header fields are its vocabulary, as money is the shop's.
const GATEWAY_APPLICATION: [&str; 3] = ["bytes", "http", "itoa"];
/// Clients that tests of an adapter speak to it with.
const TEST_CLIENTS: [&str; 1] = ["ureq"];

/// A trailing `*` stands for every ending.
struct Guard {
    libraries: &'static [&'static str],
    rooms: &'static str,
    may: fn(Room<'_>) -> bool,
}

const GUARDS: [Guard; 18] = [
    Guard {
        libraries: &["actix*", "utoipa*", "validator*"],
        rooms: "http and admin rooms, platform/http and bootstrap",
        may: |room| {
            matches!(room, Room::Adapter(_, "http" | "admin") | Room::Platform("http") | Room::Bootstrap(_))
        },
    },
    Guard {
        libraries: &["hickory*"],
        rooms: "discovery rooms",
        may: |room| matches!(room, Room::Adapter(_, "discovery")),
    },
    Guard {
        libraries: &["protox", "tonic-prost-build"],
        rooms: "proto",
        may: |room| matches!(room, Room::Proto),
    },
    Guard {
        libraries: &["tonic*", "prost*"],
        rooms: "grpc and clients rooms, platform/grpc, proto and bootstrap",
        may: |room| {
            matches!(
                room,
                Room::Adapter(_, "grpc" | "clients")
                    | Room::Platform("grpc")
                    | Room::Proto
                    | Room::Bootstrap(_)
            )
        },
    },
    Guard {
        libraries: &["diesel*", "deadpool-diesel", "libsqlite3-sys", "mysql_async", "tokio-postgres*"],
        rooms: "sqlite, postgres and mariadb rooms and their platform crates",
        may: |room| {
            matches!(
                room,
                Room::Adapter(_, "sqlite" | "postgres" | "mariadb")
                    | Room::Platform("sqlite" | "postgres" | "mariadb")
            )
        },
    },
    Guard {
        libraries: &["fred"],
        rooms: "redis rooms and platform/redis",
        may: |room| matches!(room, Room::Adapter(_, "redis") | Room::Platform("redis")),
    },
    Guard {
        libraries: &["rskafka"],
        rooms: "platform/kafka",
        may: |room| matches!(room, Room::Platform("kafka")),
    },
    Guard {
        libraries: &["shaku*"],
        rooms: "application, adapters and bootstrap",
        may: |room| {
            matches!(room, Room::Application(_) | Room::Adapter(..) | Room::Platform(_) | Room::Bootstrap(_))
        },
    },
    Guard {
        libraries: &["reqwest"],
        rooms: "channels, clients and provider rooms and platform/identity",
        may: |room| {
            matches!(room, Room::Adapter(_, "channels" | "clients" | "provider") | Room::Platform("identity"))
        },
    },
    Guard {
        libraries: &["rustls"],
        rooms: "channels, clients and provider rooms and the platform crates that connect to servers",
        may: |room| {
            matches!(
                room,
                Room::Adapter(_, "channels" | "clients" | "provider")
                    | Room::Platform("identity" | "kafka" | "mariadb" | "postgres" | "redis" | "tls")
            )
        },
    },
    Guard {
        libraries: &["jsonwebtoken"],
        rooms: "platform/identity",
        may: |room| matches!(room, Room::Platform("identity")),
    },
    Guard {
        libraries: &["ring"],
        rooms: "platform/identity and xtask",
        may: |room| matches!(room, Room::Platform("identity") | Room::Xtask),
    },
    Guard {
        libraries: &["lettre"],
        rooms: "channels rooms",
        may: |room| matches!(room, Room::Adapter(_, "channels")),
    },
    Guard {
        libraries: &["hyper*", "http-body*"],
        rooms: "grpc and proxy rooms and platform/grpc",
        may: |room| matches!(room, Room::Adapter(_, "grpc" | "proxy") | Room::Platform("grpc")),
    },
    Guard {
        libraries: &["prometheus-client"],
        rooms: "platform and adapters",
        may: |room| matches!(room, Room::Platform(_) | Room::Adapter(..)),
    },
    Guard {
        libraries: &["slog-term"],
        rooms: "platform/telemetry",
        may: |room| matches!(room, Room::Platform("telemetry")),
    },
    Guard {
        libraries: &["rustix"],
        rooms: "platform/runtime and xtask",
        may: |room| matches!(room, Room::Platform("runtime") | Room::Xtask),
    },
    Guard {
        libraries: &["cargo_metadata", "clap", "signal-hook", "ureq"],
        rooms: "xtask",
        may: |room| matches!(room, Room::Xtask),
    },
];

pub(super) fn check(graph: &Graph, member: &Member) -> Vec<Finding> {
    let Some(room) = room(&member.path) else { return Vec::new() };
    let foreign = member.dependencies.iter().filter(|dependency| graph.member(&dependency.name).is_none());
    let broken = foreign.filter_map(|dependency| {
        let rule = refused(room, &dependency.name, dependency.dev)?;
        Some(Finding::new(format!("{} → {}", member.name, dependency.name), rule, ROOMS))
    });
    broken.collect()
}

/// The rule that keeps this library out of this room, if one does.
fn refused(room: Room<'_>, library: &str, dev: bool) -> Option<String> {
    match room {
        Room::Domain(_) => unlisted("a domain crate", &DOMAIN, &DOMAIN_TESTS, library, dev),
        Room::Application("gateway") if GATEWAY_APPLICATION.contains(&library) => None,
        Room::Application(_) => {
            unlisted("an application crate", &APPLICATION, &APPLICATION_TESTS, library, dev)
        }
        // Tests of whole processes come as clients do, with whatever clients use.
        Room::Bootstrap(_) | Room::System | Room::Platform("testkit") if dev => None,
        Room::Platform("testkit") => None,
        _ if dev && TEST_CLIENTS.contains(&library) => None,
        _ => guarded(room, library),
    }
}

fn unlisted(who: &str, usual: &[&str], in_tests: &[&str], library: &str, dev: bool) -> Option<String> {
    let listed = usual.contains(&library) || (dev && in_tests.contains(&library));
    let rule = || format!("{who} uses only {}{}", usual.join(", "), tests(in_tests));
    (!listed).then(rule)
}

fn tests(libraries: &[&str]) -> String {
    format!(", and in tests {}", libraries.join(", "))
}

fn guarded(room: Room<'_>, library: &str) -> Option<String> {
    let guard =
        GUARDS.iter().find(|guard| guard.libraries.iter().any(|pattern| matches(pattern, library)))?;
    (!(guard.may)(room)).then(|| format!("{library} may only be used in {}", guard.rooms))
}

fn matches(pattern: &str, library: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == library, |start| library.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::super::graph::fixture::{graph, member};
    use super::*;

    fn rule(path: &str, library: &str) -> Option<String> {
        refused(room(path).unwrap(), library, false)
    }

    #[test]
    fn libraries_are_welcome_in_their_rooms() {
        for (path, library) in [
            ("domain/product", "thiserror"),
            ("application/product", "shaku"),
            ("application/product", "tokio"),
            ("adapters/product/http", "actix-web"),
            ("adapters/product/http", "validator"),
            ("adapters/product/http", "serde"),
            ("adapters/platform/http", "utoipa-swagger-ui"),
            ("adapters/product/grpc", "tonic"),
            ("adapters/basket/clients", "prost-types"),
            ("proto", "tonic-prost-build"),
            ("adapters/product/sqlite", "diesel_migrations"),
            ("adapters/product/postgres", "diesel-async"),
            ("adapters/platform/sqlite", "deadpool-diesel"),
            ("adapters/basket/redis", "fred"),
            ("adapters/platform/kafka", "rskafka"),
            ("adapters/gateway/admin", "actix-web"),
            ("adapters/gateway/discovery", "hickory-resolver"),
            ("adapters/platform/kafka", "rustls"),
            ("adapters/platform/tls", "rustls"),
            ("adapters/platform/identity", "jsonwebtoken"),
            ("adapters/platform/identity", "reqwest"),
            ("adapters/platform/identity", "ring"),
            ("adapters/platform/postgres", "tokio-postgres-rustls"),
            ("adapters/platform/mariadb", "mysql_async"),
            ("adapters/payment/provider", "reqwest"),
            ("adapters/notification/channels", "lettre"),
            ("adapters/gateway/grpc", "hyper"),
            ("adapters/gateway/proxy", "hyper-util"),
            ("application/gateway", "http"),
            ("adapters/platform/telemetry", "slog-term"),
            ("bootstrap/product", "tonic"),
            ("bootstrap/product", "actix-web"),
            ("xtask", "ureq"),
            ("xtask", "ring"),
        ] {
            assert_eq!(rule(path, library), None, "{path} → {library}");
        }
    }

    #[test]
    fn libraries_are_refused_elsewhere() {
        for (path, library) in [
            ("domain/product", "serde"),
            ("domain/product", "shaku"),
            ("domain/product", "tokio"),
            ("domain/kernel", "serde_json"),
            ("application/product", "serde"),
            ("application/product", "diesel"),
            ("application/product", "actix-web"),
            ("application/product", "tonic"),
            ("application/product", "http"),
            ("adapters/product/grpc", "actix-web"),
            ("adapters/product/sqlite", "utoipa"),
            ("adapters/product/events", "validator"),
            ("adapters/product/http", "tonic"),
            ("adapters/product/sqlite", "prost"),
            ("adapters/product/grpc", "tonic-prost-build"),
            ("adapters/product/http", "diesel"),
            ("bootstrap/product", "diesel"),
            ("adapters/platform/messaging", "libsqlite3-sys"),
            ("adapters/product/sqlite", "fred"),
            ("adapters/gateway/proxy", "hickory-resolver"),
            ("adapters/gateway/state", "actix-web"),
            ("adapters/product/events", "rskafka"),
            ("adapters/platform/messaging", "rustls"),
            ("adapters/platform/http", "jsonwebtoken"),
            ("bootstrap/payment", "jsonwebtoken"),
            ("adapters/platform/grpc", "ring"),
            ("adapters/product/http", "tokio-postgres"),
            ("bootstrap/payment", "mysql_async"),
            ("proto", "shaku"),
            ("adapters/product/http", "reqwest"),
            ("bootstrap/notification", "lettre"),
            ("adapters/gateway/http", "hyper"),
            ("adapters/payment/provider", "hyper-util"),
            ("bootstrap/product", "prometheus-client"),
            ("bootstrap/product", "slog-term"),
            ("adapters/platform/http", "slog-term"),
            ("adapters/platform/http", "ureq"),
            ("bootstrap/product", "clap"),
        ] {
            assert!(rule(path, library).is_some(), "{path} → {library}");
        }
    }

    #[test]
    fn tests_may_use_a_little_more() {
        let in_tests = |path: &str, library: &str| refused(room(path).unwrap(), library, true);
        assert_eq!(in_tests("domain/product", "proptest"), None);
        assert_eq!(in_tests("bootstrap/product", "reqwest"), None);
        assert_eq!(in_tests("bootstrap/system", "tonic"), None);
        assert_eq!(in_tests("adapters/platform/http", "ureq"), None);
        assert!(in_tests("application/product", "ureq").is_some());
        assert!(in_tests("domain/product", "tokio").is_some());
        assert!(in_tests("application/product", "serde_json").is_some());
        assert!(in_tests("adapters/product/sqlite", "actix-web").is_some());
        assert!(refused(Room::Domain("product"), "proptest", false).is_some());
    }

    #[test]
    fn a_finding_names_edge_and_rooms() {
        let graph = graph(vec![member("product-http", "adapters/product/http", &["actix-web", "diesel"])]);
        let findings = check(&graph, &graph.members[0]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "product-http → diesel");
        assert!(findings[0].rule.contains("sqlite, postgres and mariadb rooms"));
        assert_eq!(findings[0].chapter, ROOMS);
    }
}
