//! Servers that the environment names, by the variables of the services.
//!
//! `DB_HOST` means another engine to payment than to the others, so each variable may have the service before it:
//! `PAYMENT_DB_HOST` wins over `DB_HOST`.

use crate::failure::{Context, Outcome};
use crate::servers::Kind;
use std::fmt;

/// Where a store is, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Its name, or number in Redis.
    pub(crate) database: String,
    /// What else says how it is reached ([`OF_DATABASES`], [`OF_REDIS`]). An empty one counts as not set, whatever it is
    /// in our own environment.
    pub(crate) others: Vec<(&'static str, String)>,
}

/// How `PostgreSQL` and `MariaDB` are reached, beside address and user.
const OF_DATABASES: [&str; 2] = ["DB_SSL_MODE", "DB_SSL_ROOT_CERT"];
const OF_REDIS: [&str; 5] =
    ["REDIS_USERNAME", "REDIS_TLS", "REDIS_CA_CERT", "REDIS_CLUSTER", "REDIS_KEY_PREFIX"];
pub(super) const TOPIC_PREFIX: &str = "KAFKA_TOPIC_PREFIX";
/// How Kafka is reached, beside its brokers.
const OF_KAFKA: [&str; 6] = [
    TOPIC_PREFIX,
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD",
    "KAFKA_CA_CERT",
];

/// Brokers of ours are reached in the plainest way, whatever the environment says of others.
pub(super) fn plain_kafka() -> Vec<(&'static str, String)> {
    unset(&OF_KAFKA)
}

/// How given brokers are reached, as far as that is said.
pub(super) fn kafka(environment: &dyn Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    OF_KAFKA.iter().filter_map(|name| Some((*name, environment(name)?))).collect()
}

fn unset(names: &[&'static str]) -> Vec<(&'static str, String)> {
    names.iter().map(|name| (*name, String::new())).collect()
}

const fn others(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Redis | Kind::RedisCluster => &OF_REDIS,
        _ => &OF_DATABASES,
    }
}

impl Endpoint {
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let (host, port, password) = (self.host.clone(), self.port.to_string(), self.password.clone());
        if self.kind == Kind::Redis {
            let main = [
                ("REDIS_HOST", host),
                ("REDIS_PORT", port),
                ("REDIS_PASSWORD", password),
                ("REDIS_DB", self.database.clone()),
            ];
            return main.into_iter().chain(self.others.clone()).collect();
        }
        let main = [
            ("DB_HOST", host),
            ("DB_PORT", port),
            ("DB_USER", self.user.clone()),
            ("DB_PASSWORD", password),
            ("DB_NAME", self.database.clone()),
        ];
        main.into_iter().chain(self.others.clone()).collect()
    }

    /// The `others` of a server of ours, which the environment does not speak of.
    pub(crate) fn untouched(kind: Kind) -> Vec<(&'static str, String)> {
        unset(others(kind))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, host, port, database, .. } = self;
        let separator = if database.is_empty() { "" } else { "/" };
        write!(f, "{kind} {host}:{port}{separator}{database}")
    }
}

/// None where no host is named. What is not said is as the services have it by default.
pub(super) fn store(
    service: &str,
    kind: Kind,
    database: &str,
    user: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Outcome<Option<Endpoint>> {
    let prefix = if kind == Kind::Redis { "REDIS" } else { "DB" };
    let of_service =
        |name: &str| environment(&format!("{}_{name}", service.to_uppercase())).or_else(|| environment(name));
    let read = |name: &str| of_service(&format!("{prefix}_{name}"));
    let Some(host) = read("HOST") else { return Ok(None) };
    let (port, user, password, database) = match kind {
        Kind::MariaDb => (3306, user, "password", database),
        Kind::Redis => (6379, "", "", ""),
        _ => (5432, "postgres", "password", database),
    };
    let number = |text: String| text.parse().context(|| format!("{prefix}_PORT of {service}, `{text}`"));
    Ok(Some(Endpoint {
        kind,
        host,
        port: read("PORT").map_or(Ok(port), number)?,
        user: read("USER").unwrap_or_else(|| user.to_owned()),
        password: read("PASSWORD").unwrap_or_else(|| password.to_owned()),
        database: read(if kind == Kind::Redis { "DB" } else { "NAME" })
            .unwrap_or_else(|| database.to_owned()),
        others: others(kind).iter().filter_map(|name| Some((*name, of_service(name)?))).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(service: &str, kind: Kind, pairs: &[(&str, &str)]) -> Outcome<Option<Endpoint>> {
        let find =
            |name: &str| pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        store(service, kind, &format!("{service}_service"), service, &find)
    }

    #[test]
    fn the_variable_of_a_service_wins() {
        let pairs = [("DB_HOST", "pg.test"), ("PAYMENT_DB_HOST", "maria.test"), ("PAYMENT_DB_PORT", "3307")];
        let product = given("product", Kind::Postgres, &pairs).unwrap().unwrap();
        assert_eq!(product.to_string(), "postgres pg.test:5432/product_service");
        let payment = given("payment", Kind::MariaDb, &pairs).unwrap().unwrap();
        assert_eq!(payment.to_string(), "mariadb maria.test:3307/payment_service");
        assert_eq!((payment.user.as_str(), payment.password.as_str()), ("payment", "password"));
    }

    #[test]
    fn without_a_host_nothing_is_given() {
        assert_eq!(
            given("basket", Kind::Redis, &[("DB_HOST", "pg.test"), ("REDIS_PORT", "1")]).unwrap(),
            None
        );
    }

    #[test]
    fn redis_has_variables_of_its_own() {
        let pairs = [("REDIS_HOST", "r.test"), ("REDIS_PASSWORD", "secret"), ("REDIS_DB", "2")];
        let basket = given("basket", Kind::Redis, &pairs).unwrap().unwrap();
        let expected = [
            ("REDIS_HOST", "r.test"),
            ("REDIS_PORT", "6379"),
            ("REDIS_PASSWORD", "secret"),
            ("REDIS_DB", "2"),
        ];
        assert_eq!(basket.variables(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn how_a_given_server_is_reached_is_passed_on_and_ours_are_reached_plainly() {
        let pairs = [("DB_HOST", "x"), ("DB_SSL_MODE", "require"), ("PAYMENT_DB_SSL_MODE", "verify_full")];
        let mode =
            |endpoint: &Endpoint| endpoint.variables().into_iter().find(|(name, _)| *name == "DB_SSL_MODE");
        let product = given("product", Kind::Postgres, &pairs).unwrap().unwrap();
        assert_eq!(mode(&product).unwrap().1, "require");
        let payment = given("payment", Kind::MariaDb, &pairs).unwrap().unwrap();
        assert_eq!(mode(&payment).unwrap().1, "verify_full");
        let ours = Endpoint { others: Endpoint::untouched(Kind::MariaDb), ..payment };
        assert_eq!(mode(&ours).unwrap().1, "");
        let redis = Endpoint::untouched(Kind::Redis);
        assert!(["REDIS_TLS", "REDIS_CLUSTER"].iter().all(|name| redis.contains(&(*name, String::new()))));
    }

    #[test]
    fn a_wrong_port_names_variable_and_value() {
        let failure = given("product", Kind::Postgres, &[("DB_HOST", "x"), ("DB_PORT", "five")]).unwrap_err();
        assert!(failure.to_string().contains("DB_PORT of product, `five`"), "{failure}");
    }
}
