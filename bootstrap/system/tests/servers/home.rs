//! The server home: what one shop has to itself on servers that all tests share.

use std::{collections::BTreeMap, path::Path, time::Duration};

use mysql_async::prelude::Queryable;
use platform_testkit::servers;
use rskafka::{
    client::{
        ClientBuilder,
        partition::{Compression, UnknownTopicHandling},
    },
    record::Record,
};
use tokio_postgres::NoTls;

use crate::own::OwnServers;

/// The declaration of all topics, which a deployment provisions from as well.
const TOPICS: &str = include_str!("../../../../ops/kafka/topics.toml");

/// Where a shop of this test program keeps its data.
pub(crate) struct Home(Place);

/// What is made for one shop.
#[derive(Clone)]
struct Place {
    /// Set apart: databases, keys and topics have names that begin with it.
    prefix: String,
    postgres: Address,
    mariadb: Address,
    redis: Address,
    /// Whether that is a node of a cluster.
    cluster: bool,
    brokers: String,
}

/// What a stranger may write to.
pub(crate) struct Topics {
    prefix: String,
    brokers: String,
}

/// A server, and who may do everything there.
#[derive(Clone)]
struct Address {
    url: String,
    host: String,
    port: u16,
    user: String,
    password: String,
}

impl Home {
    /// A home of its own on the servers that `cargo xtask test` or `cargo xtask servers up` has started.
    pub(crate) async fn new() -> Self {
        let shared = |name| servers::read(name).unwrap_or_else(|missing| panic!("{missing}"));
        Self::made(Place::on(shared)).await
    }

    /// The same on servers that the test has to itself.
    pub(crate) async fn on(own: &OwnServers) -> Self {
        Self::made(Place::on(|name| own.variable(name))).await
    }

    /// The same with baskets on the cluster.
    pub(crate) async fn with_cluster() -> Self {
        let shared = |name| servers::read(name).unwrap_or_else(|missing| panic!("{missing}"));
        let cluster = Address::parse(format!("redis://{}", shared("TEST_REDIS_CLUSTER")));
        Self::made(Place { redis: cluster, cluster: true, ..Place::on(shared) }).await
    }

    /// The topics of this home, for what is no event.
    pub(crate) fn topics(&self) -> Topics {
        Topics { prefix: self.0.prefix.clone(), brokers: self.0.brokers.clone() }
    }

    async fn made(place: Place) -> Self {
        place.create().await;
        Self(place)
    }

    /// The variables that say so to a service.
    pub(crate) fn environment(&self, service: &str, folder: &Path) -> Vec<(String, String)> {
        self.0.environment(service, folder)
    }
}

impl Place {
    /// `variable` says what is at a name such as `TEST_POSTGRES_URL`.
    fn on(variable: impl Fn(&'static str) -> String) -> Self {
        Self {
            prefix: format!("t{}", uuid::Uuid::new_v4().simple()),
            postgres: Address::parse(variable("TEST_POSTGRES_URL")),
            mariadb: Address::parse(variable("TEST_MARIADB_URL")),
            redis: Address::parse(variable("TEST_REDIS_URL")),
            cluster: false,
            brokers: variable("TEST_KAFKA_BROKERS"),
        }
    }

    /// The sandbox keeps its ledger in a file, here as there.
    fn environment(&self, service: &str, folder: &Path) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("KAFKA_BROKERS", self.brokers.clone()),
            ("KAFKA_TOPIC_PREFIX", format!("{}-", self.prefix)),
            ("DATA_DIR", folder.display().to_string()),
        ];
        match service {
            "product-service" | "notification-service" => {
                pairs.extend(self.postgres.variables(self.database(service)));
            }
            "payment-service" => pairs.extend(self.mariadb.variables(self.database(service))),
            "basket-service" => pairs.extend([
                ("REDIS_HOST", self.redis.host.clone()),
                ("REDIS_PORT", self.redis.port.to_string()),
                ("REDIS_PASSWORD", self.redis.password.clone()),
                ("REDIS_CLUSTER", self.cluster.to_string()),
                ("REDIS_KEY_PREFIX", self.prefix.clone()),
            ]),
            _ => {}
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn database(&self, service: &str) -> String {
        format!("{}_{}", self.prefix, service.trim_end_matches("-service"))
    }

    async fn create(&self) {
        self.in_postgres("CREATE DATABASE").await;
        self.in_mariadb("CREATE DATABASE").await;
        let brokers = self.brokers.split(',').map(str::to_owned).collect();
        let controller = ClientBuilder::new(brokers).build().await.unwrap().controller_client().unwrap();
        for (topic, partitions) in topics() {
            let name = format!("{}-{topic}", self.prefix);
            controller.create_topic(name, partitions, 1, 10_000).await.unwrap();
        }
    }

    async fn in_postgres(&self, statement: &str) {
        let (client, connection) = tokio_postgres::connect(&self.postgres.url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        for service in ["product-service", "notification-service"] {
            client.batch_execute(&format!("{statement} {}", self.database(service))).await.unwrap();
        }
        drop(client);
        connection.await.unwrap().unwrap();
    }

    async fn in_mariadb(&self, statement: &str) {
        let mut connection = mysql_async::Conn::from_url(&self.mariadb.url).await.unwrap();
        connection.query_drop(format!("{statement} {}", self.database("payment-service"))).await.unwrap();
        connection.disconnect().await.unwrap();
    }
}

impl Topics {
    /// Writes a record that no service has written, into any partition.
    pub(crate) async fn append(&self, topic: &str, key: &str, value: &[u8]) {
        let brokers = self.brokers.split(',').map(str::to_owned).collect();
        let client = ClientBuilder::new(brokers).build().await.unwrap();
        let name = format!("{}-{topic}", self.prefix);
        let partition = client.partition_client(name, 0, UnknownTopicHandling::Error).await.unwrap();
        let record = Record {
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.to_vec()),
            headers: BTreeMap::new(),
            timestamp: chrono::Utc::now(),
        };
        partition.produce(vec![record], Compression::NoCompression).await.unwrap();
    }
}

impl Drop for Home {
    /// The services of the shop are gone by now. Topics stay: they are small, and brokers of tests do not live long.
    fn drop(&mut self) {
        let place = self.0.clone();
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(tokio::time::timeout(Duration::from_secs(10), async {
                place.in_postgres("DROP DATABASE").await;
                place.in_mariadb("DROP DATABASE").await;
            }))?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        // A failure here must not hide the one that the test has found.
        drop(std::thread::spawn(clean).join());
    }
}

impl Address {
    fn parse(url: String) -> Self {
        let parsed = reqwest::Url::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        Self {
            host: parsed.host_str().unwrap_or_default().to_owned(),
            port: parsed.port().unwrap_or_else(|| panic!("{url} has no port")),
            user: parsed.username().to_owned(),
            password: parsed.password().unwrap_or_default().to_owned(),
            url,
        }
    }

    fn variables(&self, database: String) -> [(&'static str, String); 5] {
        [
            ("DB_HOST", self.host.clone()),
            ("DB_PORT", self.port.to_string()),
            ("DB_USER", self.user.clone()),
            ("DB_PASSWORD", self.password.clone()),
            ("DB_NAME", database),
        ]
    }
}

/// Names and numbers of partitions.
fn topics() -> Vec<(String, i32)> {
    #[derive(serde::Deserialize)]
    struct Declared {
        topics: Vec<Topic>,
    }
    #[derive(serde::Deserialize)]
    struct Topic {
        name: String,
        partitions: i32,
    }

    let declared: Declared = toml::from_str(TOPICS).unwrap();
    declared.topics.into_iter().map(|topic| (topic.name, topic.partitions)).collect()
}
