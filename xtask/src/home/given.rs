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
    /// `DB_SSL_MODE`, passed on where it is set.
    pub(crate) tls: Option<String>,
}

impl Endpoint {
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let (host, port, password) = (self.host.clone(), self.port.to_string(), self.password.clone());
        if self.kind == Kind::Redis {
            let mut variables =
                vec![("REDIS_HOST", host), ("REDIS_PORT", port), ("REDIS_PASSWORD", password)];
            variables.extend((!self.database.is_empty()).then(|| ("REDIS_DB", self.database.clone())));
            return variables;
        }
        let mut variables = vec![
            ("DB_HOST", host),
            ("DB_PORT", port),
            ("DB_USER", self.user.clone()),
            ("DB_PASSWORD", password),
            ("DB_NAME", self.database.clone()),
        ];
        variables.extend(self.tls.clone().map(|mode| ("DB_SSL_MODE", mode)));
        variables
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
    let read = |name: &str| {
        let name = format!("{prefix}_{name}");
        environment(&format!("{}_{name}", service.to_uppercase())).or_else(|| environment(&name))
    };
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
        tls: read("SSL_MODE"),
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
    fn a_wrong_port_names_variable_and_value() {
        let failure = given("product", Kind::Postgres, &[("DB_HOST", "x"), ("DB_PORT", "five")]).unwrap_err();
        assert!(failure.to_string().contains("DB_PORT of product, `five`"), "{failure}");
    }
}
