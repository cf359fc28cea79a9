//! More than the backends can do, with retries as they are by default.
//!
//! Time is the test's: a backend takes [`SERVICE`] for each request, and nothing else takes any. What is measured is how
//! long requests wait and are served, to the nanosecond, and not how busy this machine is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gateway_domain::{Backend, Service, balancing::Strategy};
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep},
};

use super::*;
use crate::UpstreamError;

/// How long a backend takes for each request.
const SERVICE: Duration = Duration::from_millis(100);

/// How many requests a backend has at once, and, as by default, how many may wait: it can do 160 a second.
const PLACES: u32 = 16;
const CAPACITY: u32 = 160;

/// How long customers come.
const SECONDS: u32 = 4;

/// Backends that take their time, and answer 503 now and then.
#[derive(Default)]
struct Workshops {
    /// One of so many requests fails.
    failing: Option<u64>,
    asked: AtomicU64,
}

#[async_trait]
impl UpstreamClient for Workshops {
    async fn send(
        &self,
        _: &CallContext,
        _: &Backend,
        _: &UpstreamRequest,
        _: RequestBody,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let turn = self.asked.fetch_add(1, Relaxed);
        sleep(SERVICE).await;
        let fails = self.failing.is_some_and(|one_of| turn.is_multiple_of(one_of));
        let status = if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        Ok(UpstreamResponse::new(status, Fields::default(), Bytes::new()))
    }
}

/// How long customers were here.
#[derive(Default)]
struct Seen {
    served: Vec<Duration>,
    /// A backend was asked, in vain.
    failed: Vec<Duration>,
    /// No backend was asked.
    shed: Vec<Duration>,
}

impl Seen {
    fn add(&mut self, result: Result<u16, &'static str>, took: Duration) {
        match result {
            Ok(200) => self.served.push(took),
            Ok(503) => self.failed.push(took),
            Err("overloaded") => self.shed.push(took),
            other => panic!("{other:?}"),
        }
    }

    fn admitted(&self) -> u64 {
        u64::try_from(self.served.len() + self.failed.len()).unwrap()
    }
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

struct Market {
    workshops: Arc<Workshops>,
    handler: Arc<ForwardHandler>,
}

fn market(backends: &str, waiting: u32, failing: Option<u64>, strategy: Strategy) -> Market {
    let workshops = Arc::new(Workshops { failing, ..Workshops::default() });
    let mut settings = settings(backends);
    settings.balancing.strategy = strategy;
    settings.balancing.member.limits = Limits { in_flight: PLACES, waiting };
    let handler = handler(&Arc::default(), settings);
    let handler = Arc::new(ForwardHandler { client: Arc::clone(&workshops) as _, ..handler });
    Market { workshops, handler }
}

impl Market {
    /// Customers come at an even rate, whatever becomes of those before them.
    async fn offer(&self, per_second: u32) -> Seen {
        let mut turns = interval(Duration::from_secs(1) / per_second);
        let mut customers = JoinSet::new();
        for _ in 0..per_second * SECONDS {
            turns.tick().await;
            let handler = Arc::clone(&self.handler);
            customers.spawn(async move {
                let begun = Instant::now();
                let result = status(&handler, get("/api/products")).await;
                (result, begun.elapsed())
            });
        }
        let mut seen = Seen::default();
        for (result, took) in customers.join_all().await {
            seen.add(result, took);
        }
        seen
    }

    /// How many times a backend was asked.
    fn asked(&self) -> u64 {
        self.workshops.asked.load(Relaxed)
    }

    /// The requests that still have a place.
    fn left(&self) -> u64 {
        let product = self.handler.upstreams.of(Service::Product).unwrap();
        product.views().iter().map(|view| view.counts.load()).sum()
    }
}

#[tokio::test(start_paused = true)]
async fn three_times_the_capacity_is_shed_at_once_and_the_rest_served_as_ever() {
    for strategy in Strategy::ALL {
        let market = market("http://a:1", PLACES, None, strategy);
        let mut calm = market.offer(CAPACITY).await;
        assert!(calm.shed.is_empty(), "{strategy}: all of it can be done");
        let mut crowd = market.offer(CAPACITY * 3).await;
        let (usual, admitted) = (p99(&mut calm.served), p99(&mut crowd.served));
        assert!(admitted <= usual * 2, "{strategy}: admitted {admitted:?}, at capacity {usual:?}");
        assert!(crowd.shed.iter().all(Duration::is_zero), "{strategy}: to be told no takes no time");
        let capacity = usize::try_from(CAPACITY * SECONDS).unwrap();
        assert!(crowd.served.len() >= capacity, "{strategy}: {} served", crowd.served.len());
        assert_eq!(market.left(), 0);
    }
}

/// While one request is served, a place becomes free for each of those who wait. Were it for whoever comes just then, some
/// would wait for ever.
#[tokio::test(start_paused = true)]
async fn who_came_first_is_served_first() {
    let crowd = market("http://a:1", PLACES, None, Strategy::RoundRobin).offer(CAPACITY * 3).await;
    let longest = crowd.served.iter().max().unwrap();
    assert!(*longest <= SERVICE * 2, "{longest:?}");
}

/// Were a retry to wait as long as its request has waited before, those who are admitted would be here twice as long.
#[tokio::test(start_paused = true)]
async fn retries_do_not_make_it_longer() {
    for strategy in Strategy::ALL {
        let [half, crowded] = [(); 2].map(|()| market("http://a:1,http://b:1", 24, Some(3), strategy));
        let mut calm = half.offer(CAPACITY).await;
        assert!(half.asked() > calm.admitted(), "{strategy}: there are retries");
        let mut crowd = crowded.offer(CAPACITY * 6).await;
        let (usual, admitted) = (p99(&mut calm.served), p99(&mut crowd.served));
        assert!(admitted <= usual * 2, "{strategy}: admitted {admitted:?}, with room {usual:?}");
        assert!(crowd.shed.iter().all(Duration::is_zero), "{strategy}: to be told no takes no time");
        let most = crowd.admitted() + crowd.admitted() / 5 + 10;
        assert!(crowded.asked() <= most, "{strategy}: {} attempts, not {most}", crowded.asked());
        assert_eq!(crowded.left(), 0);
    }
}

/// A hundred wait for sixteen places, which takes as long as seven requests; and nobody is sent more than twice.
#[tokio::test(start_paused = true)]
async fn nobody_waits_twice() {
    let market = market("http://a:1,http://b:1", 100, Some(2), Strategy::RoundRobin);
    let crowd = market.offer(CAPACITY * 6).await;
    let longest = crowd.served.iter().max().unwrap();
    assert!(*longest <= SERVICE * (7 + 2), "{longest:?}");
}

#[tokio::test]
async fn those_who_are_turned_away_buy_no_retries() {
    let backends = Arc::new(ScriptedBackends::default());
    let mut settings = settings(TWO);
    settings.balancing.member.limits = Limits { in_flight: 1, waiting: 0 };
    let handler = handler(&backends, settings);
    let _held = [
        handler.handle(&context(), get("/api/products")).await.unwrap(),
        handler.handle(&context(), get("/api/products")).await.unwrap(),
    ];
    for _ in 0..100 {
        assert_eq!(status(&handler, get("/api/products")).await, Err("overloaded"));
    }
    assert_eq!(backends.seen().len(), 2, "a request that is shed is not sent, here or elsewhere");
    assert_eq!(retries_left(&handler), 10);
}

#[tokio::test]
async fn a_retry_that_no_backend_takes_is_left_for_others() {
    let backends = ScriptedBackends::default().answering("a:1", StatusCode::SERVICE_UNAVAILABLE);
    let backends = Arc::new(backends);
    let handler = handler(&backends, settings("http://a:1"));
    for _ in 0..20 {
        assert_eq!(status(&handler, get("/api/products")).await, Ok(503));
    }
    assert_eq!(retries_left(&handler), 14);
}

fn retries_left(handler: &ForwardHandler) -> u64 {
    let product = handler.upstreams.of(Service::Product).unwrap();
    product.budget().balance(handler.upstreams.uptime().now())
}
