//! Three times what the backends can do: the rest is shed at once, and those let in hardly notice.
//!
//! The gateway has its defaults, retries too, but for the limits, which say what these backends can do. In a process of
//! its own: memory that grows is the gateway's, and no other test keeps the cores busy.
//!
//! What is measured is how long customers are here. Nearly all of it is [`SERVICE`], a timer at the backend, and the wait
//! for a place there; it is long beside what a busy machine adds. Windows in which customers are few and many take turns,
//! and medians of their p99 are compared, so that a bad second of the machine does not decide. How long requests wait, with
//! nothing else taking any time, is tested to the nanosecond where the rules are, in `gateway-application`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "this test needs less of it than the others")]
#[path = "../wired/support.rs"]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, Response};
use support::{Backend, Gateway, bytes, full};
use tokio::{sync::Semaphore, task::JoinSet};

/// What a backend does at once, and how long each takes on average: two of them do 80 requests a second.
const PLACES: usize = 10;
const SERVICE: Duration = Duration::from_millis(250);
const CAPACITY: u32 = 80;

/// How long customers come at one rate, and how often they come at each.
const WINDOW: Duration = Duration::from_millis(1_500);
const WINDOWS: usize = 3;

/// Somebody comes for something else all the time.
const ASIDE: u32 = 10;

/// As a service does that has a pool of connections to its store.
async fn limited() -> Backend {
    let (places, asked) = (Arc::new(Semaphore::new(PLACES)), Arc::new(AtomicU32::new(0)));
    Backend::start(move |request| {
        let (places, asked) = (Arc::clone(&places), Arc::clone(&asked));
        async move {
            if !request.uri().path().starts_with("/health") {
                let _place = places.acquire().await.unwrap();
                tokio::time::sleep(work(asked.fetch_add(1, Ordering::Relaxed))).await;
            }
            Response::new(full("done"))
        }
    })
    .await
}

/// From six to fourteen tenths of the average, each as often: were all the same, those who came together would leave
/// together, for ever.
fn work(turn: u32) -> Duration {
    SERVICE * (60 + turn * 37 % 81) / 100
}

/// How long customers were here.
#[derive(Default)]
struct Seen {
    served: Vec<Duration>,
    shed: Vec<Duration>,
}

impl Seen {
    fn add(&mut self, status: u16, took: Duration) {
        assert!(matches!(status, 200 | 503), "answered {status}");
        let times = if status == 200 { &mut self.served } else { &mut self.shed };
        times.push(took);
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Customers come at an even rate, whatever becomes of those before them.
async fn offer(gateway: &Arc<Gateway>, target: &'static str, per_second: u32) -> Seen {
    let mut customers = JoinSet::new();
    let mut turns = tokio::time::interval(Duration::from_secs(1) / per_second);
    let start = Instant::now();
    while start.elapsed() < WINDOW {
        turns.tick().await;
        let gateway = Arc::clone(gateway);
        customers.spawn(async move {
            let request = gateway.request(Method::GET, target).body(full("")).unwrap();
            let begun = Instant::now();
            let response = gateway.send(request).await;
            let status = response.status().as_u16();
            assert_eq!(status == 503, response.headers().contains_key("retry-after"));
            bytes(response).await;
            (status, begun.elapsed())
        });
    }
    let mut seen = Seen::default();
    for (status, took) in customers.join_all().await {
        seen.add(status, took);
    }
    seen
}

/// Customers of products, so many, and of baskets, few.
async fn window(gateway: &Arc<Gateway>, per_second: u32) -> (Seen, Seen) {
    tokio::join!(offer(gateway, "/api/products/1", per_second), offer(gateway, "/api/baskets/u1", ASIDE))
}

/// Of this process, which is the gateway, its backends and its clients, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_shed_and_the_rest_served_as_ever() {
    let (one, other, beside) = (limited().await, limited().await, limited().await);
    let products = format!("{},{}", one.url(), other.url());
    let variables = [
        ("PRODUCT_SERVICE_URLS", products.as_str()),
        ("UPSTREAM_MAX_IN_FLIGHT", "10"),
        ("UPSTREAM_MAX_WAITING", "2"),
    ];
    let gateway = Arc::new(Gateway::before(&beside.url(), &variables).await);
    gateway.ready().await;
    let (mut calm, mut crowds, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        // A little below capacity: at capacity itself every queue is as long as it may be.
        calm.push(window(&gateway, CAPACITY * 9 / 10).await);
        crowds.push(window(&gateway, CAPACITY * 3).await);
        memory.push(resident());
    }

    let typical = |windows: &[(Seen, Seen)], times: fn(&(Seen, Seen)) -> &[Duration]| {
        median(windows.iter().map(|window| p99(times(window))).collect())
    };
    let (served, shed) = crowds
        .iter()
        .fold((0, 0), |(served, shed), (crowd, _)| (served + crowd.served.len(), shed + crowd.shed.len()));
    let capacity = usize::try_from(u128::from(CAPACITY) * WINDOW.as_millis() / 1_000).unwrap() * WINDOWS;
    assert!(served * 10 > capacity * 7, "{served} served, {shed} shed");
    assert!(shed > served, "{served} served, {shed} shed");
    let usual = typical(&calm, |(products, _)| &products.served);
    let admitted = typical(&crowds, |(products, _)| &products.served);
    assert!(admitted <= usual * 2, "admitted {admitted:?}, at capacity {usual:?}");
    let refused = typical(&crowds, |(products, _)| &products.shed);
    assert!(refused < SERVICE, "to be told no took {refused:?}");
    let usual = typical(&calm, |(_, baskets)| &baskets.served);
    let aside = typical(&crowds, |(_, baskets)| &baskets.served);
    assert!(aside <= usual * 2, "another service took {aside:?}, and {usual:?} before");
    assert!(
        crowds.iter().all(|(_, baskets)| baskets.shed.is_empty()),
        "another service has places of its own"
    );
    // The first crowd takes what a crowd needs: connections, buffers, stacks.
    let grown = memory[WINDOWS - 1].saturating_sub(memory[0]);
    assert!(grown < 4 * 1_024, "{grown} KiB more");
}
