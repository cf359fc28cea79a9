//! The crates, and which servers their tests need, by their path.

use crate::failure::Outcome;
use crate::servers::Kind;
use crate::workspace;
use cargo_metadata::{Package, TargetKind};

/// Tests of the server home in a binary crate are a target of this name, apart from those that need nothing.
pub(super) const SERVERS: &str = "servers";

/// Crates, by name and path.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) path: String,
    /// Whether there is a library in it.
    pub(super) library: bool,
    /// The files or folders below `tests`.
    pub(super) tests: Vec<String>,
}

impl Member {
    /// `product` for `domain/product` and `adapters/product/http`.
    pub(super) fn group(&self) -> &str {
        let mut parts = self.path.split('/');
        let first = parts.next().unwrap_or_default();
        parts.next().unwrap_or(first)
    }

    pub(super) fn starts_processes(&self) -> bool {
        self.path.starts_with("bootstrap/")
    }

    /// What all tests of the crate need: it is the adapter of a server.
    pub(super) fn needs(&self) -> &'static [Kind] {
        match self.path.split('/').collect::<Vec<_>>()[..] {
            ["adapters", _, "postgres"] => &[Kind::Postgres],
            ["adapters", _, "mariadb"] => &[Kind::MariaDb],
            ["adapters", _, "redis"] => &[Kind::Redis, Kind::RedisCluster],
            ["adapters", _, "kafka"] => &[Kind::Kafka],
            _ => &[],
        }
    }

    /// What its tests start for themselves, or look at more closely: programs of this machine, wherever the server is.
    pub(super) fn programs(&self) -> &'static [Kind] {
        match self.path.split('/').collect::<Vec<_>>()[..] {
            ["adapters", "platform" | "gateway", "redis"] => &[Kind::Redis],
            ["adapters", "platform", "kafka"] => &[Kind::Kafka],
            _ => &[],
        }
    }

    /// As [`programs`](Self::programs), for the tests of the server home: outages.
    pub(super) fn servers_programs(&self) -> &'static [Kind] {
        match self.servers_need() {
            [] => &[],
            _ if self.group() == "system" => &[Kind::Postgres, Kind::MariaDb, Kind::Redis, Kind::Kafka],
            _ => &[],
        }
    }

    /// The server whose certificate its tests check, so that they have to know who signed it.
    pub(super) fn verifies(&self) -> Option<Kind> {
        match &*self.path {
            "adapters/platform/postgres" => Some(Kind::Postgres),
            "adapters/platform/mariadb" => Some(Kind::MariaDb),
            _ => None,
        }
    }

    /// What the tests of the server home need, in a crate that has such.
    pub(super) fn servers_need(&self) -> &'static [Kind] {
        if !self.starts_processes() || !self.tests.iter().any(|test| test == SERVERS) {
            return &[];
        }
        match self.group() {
            "product" | "notification" => &[Kind::Postgres, Kind::Kafka],
            "basket" => &[Kind::Redis, Kind::RedisCluster, Kind::Kafka],
            "payment" => &[Kind::MariaDb, Kind::Kafka],
            "gateway" => &[Kind::Redis],
            _ => &Kind::ALL,
        }
    }
}

pub(super) fn members() -> Outcome<Vec<Member>> {
    let metadata = workspace::members()?;
    let member = |package: &Package| {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok());
        let tests = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Test));
        Member {
            name: package.name.to_string(),
            path: folder.map(ToString::to_string).unwrap_or_default(),
            library: package.targets.iter().any(|target| target.kind.contains(&TargetKind::Lib)),
            tests: tests.map(|target| target.name.clone()).collect(),
        }
    };
    Ok(metadata.packages.iter().map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, tests: &[&str]) -> Member {
        let tests = tests.iter().map(|test| (*test).to_owned()).collect();
        Member { name: path.replace('/', "-"), path: path.to_owned(), library: true, tests }
    }

    #[test]
    fn adapters_of_servers_need_them() {
        assert_eq!(member("adapters/product/postgres", &[]).needs(), [Kind::Postgres]);
        assert_eq!(member("adapters/platform/redis", &["x"]).needs(), [Kind::Redis, Kind::RedisCluster]);
        assert!(member("adapters/product/sqlite", &[]).needs().is_empty());
        assert!(member("db/platform/postgres", &[]).needs().is_empty());
    }

    #[test]
    fn a_service_needs_its_own_servers_only_for_the_tests_named_so() {
        assert!(member("bootstrap/payment", &["service"]).servers_need().is_empty());
        assert_eq!(
            member("bootstrap/payment", &["service", "servers"]).servers_need(),
            [Kind::MariaDb, Kind::Kafka]
        );
        assert_eq!(member("bootstrap/gateway", &["wired", "servers"]).servers_need(), [Kind::Redis]);
        assert_eq!(member("bootstrap/system", &["servers"]).servers_need(), Kind::ALL);
        assert!(member("adapters/product/http", &["servers"]).servers_need().is_empty());
    }

    #[test]
    fn tests_of_outages_and_certificates_need_programs_of_this_machine() {
        assert_eq!(member("adapters/platform/kafka", &[]).programs(), [Kind::Kafka]);
        assert_eq!(member("adapters/gateway/redis", &[]).programs(), [Kind::Redis]);
        assert!(member("adapters/basket/redis", &[]).programs().is_empty());
        assert!(member("bootstrap/system", &["servers"]).servers_programs().contains(&Kind::Kafka));
        assert!(member("bootstrap/payment", &["servers"]).servers_programs().is_empty());
        assert_eq!(member("adapters/platform/mariadb", &[]).verifies(), Some(Kind::MariaDb));
        assert_eq!(member("adapters/payment/mariadb", &[]).verifies(), None);
    }

    #[test]
    fn the_crates_of_this_workspace_are_read() {
        let members = members().unwrap();
        let system = members.iter().find(|member| member.path == "bootstrap/system").unwrap();
        assert!(system.tests.contains(&"system".to_owned()), "{:?}", system.tests);
    }
}
