//! Whether a kind of server can be had: programs of this machine first, packages of Debian next.

use super::kind::Kind;
use super::record::Record;
use super::site::Site;
use super::{install, kafka, mariadb, postgres, redis};
use crate::failure::{Failure, Outcome};

/// How far a kind is from being started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// The programs are there, in this version.
    Here(String),
    /// `apt-get` can bring it, and we may ask it to.
    Installable,
    /// What is missing, and the command that would help.
    Missing(String),
}

pub(crate) fn availability(kind: Kind) -> Availability {
    let version = match kind {
        Kind::Postgres => postgres::find().map(|found| found.version),
        Kind::MariaDb => mariadb::find().map(|found| found.version),
        Kind::Redis | Kind::RedisCluster => redis::find().map(|found| found.version),
        Kind::Kafka => kafka::find().map(|found| found.version),
    };
    match version {
        Some(version) => Availability::Here(version),
        None if install::possible() => Availability::Installable,
        None => Availability::Missing(missing(kind)),
    }
}

/// Installs where that is needed and possible.
pub(super) fn provide(kind: Kind) -> Outcome<Availability> {
    let found = availability(kind);
    if found != Availability::Installable {
        return Ok(found);
    }
    install::packages(kind.packages())?;
    match availability(kind) {
        // The packages are there and are not enough: an older release of Debian.
        Availability::Installable => Ok(Availability::Missing(format!(
            "needs {}, and the packages of this system ({}) are older",
            kind.needs(),
            kind.packages().join(" ")
        ))),
        found => Ok(found),
    }
}

/// Sets a server up in its folder; nothing runs yet.
pub(super) fn prepare(kind: Kind, site: &Site) -> Outcome<Record> {
    let gone = || Failure::new(missing(kind));
    match kind {
        Kind::Postgres => postgres::prepare(site, postgres::find().ok_or_else(gone)?),
        Kind::MariaDb => mariadb::prepare(site, mariadb::find().ok_or_else(gone)?),
        Kind::Redis => redis::prepare(site, redis::find().ok_or_else(gone)?),
        Kind::RedisCluster => redis::prepare_cluster(site, redis::find().ok_or_else(gone)?),
        Kind::Kafka => kafka::prepare(site, kafka::find().ok_or_else(gone)?),
    }
}

fn missing(kind: Kind) -> String {
    format!("{}, or set {}", needed(kind), kind.variable())
}

/// What one of ours needs on this machine.
pub(crate) fn needed(kind: Kind) -> String {
    format!("needs {}: `apt-get install {}`", kind.needs(), kind.packages().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_names_programs_packages_and_the_variable() {
        let text = missing(Kind::MariaDb);
        for part in ["mariadbd", "apt-get install mariadb-server", "TEST_MARIADB_URL"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
