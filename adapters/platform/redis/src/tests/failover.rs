//! A cluster of a test's own: a slot moves to another node, a master dies and its replica takes over.

use fred::{interfaces::ClusterInterface, util::redis_keyslot};
use kernel_application::{HealthCheck, StoreError, messaging::Position};
use platform_testkit::{PATIENCE, eventually, free_port};

use super::{apply, counted, delivery, server::Server, take};
use crate::{Bucket, Redis, RedisHealth, testing};

/// The first and the last slot of each master.
const SLOTS: [[u16; 2]; 3] = [[0, 5460], [5461, 10922], [10923, 16383]];

/// Three masters, and a replica of the first.
struct Cluster {
    masters: [Server; 3],
    replica: Server,
}

impl Cluster {
    async fn start() -> Self {
        let cluster = Self { masters: [node(), node(), node()], replica: node() };
        for node in cluster.nodes() {
            node.is_there().await;
        }
        for (master, [first, last]) in cluster.masters.iter().zip(SLOTS) {
            assert_eq!(
                master.cli(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]),
                "OK"
            );
        }
        cluster.meet().await;
        let first = id(&cluster.masters[0]);
        succeeds(&cluster.replica, &["CLUSTER", "REPLICATE", &first]).await;
        says(&cluster.replica, &["INFO", "replication"], "master_link_status:up").await;
        cluster
    }

    fn nodes(&self) -> impl Iterator<Item = &Server> {
        self.masters.iter().chain([&self.replica])
    }

    /// Makes all nodes known to each other.
    async fn meet(&self) {
        let first = self.masters[0].port.to_string();
        let bus = self.masters[0].cli(&["CONFIG", "GET", "cluster-port"]);
        let bus = bus.lines().last().unwrap();
        for (node, epoch) in self.nodes().zip(1..) {
            assert_eq!(node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]), "OK");
        }
        for node in self.nodes().skip(1) {
            assert_eq!(node.cli(&["CLUSTER", "MEET", "127.0.0.1", &first, bus]), "OK");
        }
        for node in self.nodes() {
            says(node, &["CLUSTER", "INFO"], "cluster_known_nodes:4").await;
            says(node, &["CLUSTER", "INFO"], "cluster_state:ok").await;
        }
    }

    /// Moves a slot, with what is in it, to another master.
    fn migrate(&self, slot: u16, [from, to]: [usize; 2]) {
        let ([source, target], slot) = ([&self.masters[from], &self.masters[to]], slot.to_string());
        target.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(source)]);
        source.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(target)]);
        let keys = source.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
        let port = target.port.to_string();
        let command = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        assert_eq!(source.cli(&command.into_iter().chain(keys.lines()).collect::<Vec<_>>()), "OK");
        for node in [target, source] {
            assert_eq!(node.cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(target)]), "OK");
        }
    }
}

fn node() -> Server {
    let bus = free_port().unwrap().to_string();
    Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", &bus])
}

fn id(node: &Server) -> String {
    node.cli(&["CLUSTER", "MYID"])
}

async fn says(node: &Server, command: &[&str], words: &str) {
    eventually(PATIENCE, || async { node.cli(command).contains(words).then_some(()) }).await.unwrap();
}

async fn succeeds(node: &Server, command: &[&str]) {
    says(node, command, "OK").await;
}

/// The master a bucket is on.
fn home(redis: &Redis, bucket: Bucket) -> usize {
    SLOTS.iter().rposition(|[first, _]| *first <= slot(redis, bucket)).unwrap()
}

fn slot(redis: &Redis, bucket: Bucket) -> u16 {
    redis_keyslot(redis.key(bucket, "cursor").as_bytes())
}

/// Applies event number `n`, at offset `n`, as soon as that is possible; a try that failed may have been the one.
async fn apply_eventually(redis: &Redis, position: Position, n: u32, bucket: Bucket) {
    let next = delivery(position.epoch, n);
    let attempt = || async {
        match apply(redis, &next, bucket).await {
            Ok(_) | Err(StoreError::AlreadyApplied) => Some(()),
            Err(StoreError::Unavailable { .. }) => None,
            Err(error) => panic!("{error:?}"),
        }
    };
    eventually(PATIENCE, attempt).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_slots_and_promoted_replicas_are_found() {
    let mut cluster = Cluster::start().await;
    let port = cluster.masters[1].port.to_string();
    let redis = testing::prepare(&[
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", &port),
        ("REDIS_CLUSTER", "true"),
        ("REDIS_COMMAND_TIMEOUT", "1s"),
    ])
    .unwrap();
    let health = RedisHealth::new("basket-store", redis.clone());
    eventually(PATIENCE, || async { health.check().await.ok() }).await.unwrap();
    let on = |master| Bucket::all().find(|bucket| home(&redis, *bucket) == master).unwrap();
    let [first, second] = [on(0), on(1)];
    let position = take(&redis).await;
    apply(&redis, &delivery(position.epoch, 0), first).await.unwrap();
    apply(&redis, &delivery(position.epoch, 1), second).await.unwrap();

    cluster.migrate(slot(&redis, second), [1, 2]);
    apply_eventually(&redis, position, 2, second).await;
    assert_eq!(counted(&redis, second).await, 2);

    // The master goes once its replica has everything, so that nothing is lost that could be counted.
    assert_eq!(cluster.masters[0].cli(&["WAIT", "1", "10000"]), "1");
    cluster.masters[0].kill();
    apply_eventually(&redis, position, 3, first).await;
    assert_eq!(counted(&redis, first).await, 2, "applied by the replica, which had never seen the script");
    assert_eq!(take(&redis).await.next_offset, 4);
    eventually(PATIENCE, || async { health.check().await.ok() }).await.unwrap();
    let nodes = redis.client("nodes").unwrap().cached_cluster_state().unwrap().unique_primary_nodes();
    assert!(nodes.iter().any(|node| node.port == cluster.replica.port), "{nodes:?}");
}
