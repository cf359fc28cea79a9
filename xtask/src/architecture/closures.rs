//! What a crate is built from in the end: direct edges may be legal and still carry something in.

use super::graph::{Graph, Member};
use super::room::{Room, room};
use super::{EDGES, Finding, ROOMS};

/// I/O, runtimes and wiring, none of which a decision needs.
const NOT_UNDER_DOMAIN: [&str; 9] =
    ["actix-web", "diesel", "hyper", "mio", "reqwest", "serde", "shaku", "tokio", "tonic"];

pub(super) fn check(graph: &Graph, member: &Member) -> Vec<Finding> {
    match room(&member.path) {
        Some(Room::Domain(_)) => pure(graph, member),
        Some(Room::Bootstrap(context)) => own_context(graph, member, context),
        _ => Vec::new(),
    }
}

fn pure(graph: &Graph, member: &Member) -> Vec<Finding> {
    let closure = graph.closure(&member.name);
    let found = NOT_UNDER_DOMAIN.iter().filter(|library| closure.contains(*library));
    let finding = |library: &&str| {
        let rule = format!("nothing under a domain crate is built from {library}");
        Finding::new(format!("{} ⇒ {library}", member.name), rule, ROOMS)
    };
    found.map(finding).collect()
}

fn own_context(graph: &Graph, member: &Member, context: &str) -> Vec<Finding> {
    let closure = graph.closure(&member.name);
    let ours = graph.members.iter().filter(|other| closure.contains(other.name.as_str()));
    let foreign = ours.filter_map(|other| {
        let found = room(&other.path)?;
        let stranger = found.context().filter(|found| *found != context)?;
        let rule = format!("the binary of {context} holds nothing of {stranger}");
        Some(Finding::new(format!("{} ⇒ {}", member.name, other.name), rule, EDGES))
    });
    foreign.collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::fixture::{graph, member};
    use super::*;

    #[test]
    fn io_under_a_domain_is_found_however_deep() {
        let mut graph = graph(vec![
            member("product-domain", "domain/product", &["kernel-domain"]),
            member("kernel-domain", "domain/kernel", &["helper"]),
        ]);
        graph.built_from.insert("helper".to_owned(), ["tokio@1.0.0".to_owned()].into());
        let findings = check(&graph, &graph.members[0]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "product-domain ⇒ tokio");
    }

    #[test]
    fn each_library_out_of_bounds_is_found() {
        for library in NOT_UNDER_DOMAIN {
            let graph = graph(vec![member("product-domain", "domain/product", &[library])]);
            assert_eq!(check(&graph, &graph.members[0]).len(), 1, "{library}");
        }
    }

    #[test]
    fn what_only_tests_use_does_not_count() {
        let graph = graph(vec![member("product-domain", "domain/product", &["dev:tokio"])]);
        assert_eq!(check(&graph, &graph.members[0]), []);
    }

    #[test]
    fn another_context_under_a_binary_is_found_however_deep() {
        let graph = graph(vec![
            member("product-service", "bootstrap/product", &["product-http", "kernel-domain"]),
            member("product-http", "adapters/product/http", &["basket-application"]),
            member("basket-application", "application/basket", &["basket-domain"]),
            member("basket-domain", "domain/basket", &[]),
            member("kernel-domain", "domain/kernel", &[]),
        ]);
        let findings = check(&graph, &graph.members[0]);
        let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(subjects, ["product-service ⇒ basket-application", "product-service ⇒ basket-domain"]);
    }
}
