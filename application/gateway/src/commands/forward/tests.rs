//! The way of a request, over backends in memory.

mod identity;
mod overload;

use std::{num::NonZeroU32, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use gateway_domain::{
    breaker::BreakerSettings,
    limit::Quota,
    member::{Limits, MemberSettings},
};
use http::StatusCode;
use kernel_application::{UseCaseError, testing::context};

use super::*;
use crate::{
    Client, LocalRateLimiter, RateCounts, Settings,
    testing::{ScriptedBackends, settings},
};

const TWO: &str = "http://a:1,http://b:1";

fn handler(backends: &Arc<ScriptedBackends>, settings: Settings) -> ForwardHandler {
    ForwardHandler {
        client: Arc::clone(backends) as _,
        limiter: Arc::new(LocalRateLimiter::new(RateCounts::new(None, 0))),
        observer: Arc::clone(backends) as _,
        upstreams: Arc::new(Upstreams::new(settings)),
        settings: ForwardSettings {
            proxies: TrustedProxies::default(),
            retries: Some(RetryRules::default()),
        },
        routes: RouteTable::standard(),
    }
}

fn request(method: Method, path: &str, body: &'static [&'static str]) -> Forward {
    let pieces = body.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    let stream = || RequestBody::Stream(Box::pin(stream::iter(pieces)));
    let client = Client { address: Some([10, 0, 0, 1].into()), ..Client::default() };
    Forward {
        request: UpstreamRequest::asked(method, path.parse().unwrap(), Fields::default(), client),
        body: if body.is_empty() { RequestBody::Empty } else { stream() },
        record: Record::default(),
    }
}

fn get(path: &str) -> Forward {
    request(Method::GET, path, &[])
}

fn with(mut request: Forward, headers: &[(&'static str, &'static str)]) -> Forward {
    for (name, value) in headers {
        request.request.headers.set(name, value.as_bytes());
    }
    request
}

async fn status(handler: &ForwardHandler, request: Forward) -> Result<u16, &'static str> {
    let result = handler.handle(&context(), request).await;
    result.map(|response| response.status.as_u16()).map_err(|error| error.code())
}

#[tokio::test]
async fn requests_go_round_the_backends_without_the_prefix() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = handler(&backends, settings(TWO));
    assert_eq!(status(&handler, get("/api/products/7")).await, Ok(200));
    let with_query = get("/api/products?q=a%20b&q");
    assert_eq!(status(&handler, with_query).await, Ok(200));
    assert_eq!(backends.seen(), ["GET a:1/products/7", "GET b:1/products?q=a%20b&q"]);
    assert_eq!(backends.attempted(), ["product a:1 200", "product b:1 200"]);
    assert_eq!(backends.ended(), ["/products/* a:1 1 200", "/products/* b:1 1 200"]);
}

#[tokio::test]
async fn nothing_is_sent_for_bad_paths_unknown_routes_and_disabled_services() {
    let backends = Arc::new(ScriptedBackends::default());
    let mut settings = settings(TWO);
    settings.product.enabled = false;
    let handler = handler(&backends, settings);
    for (path, code) in [
        ("/api/payments/../products", "invalid_path"),
        ("/api/nothing", "unknown_route"),
        ("/api/products", "service_disabled"),
    ] {
        assert_eq!(status(&handler, get(path)).await, Err(code));
    }
    assert!(backends.seen().is_empty() && backends.attempted().is_empty());
}

#[tokio::test]
async fn a_backend_away_is_an_error_and_is_observed() {
    let backends = Arc::new(ScriptedBackends::with_away(["a:1"]));
    let handler = handler(&backends, settings("http://a:1"));
    assert_eq!(status(&handler, get("/api/baskets/u1")).await, Err("backend_unreachable"));
    assert_eq!(backends.attempted(), ["basket a:1 -"]);
    assert_eq!(backends.ended(), ["/baskets/* a:1 1 backend_unreachable"]);
}

#[tokio::test]
async fn what_never_left_goes_elsewhere_whatever_it_is() {
    let backends = Arc::new(ScriptedBackends::with_away(["a:1"]));
    let handler = handler(&backends, settings(TWO));
    assert_eq!(status(&handler, request(Method::POST, "/api/payments", &["pay ", "me"])).await, Ok(200));
    assert_eq!(backends.seen(), ["POST a:1/payments", "POST b:1/payments pay me"]);
    assert_eq!(backends.ended(), ["/payments/* b:1 2 200"]);
}

#[tokio::test]
async fn what_a_backend_may_have_acted_on_is_repeated_only_where_that_is_harmless() {
    let backends = Arc::new(ScriptedBackends::default().breaking(["a:1"]));
    let key = [("idempotency-key", "k"), ("content-length", "6")];
    let unknown_length = [("idempotency-key", "k")];
    let post = || request(Method::POST, "/api/payments", &["pay ", "me"]);
    for (request, attempts, result) in [
        (get("/api/payments"), 2, Ok(200)),
        (post(), 1, Err("bad_backend_answer")),
        (with(post(), &key), 2, Ok(200)),
        (with(post(), &unknown_length), 1, Err("bad_backend_answer")),
        (request(Method::PUT, "/api/products/7", &[]), 1, Err("bad_backend_answer")),
    ] {
        let handler = handler(&backends, settings(TWO));
        let before = backends.seen().len();
        assert_eq!(status(&handler, request).await, result);
        let seen = backends.seen().split_off(before);
        assert_eq!(seen.len(), attempts, "{seen:?}");
        let bodies: Vec<_> =
            seen.iter().map(|line| line.split_once(' ').unwrap().1[3..].to_owned()).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "the same request each time: {seen:?}");
    }
}

#[tokio::test]
async fn an_answer_that_no_other_backend_betters_is_passed_on() {
    let backends = ScriptedBackends::with_away(["b:1"]).answering("a:1", StatusCode::SERVICE_UNAVAILABLE);
    let backends = Arc::new(backends);
    let alone = handler(&backends, settings("http://a:1"));
    assert_eq!(status(&alone, get("/api/products")).await, Ok(503));
    let backends = Arc::new(ScriptedBackends::default().answering("a:1", StatusCode::INTERNAL_SERVER_ERROR));
    let handler = handler(&backends, settings(TWO));
    assert_eq!(status(&handler, get("/api/products")).await, Ok(500), "a 500 would be the same again");
}

#[tokio::test]
async fn who_waits_for_another_backend_takes_no_place_at_the_one_that_failed() {
    let backends = Arc::new(ScriptedBackends::default().answering("a:1", StatusCode::SERVICE_UNAVAILABLE));
    let mut settings = settings(TWO);
    settings.balancing.member.limits = Limits { in_flight: 1, waiting: 1 };
    settings.balancing.queue = Duration::from_mins(1);
    let handler = handler(&backends, settings);
    let held = handler.handle(&context(), get("/api/products")).await.unwrap();
    assert_eq!(held.status, StatusCode::OK);
    let ctx = context();
    let mut second = Box::pin(handler.handle(&ctx, get("/api/products")));
    assert!(
        (&mut second).now_or_never().is_none(),
        "it has been answered by the one and waits for the other"
    );
    let views = handler.upstreams.of(gateway_domain::Service::Product).unwrap().views();
    assert_eq!((views[0].counts.in_flight, views[0].counts.waiting), (0, 0));
    assert_eq!((views[1].counts.in_flight, views[1].counts.waiting), (1, 1));
    drop(held);
    assert_eq!(second.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn retries_end_with_the_budget() {
    let backends = Arc::new(ScriptedBackends::with_away(["a:1", "b:1"]));
    let mut settings = settings(TWO);
    settings.balancing.budget.reserve = 1;
    settings.balancing.member = MemberSettings::default();
    let handler = handler(&backends, settings);
    for _ in 0..20 {
        assert_eq!(status(&handler, get("/api/products")).await, Err("backend_unreachable"));
    }
    let sent = backends.seen().len();
    assert!((21..=25).contains(&sent), "{sent} attempts for 20 requests: a fifth more, and one");
}

#[tokio::test]
async fn an_open_breaker_sends_nobody() {
    let backends = Arc::new(ScriptedBackends::default().breaking(["a:1"]));
    let mut settings = settings("http://a:1");
    settings.balancing.member.breaker =
        Some(BreakerSettings { minimum_calls: 3, ..BreakerSettings::default() });
    let handler = handler(&backends, settings);
    for _ in 0..3 {
        assert_eq!(status(&handler, get("/api/products")).await, Err("bad_backend_answer"));
    }
    let error = handler.handle(&context(), get("/api/products")).await.unwrap_err();
    let GatewayError::CircuitOpen { retry_after: Some(after), .. } = error else { panic!("{error}") };
    assert!(after > Duration::from_secs(29) && after <= Duration::from_secs(30));
    assert_eq!(backends.seen().len(), 3);
    assert_eq!(backends.changed(), ["product a:1 Breaker(Open)"]);
    assert_eq!(status(&handler, get("/api/baskets/u1")).await, Err("bad_backend_answer"), "its own breaker");
}

#[tokio::test]
async fn a_backend_that_was_down_and_is_back_need_not_wait_for_its_breaker() {
    let backends = Arc::new(ScriptedBackends::with_away(["a:1"]));
    let mut settings = settings("http://a:1");
    settings.balancing.member.breaker =
        Some(BreakerSettings { minimum_calls: 3, ..BreakerSettings::default() });
    let handler = handler(&backends, settings);
    for code in ["backend_unreachable", "backend_unreachable", "backend_unreachable", "circuit_open"] {
        assert_eq!(status(&handler, get("/api/products")).await, Err(code));
    }
    let product = handler.upstreams.of(gateway_domain::Service::Product).unwrap();
    let probed = |problem: Option<&str>| product.probed(&product.members()[0], problem.map(str::to_owned));
    for turned in [false, false, true] {
        assert_eq!(probed(Some("refused")), turned);
    }
    assert_eq!(status(&handler, get("/api/products")).await, Err("no_backend"));
    backends.set_away([]);
    assert!(!probed(None) && probed(None));
    assert_eq!(status(&handler, get("/api/products")).await, Ok(200));
}

#[tokio::test]
async fn a_place_is_taken_until_the_answer_is_dropped() {
    let backends = Arc::new(ScriptedBackends::default());
    let mut settings = settings("http://a:1");
    settings.balancing.member.limits = Limits { in_flight: 1, waiting: 1 };
    settings.balancing.queue = Duration::from_mins(1);
    let handler = handler(&backends, settings);
    let first = handler.handle(&context(), get("/api/products")).await.unwrap();
    let ctx = context();
    let mut second = Box::pin(handler.handle(&ctx, get("/api/products")));
    assert!((&mut second).now_or_never().is_none(), "the second one waits");
    assert_eq!(
        status(&handler, get("/api/products")).await,
        Err("overloaded"),
        "the third one is turned away"
    );
    drop(first);
    assert!(second.await.is_ok());
    assert_eq!(status(&handler, get("/api/products")).await, Ok(200), "all places are free again");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_queue_allows() {
    let backends = Arc::new(ScriptedBackends::default());
    let mut settings = settings("http://a:1");
    settings.balancing.member.limits = Limits { in_flight: 1, waiting: 8 };
    let handler = handler(&backends, settings);
    let held = handler.handle(&context(), get("/api/products")).await.unwrap();
    let waiting = join_all((0..8).map(|_| status(&handler, get("/api/products")))).await;
    assert_eq!(waiting, [Err("overloaded"); 8]);
    drop(held);
    assert_eq!(
        status(&handler, get("/api/products")).await,
        Ok(200),
        "those that gave up left no place taken"
    );
}

#[tokio::test]
async fn the_limit_goes_by_the_real_client() {
    let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), NonZeroU32::MIN).unwrap();
    let backends = Arc::new(ScriptedBackends::default());
    let limited = |proxies: &str| ForwardHandler {
        limiter: Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100))),
        settings: ForwardSettings { proxies: TrustedProxies::parse(proxies).unwrap(), retries: None },
        ..handler(&backends, settings("http://a:1"))
    };
    let from = |client| with(get("/api/products"), &[("x-forwarded-for", client)]);
    let handler = limited("");
    assert_eq!(status(&handler, from("1.2.3.4")).await, Ok(200));
    assert_eq!(status(&handler, from("1.2.3.5")).await, Err("rate_limited"), "anyone can write that header");
    let handler = limited("10.0.0.0/8");
    assert_eq!(status(&handler, from("1.2.3.4")).await, Ok(200));
    assert_eq!(status(&handler, from("1.2.3.5")).await, Ok(200));
    assert_eq!(status(&handler, from("6.6.6.6, 1.2.3.5")).await, Err("rate_limited"));
}

#[tokio::test]
async fn answers_show_what_is_left_of_the_limit() {
    let burst = NonZeroU32::new(2).unwrap();
    let quota = Quota::new(NonZeroU32::MIN, Duration::from_secs(10), burst).unwrap();
    let backends = Arc::new(ScriptedBackends::default());
    let handler = ForwardHandler {
        limiter: Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100))),
        ..handler(&backends, settings("http://a:1"))
    };
    for (remaining, reset) in [("1", "10"), ("0", "20")] {
        let response = handler.handle(&context(), get("/api/products")).await.unwrap();
        let header = |name| response.headers.text(name).unwrap().to_owned();
        assert_eq!(header("ratelimit-limit"), "2");
        assert_eq!(
            (header("ratelimit-remaining"), header("ratelimit-reset")),
            (remaining.into(), reset.into())
        );
    }
    assert_eq!(status(&handler, get("/api/products")).await, Err("rate_limited"));
    assert_eq!(backends.ended().last().unwrap(), "/products/* - 0 rate_limited");
    assert!(backends.seen().len() == 2, "nothing was sent for the third one");
}

#[tokio::test]
async fn a_client_that_does_not_send_its_body_is_not_the_backend_s_fault() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = handler(&backends, settings("http://a:1"));
    let broken = RequestBody::Stream(Box::pin(
        stream::once(async { Ok(Bytes::from_static(b"a")) })
            .chain(stream::once(async { Err(crate::BodyError::Broken) })),
    ));
    let post = Forward { body: broken, ..request(Method::POST, "/api/payments", &[]) };
    assert_eq!(status(&handler, post).await, Err("body_broken"));
    let counts = handler.upstreams.of(gateway_domain::Service::Payment).unwrap().views();
    assert_eq!(counts[0].breaker.map(|breaker| breaker.window.marked).unwrap_or_default(), 0);
    assert_eq!(counts[0].counts.load(), 0);
}

/// A request under way is kept for as long as its backend takes, and thousands of them are to fit into a processor's cache.
/// What few requests need is in boxes of its own.
#[test]
fn a_request_under_way_is_small() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = handler(&backends, settings(TWO));
    let ctx = context();
    let under_way = handler.handle(&ctx, get("/api/products/7"));
    let size = size_of_val(&*under_way);
    assert!(size <= 1_024, "{size} bytes");
}
