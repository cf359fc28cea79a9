//! Where the services of a run keep their state and their events: embedded, or on servers.
//!
//! Servers that the environment names win ([`given`]); private ones are provisioned for the rest.

mod given;

use crate::catalogue::Address;
use crate::failure::{Failure, Outcome};
use crate::paint::say;
use crate::servers::{self, Instance, Kind, Order, Process};
pub(crate) use given::Endpoint;
use std::collections::BTreeSet;
use std::path::Path;

/// A service, the kind of server that its store is, its database and the user of it.
const STORES: [(&str, Kind, &str, &str); 4] = [
    ("product", Kind::Postgres, "product_service", "product"),
    ("basket", Kind::Redis, "", ""),
    ("payment", Kind::MariaDb, "payment_service", "payment"),
    ("notification", Kind::Postgres, "notification_service", "notification"),
];

pub(crate) enum Home {
    /// `SQLite` files and a `SQLite` event log in the data folder.
    Embedded,
    Servers(Servers),
}

/// The servers of a run. Private ones end when it is dropped; their data stay.
pub(crate) struct Servers {
    instance: Option<Instance>,
    brokers: String,
    /// How the brokers are reached.
    kafka: Vec<(&'static str, String)>,
    stores: Vec<(&'static str, Endpoint)>,
}

impl Home {
    /// Whether that service keeps anything on servers; the provider sandbox has its own ledger, the gateway nothing.
    fn servers_of(&self, service: &str) -> Option<(&Servers, &Endpoint)> {
        let Self::Servers(servers) = self else { return None };
        let endpoint = servers.stores.iter().find(|(name, _)| *name == service);
        endpoint.map(|(_, endpoint)| (servers, endpoint))
    }

    /// The variables that say where a service keeps its state and its events.
    pub(crate) fn variables(&self, service: &str, data: &Path) -> Vec<(&'static str, String)> {
        let Some((servers, endpoint)) = self.servers_of(service) else {
            let embedded = "embedded".to_owned();
            return vec![
                ("DATA_DIR", data.display().to_string()),
                ("EVENTS", embedded.clone()),
                ("STORAGE", embedded),
            ];
        };
        let mut variables = vec![
            ("EVENTS", "kafka".to_owned()),
            ("KAFKA_BROKERS", servers.brokers.clone()),
            ("STORAGE", "server".to_owned()),
        ];
        variables.extend(servers.kafka.iter().cloned().chain(endpoint.variables()));
        variables
    }

    /// For the banner: what is where.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self::Servers(servers) = self else { return Vec::new() };
        let stores = servers.stores.iter().map(|(service, endpoint)| format!("{service}: {endpoint}"));
        let mut lines: Vec<String> = stores.chain([format!("events: kafka {}", servers.brokers)]).collect();
        if let Some(instance) = &servers.instance {
            lines.push(format!("enter them with: cargo xtask servers psql --name {}", instance.handle()));
        }
        lines
    }
}

impl Servers {
    /// Finds or starts what these services need, and makes databases, users and topics on servers of ours.
    pub(crate) fn provide(chosen: &[Address], data: &Path) -> Outcome<Self> {
        let named = |name: &&str| chosen.iter().any(|address| address.service.name == *name);
        let stores: Vec<_> = STORES.iter().filter(|(service, ..)| named(service)).collect();
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let given: Vec<_> = stores
            .iter()
            .map(|(service, kind, database, user)| given::store(service, *kind, database, user, &environment))
            .collect::<Outcome<_>>()?;
        let brokers = environment("KAFKA_BROKERS");
        let missing =
            stores.iter().zip(&given).filter(|(_, given)| given.is_none()).map(|(store, _)| store.1);
        let events = (brokers.is_none() && !stores.is_empty()).then_some(Kind::Kafka);
        let wanted: BTreeSet<Kind> = missing.chain(events).collect();
        let kafka = if brokers.is_some() { given::kafka(&environment) } else { given::plain_kafka() };
        let brokers = brokers.unwrap_or_default();
        let mut servers = Self { instance: None, brokers, kafka, stores: Vec::new() };
        if !wanted.is_empty() {
            servers.instance = Some(start(wanted, data)?);
        }
        if let (Some(instance), Some(_)) = (&servers.instance, events) {
            servers.brokers = instance.addresses(Kind::Kafka)?;
            servers::provide_topics(instance, "")?;
        } else if !stores.is_empty() {
            say!(
                "  topics on brokers of others have to be there; this makes them: {}",
                servers.topics_command()
            );
        }
        for (store, given) in stores.into_iter().zip(given) {
            let endpoint = given.map_or_else(|| own(servers.instance.as_ref(), store), Ok)?;
            servers.stores.push((store.0, endpoint));
        }
        Ok(servers)
    }

    /// What makes the topics on these brokers.
    fn topics_command(&self) -> String {
        let prefix = self.kafka.iter().find(|(name, _)| *name == given::TOPIC_PREFIX);
        let prefix = prefix.filter(|(_, prefix)| !prefix.is_empty());
        let prefix = prefix.map(|(_, prefix)| format!(" --prefix {prefix}")).unwrap_or_default();
        format!("cargo xtask servers topics --brokers {}{prefix}", self.brokers)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let Some(instance) = &self.instance else { return };
        match instance.down() {
            Ok(()) => say!("servers stopped; their data are kept until --reset"),
            Err(failure) => say!("{failure}"),
        }
    }
}

/// The servers of that data folder, as its last run left them.
fn start(wanted: BTreeSet<Kind>, data: &Path) -> Outcome<Instance> {
    let instance = Instance::at(&data.join("servers"));
    instance.end_if_abandoned();
    let owner = Some(Process::this()?);
    let kinds = wanted.into_iter().collect();
    let order = Order { kinds, brokers: 1, durable: true, owner, env_file: None };
    let missing = servers::up(&instance, &order)?;
    if missing.is_empty() {
        return Ok(instance);
    }
    drop(instance.down());
    let lines = missing.iter().map(|(kind, why)| format!("{kind} {why}"));
    let lines = lines.collect::<Vec<_>>().join("\n       ");
    Err(Failure::new(format!("{lines}\n       or run without --servers, which needs none of them")))
}

fn own(instance: Option<&Instance>, store: &(&str, Kind, &str, &str)) -> Outcome<Endpoint> {
    let (service, kind, database, user) = *store;
    let none = || Failure::new(format!("nothing was started for {service}"));
    instance.ok_or_else(none)?.endpoint(kind, database, user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_servers() -> Home {
        on_servers_with(given::plain_kafka())
    }

    fn on_servers_with(kafka: Vec<(&'static str, String)>) -> Home {
        let endpoint = |kind, database: &str| Endpoint {
            kind,
            host: "127.0.0.1".to_owned(),
            port: 21_000,
            user: "u".to_owned(),
            password: "p".to_owned(),
            database: database.to_owned(),
            others: Endpoint::untouched(kind),
        };
        let stores = vec![
            ("product", endpoint(Kind::Postgres, "product_service")),
            ("basket", endpoint(Kind::Redis, "")),
        ];
        let brokers = "127.0.0.1:9092".to_owned();
        Home::Servers(Servers { instance: None, brokers, kafka, stores })
    }

    fn variable(home: &Home, service: &str, name: &str) -> Option<String> {
        let variables = home.variables(service, Path::new("/data"));
        variables.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    #[test]
    fn a_service_with_a_store_is_told_of_servers() {
        let home = on_servers();
        let product = |name| variable(&home, "product", name);
        assert_eq!(product("STORAGE").as_deref(), Some("server"));
        assert_eq!(product("EVENTS").as_deref(), Some("kafka"));
        assert_eq!(product("KAFKA_BROKERS").as_deref(), Some("127.0.0.1:9092"));
        assert_eq!(product("DB_NAME").as_deref(), Some("product_service"));
        assert_eq!(product("DB_PORT").as_deref(), Some("21000"));
        assert_eq!(product("DATA_DIR"), None);
        assert_eq!(variable(&home, "basket", "REDIS_PORT").as_deref(), Some("21000"));
        assert_eq!(variable(&home, "basket", "DB_HOST"), None);
    }

    #[test]
    fn how_brokers_of_ours_are_reached_is_not_left_to_the_environment() {
        let (prefix, home) = ("KAFKA_TOPIC_PREFIX", on_servers());
        assert_eq!(variable(&home, "product", prefix).as_deref(), Some(""));
        assert_eq!(variable(&home, "basket", "REDIS_CLUSTER").as_deref(), Some(""));
        let given = given::kafka(&|name| (name == prefix).then(|| "blue.".to_owned()));
        let home = on_servers_with(given);
        assert_eq!(variable(&home, "product", prefix).as_deref(), Some("blue."));
        let Home::Servers(servers) = home else { unreachable!("made above") };
        assert_eq!(
            servers.topics_command(),
            "cargo xtask servers topics --brokers 127.0.0.1:9092 --prefix blue."
        );
    }

    #[test]
    fn the_ledger_of_the_provider_stays_embedded() {
        let home = on_servers();
        assert_eq!(variable(&home, "provider", "STORAGE").as_deref(), Some("embedded"));
        assert_eq!(variable(&home, "provider", "DATA_DIR").as_deref(), Some("/data"));
    }

    #[test]
    fn the_embedded_home_is_a_folder() {
        assert_eq!(variable(&Home::Embedded, "product", "DATA_DIR").as_deref(), Some("/data"));
        assert_eq!(variable(&Home::Embedded, "product", "EVENTS").as_deref(), Some("embedded"));
        assert!(Home::Embedded.lines().is_empty());
    }

    #[test]
    fn the_banner_says_where_everything_is() {
        let lines = on_servers().lines();
        assert_eq!(lines[0], "product: postgres 127.0.0.1:21000/product_service");
        assert_eq!(lines[1], "basket: redis 127.0.0.1:21000");
        assert_eq!(lines[2], "events: kafka 127.0.0.1:9092");
    }
}
