//! Which crates are tested, by which arguments of `cargo test`, and what has to be left out.
//!
//! Everything is one selection where it can be: cargo chooses the features of libraries by what is selected, and another
//! selection builds many of them again.

use super::members::{Member, SERVERS};
use crate::build::SELECTION;
use crate::failure::{Failure, Outcome};
use crate::servers::Kind;
use std::collections::BTreeSet;

/// What a person asked for.
pub(super) struct Wish<'a> {
    pub(super) fast: bool,
    pub(super) only: Option<&'a str>,
}

/// The arguments of one `cargo test` each.
pub(super) type Selections = Vec<Vec<String>>;

/// The crates that are meant.
pub(super) fn chosen<'a>(wish: &Wish<'_>, members: &'a [Member]) -> Outcome<Vec<&'a Member>> {
    let chosen: Vec<&Member> = match wish.only {
        Some(group) => members.iter().filter(|member| member.group() == group).collect(),
        None => members.iter().filter(|member| member.path != "xtask").collect(),
    };
    if chosen.is_empty() { Err(unknown(wish.only.unwrap_or_default(), members)) } else { Ok(chosen) }
}

/// The servers that their tests need.
pub(super) fn servers(wish: &Wish<'_>, chosen: &[&Member]) -> BTreeSet<Kind> {
    if wish.fast {
        return BTreeSet::new();
    }
    chosen.iter().flat_map(|member| member.needs().iter().chain(member.servers_need())).copied().collect()
}

/// The tests meet the services as processes, so these are built first.
pub(super) fn services(wish: &Wish<'_>, chosen: &[&Member]) -> bool {
    !wish.fast && chosen.iter().any(|member| member.path == "bootstrap/system")
}

/// The suites that cannot run without these servers, each with what it lacks.
pub(super) fn skipped(chosen: &[&Member], missing: &[Kind]) -> Vec<(String, Vec<Kind>)> {
    let lacks =
        |needs: &[Kind]| needs.iter().copied().filter(|kind| missing.contains(kind)).collect::<Vec<_>>();
    let suites = chosen.iter().flat_map(|member| {
        let crates = (member.name.clone(), lacks(member.needs()));
        let target = (format!("{} (tests/{SERVERS})", member.name), lacks(member.servers_need()));
        [crates, target]
    });
    suites.filter(|(_, lacks)| !lacks.is_empty()).collect()
}

/// `missing` are the servers that there are none of.
pub(super) fn selections(wish: &Wish<'_>, chosen: &[&Member], missing: &[Kind]) -> Selections {
    let lost = |needs: &[Kind]| needs.iter().any(|kind| missing.contains(kind));
    let (out, kept): (Vec<&Member>, Vec<&Member>) = chosen
        .iter()
        .partition(|member| if wish.fast { !member.needs().is_empty() } else { lost(member.needs()) });
    let mut selections = if wish.fast {
        fast(&kept)
    } else {
        let whole = if wish.only.is_none() { everything_but(&out) } else { packages(&kept) };
        if kept.iter().any(|member| lost(member.servers_need())) {
            without_servers(&whole, &kept)
        } else {
            vec![whole]
        }
    };
    selections.retain(|selection| !selection.is_empty());
    if wish.only.is_none() {
        selections.push(vec!["-p".to_owned(), "xtask".to_owned()]);
    }
    selections
}

fn everything_but(out: &[&Member]) -> Vec<String> {
    let out = out.iter().flat_map(|member| ["--exclude", &member.name]);
    SELECTION.into_iter().chain(out).map(str::to_owned).collect()
}

/// Cargo leaves a target out only where all others are named; examples in documentation are a run of their own then.
fn without_servers(whole: &[String], kept: &[&Member]) -> Selections {
    let tests: BTreeSet<&String> =
        kept.iter().flat_map(|member| &member.tests).filter(|test| *test != SERVERS).collect();
    let tests = tests.into_iter().flat_map(|test| ["--test".to_owned(), test.clone()]);
    let with =
        |more: &[&str]| [whole, &more.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>()].concat();
    // Asked for libraries where there are none, cargo fails.
    if kept.iter().any(|member| member.library) {
        vec![with(&["--lib", "--bins"]).into_iter().chain(tests).collect(), with(&["--doc"])]
    } else {
        vec![with(&["--bins"]).into_iter().chain(tests).collect()]
    }
}

/// Of the binaries only what is inside them: their `tests/` start processes.
fn fast(chosen: &[&Member]) -> Selections {
    let (binaries, libraries): (Vec<&Member>, Vec<&Member>) =
        chosen.iter().partition(|member| member.starts_processes());
    let binaries: Vec<&Member> = binaries.into_iter().filter(|member| member.group() != "system").collect();
    let mut selections = Vec::new();
    if !libraries.is_empty() {
        selections.push(packages(&libraries));
    }
    if !binaries.is_empty() {
        selections.push([packages(&binaries), vec!["--lib".to_owned(), "--bins".to_owned()]].concat());
    }
    selections
}

fn packages(members: &[&Member]) -> Vec<String> {
    members.iter().flat_map(|member| ["-p".to_owned(), member.name.clone()]).collect()
}

fn unknown(group: &str, members: &[Member]) -> Failure {
    let mut groups: Vec<&str> = members.iter().map(Member::group).collect();
    groups.sort_unstable();
    groups.dedup();
    Failure::new(format!("nothing is called `{group}`; there are {}", groups.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_members() -> Vec<Member> {
        let members: [(&str, &str, &[&str]); 9] = [
            ("product-domain", "domain/product", &[]),
            ("product-http", "adapters/product/http", &[]),
            ("product-postgres", "adapters/product/postgres", &["store"]),
            ("product-service", "bootstrap/product", &["service"]),
            ("basket-domain", "domain/basket", &[]),
            ("basket-redis", "adapters/basket/redis", &[]),
            ("system-tests", "bootstrap/system", &["servers", "system"]),
            ("proto", "proto", &[]),
            ("xtask", "xtask", &["documents"]),
        ];
        let member = |(name, path, tests): (&str, &str, &[&str])| Member {
            name: name.to_owned(),
            path: path.to_owned(),
            library: name != "system-tests",
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        };
        members.map(member).into()
    }

    fn planned(fast: bool, only: Option<&str>, missing: &[Kind]) -> Outcome<Vec<String>> {
        let (members, wish) = (some_members(), Wish { fast, only });
        let chosen = chosen(&wish, &members)?;
        Ok(selections(&wish, &chosen, missing).iter().map(|selection| selection.join(" ")).collect())
    }

    fn needed(fast: bool, only: Option<&str>) -> (bool, Vec<Kind>) {
        let (members, wish) = (some_members(), Wish { fast, only });
        let chosen = chosen(&wish, &members).unwrap();
        (services(&wish, &chosen), servers(&wish, &chosen).into_iter().collect())
    }

    #[test]
    fn everything_is_one_build_and_this_crate() {
        assert_eq!(planned(false, None, &[]).unwrap(), ["--workspace --exclude xtask", "-p xtask"]);
        assert_eq!(needed(false, None), (true, Kind::ALL.to_vec()));
    }

    #[test]
    fn fast_leaves_processes_and_servers_out() {
        let libraries = "-p product-domain -p product-http -p basket-domain -p proto";
        let expected = [libraries, "-p product-service --lib --bins", "-p xtask"];
        assert_eq!(planned(true, None, &[]).unwrap(), expected);
        assert_eq!(needed(true, None), (false, Vec::new()));
    }

    #[test]
    fn one_context_is_its_crates_and_their_servers() {
        let product = "-p product-domain -p product-http -p product-postgres -p product-service";
        assert_eq!(planned(false, Some("product"), &[]).unwrap(), [product]);
        assert_eq!(needed(false, Some("product")), (false, vec![Kind::Postgres]));
        assert_eq!(planned(false, Some("system"), &[]).unwrap(), ["-p system-tests"]);
        assert_eq!(needed(false, Some("system")), (true, Kind::ALL.to_vec()));
        assert_eq!(planned(false, Some("xtask"), &[]).unwrap(), ["-p xtask"]);
        assert_eq!(needed(false, Some("xtask")), (false, Vec::new()));
    }

    #[test]
    fn crates_without_their_server_are_left_out_of_the_one_build() {
        let product = "-p product-domain -p product-http -p product-service";
        assert_eq!(planned(false, Some("product"), &[Kind::Postgres]).unwrap(), [product]);
        let all = "--workspace --exclude xtask --exclude basket-redis";
        let tests = "--lib --bins --test service --test store --test system";
        let expected = [format!("{all} {tests}"), format!("{all} --doc"), "-p xtask".to_owned()];
        assert_eq!(planned(false, None, &[Kind::Redis]).unwrap(), expected);
        let system = planned(false, Some("system"), &[Kind::Kafka]).unwrap();
        assert_eq!(system, ["-p system-tests --bins --test system"]);
    }

    #[test]
    fn nothing_is_left_where_the_only_crate_lacks_its_server() {
        let only_redis = Member {
            name: "basket-redis".to_owned(),
            path: "adapters/basket/redis".to_owned(),
            library: true,
            tests: Vec::new(),
        };
        let wish = Wish { fast: false, only: Some("basket") };
        assert!(selections(&wish, &[&only_redis], &[Kind::Redis]).is_empty());
    }

    #[test]
    fn what_is_skipped_has_a_name_and_a_reason() {
        let members = some_members();
        let all: Vec<&Member> = members.iter().collect();
        let expected = [
            ("product-postgres".to_owned(), vec![Kind::Postgres]),
            ("system-tests (tests/servers)".to_owned(), vec![Kind::Postgres, Kind::Kafka]),
        ];
        assert_eq!(skipped(&all, &[Kind::Postgres, Kind::Kafka]), expected);
        assert!(skipped(&all, &[]).is_empty());
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        let failure = planned(false, Some("shipping"), &[]).unwrap_err().to_string();
        assert_eq!(failure, "nothing is called `shipping`; there are basket, product, proto, system, xtask");
    }
}
