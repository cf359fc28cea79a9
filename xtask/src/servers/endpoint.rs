//! Servers of ours as the services are told of them.

use super::instance::Instance;
use super::kind::Kind;
use super::record::Record;
use super::{mariadb, postgres};
use crate::failure::{Failure, Outcome};
use crate::home::Endpoint;
use std::path::Path;

impl Instance {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `host:port` of each node, with commas between.
    pub(crate) fn addresses(&self, kind: Kind) -> Outcome<String> {
        self.expected(kind).map(|record| record.addresses())
    }

    /// A database for a service and a user for it, made where they are not there yet.
    pub(crate) fn endpoint(&self, kind: Kind, database: &str, user: &str) -> Outcome<Endpoint> {
        let record = self.expected(kind)?;
        match kind {
            Kind::Postgres => postgres::provide_database(&record, database, user, &record.password)?,
            Kind::MariaDb => mariadb::provide_database(&record, database, user, &record.password)?,
            Kind::Redis | Kind::RedisCluster | Kind::Kafka => {}
        }
        Ok(Endpoint {
            kind,
            host: "127.0.0.1".to_owned(),
            port: record.port(),
            user: user.to_owned(),
            password: record.password,
            database: database.to_owned(),
            tls: None,
        })
    }

    fn expected(&self, kind: Kind) -> Outcome<Record> {
        let none = || Failure::new(format!("`{}` has no {kind}", self.name));
        self.record(kind).ok_or_else(none)
    }
}
