//! The kinds of servers, and what each is called on the command line, in tests and by the packages of Debian.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of server. A new one is a line in each `match` here and a module beside this one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Postgres,
    #[value(name = "mariadb")]
    #[serde(rename = "mariadb")]
    MariaDb,
    Redis,
    RedisCluster,
    Kafka,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Postgres, Self::MariaDb, Self::Redis, Self::RedisCluster, Self::Kafka];

    /// As in `--only`, in file names and in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            Self::Kafka => "kafka",
        }
    }

    /// The variable by which tests are told where it is, and by which a person may say so.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "TEST_POSTGRES_URL",
            Self::MariaDb => "TEST_MARIADB_URL",
            Self::Redis => "TEST_REDIS_URL",
            Self::RedisCluster => "TEST_REDIS_CLUSTER",
            Self::Kafka => "TEST_KAFKA_BROKERS",
        }
    }

    /// What is looked for on this machine.
    pub(super) const fn needs(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL 15 or later (postgres, initdb, psql)",
            Self::MariaDb => "MariaDB 10.11 or later (mariadbd, mariadb-install-db, mariadb)",
            Self::Redis | Self::RedisCluster => "Redis 7 or Valkey (redis-server or valkey-server)",
            Self::Kafka => "Java 17 and Maven (or KAFKA_HOME with Apache Kafka 4)",
        }
    }

    /// What brings it on Debian and its relatives.
    pub(super) const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgresql"],
            Self::MariaDb => &["mariadb-server"],
            Self::Redis | Self::RedisCluster => &["redis-server"],
            Self::Kafka => &["default-jre-headless", "maven"],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn a_kind_has_one_name_everywhere() {
        for kind in Kind::ALL {
            let typed = kind.to_possible_value().unwrap();
            assert_eq!(typed.get_name(), kind.name());
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
