//! Which crates are tested, by which arguments of `cargo test`, and what has to be left out.
//!
//! Everything is one selection where it can be: cargo chooses the features of libraries by what is selected, and another
//! selection builds many of them again.

use super::members::{Member, SERVERS};
use super::supply::{Needs, Supply};
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
pub(super) fn needs(wish: &Wish<'_>, chosen: &[&Member]) -> Needs {
    if wish.fast {
        return Needs::default();
    }
    let all = |of: &dyn Fn(&Member) -> Vec<Kind>| chosen.iter().flat_map(|member| of(member)).collect();
    Needs {
        servers: all(&|member| [member.needs(), member.servers_need()].concat()),
        programs: all(&|member| [member.programs(), member.servers_programs()].concat()),
        verified: all(&|member| member.verifies().into_iter().collect()),
    }
}

/// The tests meet the services as processes, so these are built first.
pub(super) fn services(wish: &Wish<'_>, chosen: &[&Member]) -> bool {
    !wish.fast && chosen.iter().any(|member| member.path == "bootstrap/system")
}

/// The suites that cannot run with what is there, each with what it lacks.
pub(super) fn skipped(chosen: &[&Member], supply: &Supply) -> Vec<(String, Vec<Kind>)> {
    let suites = chosen.iter().flat_map(|member| {
        let crates = (member.name.clone(), supply.lacks(member));
        let target = (format!("{} (tests/{SERVERS})", member.name), supply.lacks_in_target(member));
        [crates, target]
    });
    suites.filter(|(_, lacks)| !lacks.is_empty()).collect()
}

/// Of the crates that [`apart`] does not take.
pub(super) fn selections(wish: &Wish<'_>, chosen: &[&Member], supply: &Supply) -> Selections {
    let (out, kept): (Vec<&Member>, Vec<&Member>) = chosen.iter().partition(|member| {
        if wish.fast {
            !member.needs().is_empty()
        } else {
            supply.takes_apart(member) || !supply.lacks(member).is_empty()
        }
    });
    let mut selections = if wish.fast {
        fast(&kept)
    } else {
        let whole = if wish.only.is_none() { everything_but(&out) } else { packages(&kept) };
        if kept.iter().any(|member| !supply.lacks_in_target(member).is_empty()) {
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

/// The crates that run on a server of ours, although the environment names one.
pub(super) fn apart(chosen: &[&Member], supply: &Supply) -> Selections {
    let ours = |member: &&Member| supply.takes_apart(member) && supply.lacks(member).is_empty();
    let selection = packages(&chosen.iter().copied().filter(ours).collect::<Vec<_>>());
    if selection.is_empty() { Vec::new() } else { vec![selection] }
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
        let members: [(&str, &str, &[&str]); 10] = [
            ("product-domain", "domain/product", &[]),
            ("product-http", "adapters/product/http", &[]),
            ("product-postgres", "adapters/product/postgres", &["store"]),
            ("product-service", "bootstrap/product", &["service"]),
            ("basket-domain", "domain/basket", &[]),
            ("basket-redis", "adapters/basket/redis", &[]),
            ("platform-postgres", "adapters/platform/postgres", &["tls"]),
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
        let supply = lacking(missing);
        Ok(selections(&wish, &chosen, &supply).iter().map(|selection| selection.join(" ")).collect())
    }

    fn lacking(missing: &[Kind]) -> Supply {
        let missing: BTreeSet<Kind> = missing.iter().copied().collect();
        Supply { no_programs: missing.clone(), missing, ..Supply::default() }
    }

    fn needed(fast: bool, only: Option<&str>) -> (bool, Vec<Kind>) {
        let (members, wish) = (some_members(), Wish { fast, only });
        let chosen = chosen(&wish, &members).unwrap();
        (services(&wish, &chosen), needs(&wish, &chosen).servers.into_iter().collect())
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
        let tests = "--lib --bins --test service --test store --test system --test tls";
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
        assert!(selections(&wish, &[&only_redis], &lacking(&[Kind::Redis])).is_empty());
    }

    #[test]
    fn what_is_skipped_has_a_name_and_a_reason() {
        let members = some_members();
        let all: Vec<&Member> = members.iter().collect();
        let expected = [
            ("product-postgres".to_owned(), vec![Kind::Postgres]),
            ("platform-postgres".to_owned(), vec![Kind::Postgres]),
            ("system-tests (tests/servers)".to_owned(), vec![Kind::Postgres, Kind::Kafka]),
        ];
        assert_eq!(skipped(&all, &lacking(&[Kind::Postgres, Kind::Kafka])), expected);
        assert!(skipped(&all, &Supply::default()).is_empty());
    }

    #[test]
    fn tests_of_certificates_run_on_ours_where_a_given_server_is_a_stranger() {
        let (members, wish) = (some_members(), Wish { fast: false, only: None });
        let all: Vec<&Member> = members.iter().filter(|member| member.path != "xtask").collect();
        let mut supply = Supply { strangers: BTreeSet::from([Kind::Postgres]), ..Supply::default() };
        let expected = "--workspace --exclude xtask --exclude platform-postgres";
        assert_eq!(selections(&wish, &all, &supply)[0].join(" "), expected);
        assert_eq!(apart(&all, &supply), [["-p", "platform-postgres"]]);
        assert!(skipped(&all, &supply).is_empty());
        supply.no_programs.insert(Kind::Postgres);
        assert!(apart(&all, &supply).is_empty());
        let skipped: Vec<String> = skipped(&all, &supply).into_iter().map(|(suite, _)| suite).collect();
        assert_eq!(skipped, ["platform-postgres", "system-tests (tests/servers)"], "product-postgres runs");
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        let failure = planned(false, Some("shipping"), &[]).unwrap_err().to_string();
        assert_eq!(
            failure,
            "nothing is called `shipping`; there are basket, platform, product, proto, system, xtask"
        );
    }
}
