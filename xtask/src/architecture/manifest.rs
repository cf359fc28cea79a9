//! What every manifest has: the name its path predicts, and the workspace's lints.

use super::graph::Member;
use super::room::room;
use super::{Finding, NAMES};

pub(super) fn check(member: &Member) -> Vec<Finding> {
    let mut findings = Vec::new();
    match room(&member.path) {
        None => findings.push(Finding::new(&member.path, "the house has no such room", NAMES)),
        Some(room) if room.crate_name() != member.name => {
            let rule = format!("the crate in {} is called {}", member.path, room.crate_name());
            findings.push(Finding::new(&member.name, rule, NAMES));
        }
        Some(_) => {}
    }
    if !member.inherits_lints {
        let rule = "its manifest says `[lints] workspace = true`";
        findings.push(Finding::new(&member.name, rule, NAMES));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::graph::fixture::member;
    use super::*;

    fn rules(member: &Member) -> Vec<String> {
        check(member).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_proper_manifest_passes() {
        assert_eq!(rules(&member("product-http", "adapters/product/http", &[])), [""; 0]);
    }

    #[test]
    fn an_unknown_room_is_found() {
        assert_eq!(rules(&member("common", "libs/common", &[])), ["the house has no such room"]);
    }

    #[test]
    fn a_wrong_name_is_found() {
        let found = rules(&member("http-product", "adapters/product/http", &[]));
        assert_eq!(found, ["the crate in adapters/product/http is called product-http"]);
    }

    #[test]
    fn missing_lints_are_found() {
        let lax = Member { inherits_lints: false, ..member("proto", "proto", &[]) };
        assert_eq!(rules(&lax), ["its manifest says `[lints] workspace = true`"]);
    }
}
