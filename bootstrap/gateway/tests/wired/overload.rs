//! Three times what the backend can do: the rest is shed at once, and those let in hardly notice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Method, Response};
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
};

use crate::support::{Backend, Gateway, bytes, full};

/// What the backend does at once, and how long each takes: 160 requests a second.
const PLACES: usize = 16;
const SERVICE: Duration = Duration::from_millis(100);
const CAPACITY: u32 = 160;

const TIME: Duration = Duration::from_secs(4);

/// As a service does that has a pool of connections to its store.
async fn limited() -> Backend {
    let places = Arc::new(Semaphore::new(PLACES));
    Backend::start(move |request| {
        let places = Arc::clone(&places);
        async move {
            if !request.uri().path().starts_with("/health") {
                let _place = places.acquire().await.unwrap();
                tokio::time::sleep(SERVICE).await;
            }
            Response::new(full("done"))
        }
    })
    .await
}

#[derive(Default)]
struct Seen {
    served: Vec<Duration>,
    shed: Vec<Duration>,
    other: Vec<u16>,
}

impl Seen {
    fn add(&mut self, status: u16, took: Duration) {
        match status {
            200 => self.served.push(took),
            503 => self.shed.push(took),
            other => self.other.push(other),
        }
    }
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

/// Customers come at an even rate, whatever becomes of those before them.
async fn offer(gateway: &Arc<Gateway>, per_second: u32) -> Seen {
    let (seen, mut customers) = (Arc::new(Mutex::new(Seen::default())), JoinSet::new());
    let mut turns = tokio::time::interval(Duration::from_secs(1) / per_second);
    let start = Instant::now();
    while start.elapsed() < TIME {
        turns.tick().await;
        let (gateway, seen) = (Arc::clone(gateway), Arc::clone(&seen));
        customers.spawn(async move {
            let request = gateway.request(Method::GET, "/api/products/1").body(full("")).unwrap();
            let begun = Instant::now();
            let response = gateway.send(request).await;
            let status = response.status().as_u16();
            assert_eq!(status == 503, response.headers().contains_key("retry-after"));
            bytes(response).await;
            seen.lock().await.add(status, begun.elapsed());
        });
    }
    while let Some(customer) = customers.join_next().await {
        customer.unwrap();
    }
    Arc::into_inner(seen).unwrap().into_inner()
}

/// Of this process, which is the gateway too, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_shed_and_the_rest_served_as_ever() {
    let backend = limited().await;
    let variables = [
        ("UPSTREAM_MAX_IN_FLIGHT", "16"),
        ("UPSTREAM_MAX_WAITING", "4"),
        ("UPSTREAM_QUEUE_TIMEOUT", "50ms"),
        // What is measured is admission, not what the gateway makes of the answers.
        ("RETRY_ENABLED", "false"),
    ];
    let gateway = Arc::new(Gateway::before(&backend.url(), &variables).await);
    gateway.ready().await;
    // A little below capacity: at capacity itself every queue is as long as it may be.
    let mut calm = offer(&gateway, CAPACITY * 9 / 10).await;
    let usual = p99(&mut calm.served);
    let before = resident();

    let mut crowd = offer(&gateway, CAPACITY * 3).await;

    let grown = resident().saturating_sub(before);
    let (served, shed) = (crowd.served.len(), crowd.shed.len());
    assert!(crowd.other.is_empty(), "{:?}", crowd.other);
    let capacity = usize::try_from(u64::from(CAPACITY) * TIME.as_secs()).unwrap();
    assert!(served * 10 > capacity * 7, "{served} served, {shed} shed");
    assert!(shed > served, "{served} served, {shed} shed");
    let admitted = p99(&mut crowd.served);
    assert!(admitted <= usual * 2, "admitted {admitted:?}, at capacity {usual:?}");
    let refused = p99(&mut crowd.shed);
    assert!(refused < SERVICE * 2, "to be told no took {refused:?}");
    assert!(grown < 32 * 1024, "{grown} KiB more");
}
