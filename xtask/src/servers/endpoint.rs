//! Servers of ours as the services are told of them.

use super::instance::Instance;
use super::kind::Kind;
use super::record::Record;
use super::{mariadb, postgres};
use crate::failure::{Failure, Outcome};
use crate::home::Endpoint;
use std::path::Path;

/// How a kind makes a database and its owner: their names and the owner's password.
type Provide = fn(&Record, &str, &str, &str) -> Outcome;

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
        let _turn = self.lock(kind)?;
        let mut record = self.expected(kind)?;
        let provide = match kind {
            Kind::Postgres => Some(postgres::provide_database as Provide),
            Kind::MariaDb => Some(mariadb::provide_database as Provide),
            // A server of one service, which is all its own.
            Kind::Redis | Kind::RedisCluster | Kind::Kafka => None,
        };
        let password = match provide {
            Some(provide) => {
                let password = record.password_of(user)?;
                self.keep(&record)?;
                provide(&record, database, user, &password)?;
                password
            }
            None => record.password.clone(),
        };
        Ok(Endpoint {
            kind,
            host: "127.0.0.1".to_owned(),
            port: record.port(),
            user: user.to_owned(),
            password,
            database: database.to_owned(),
            others: Endpoint::untouched(kind),
        })
    }

    fn expected(&self, kind: Kind) -> Outcome<Record> {
        let none = || Failure::new(format!("`{}` has no {kind}", self.name));
        self.record(kind).ok_or_else(none)
    }
}
