//! Who is let in, and whose requests are counted together.

use kernel_application::{Caller, testing::context_of};

use super::*;
use crate::Decider;

fn anonymous() -> CallContext {
    context().by(Caller::Anonymous)
}

async fn outcome(handler: &ForwardHandler, ctx: &CallContext, request: Forward) -> Result<u16, &'static str> {
    let result = handler.handle(ctx, request).await;
    result.map(|response| response.status.as_u16()).map_err(|error| error.code())
}

fn limited(backends: &Arc<ScriptedBackends>, burst: u32) -> ForwardHandler {
    let burst = NonZeroU32::new(burst).unwrap();
    let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), burst).unwrap();
    ForwardHandler {
        limiter: Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100))),
        ..handler(backends, settings("http://a:1"))
    }
}

fn from(address: [u8; 4], mut request: Forward) -> Forward {
    request.request.client = Client { address: Some(address.into()), ..Client::default() };
    request
}

#[tokio::test]
async fn strangers_may_look_at_products_and_no_further() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = handler(&backends, settings("http://a:1"));
    for path in ["/api/products", "/api/products/7", "/api/products/categories"] {
        assert_eq!(outcome(&handler, &anonymous(), get(path)).await, Ok(200), "{path}");
    }
    let seen = backends.seen().len();
    for (method, path) in [
        (Method::POST, "/api/products"),
        (Method::GET, "/api/products/stats"),
        (Method::GET, "/api/baskets/ada"),
        (Method::POST, "/api/payments"),
        (Method::GET, "/api/users/ada/payments"),
        (Method::GET, "/api/notifications/stream"),
    ] {
        let refused = outcome(&handler, &anonymous(), request(method.clone(), path, &[])).await;
        assert_eq!(refused, Err("unauthenticated"), "{method} {path}");
        let known = outcome(&handler, &context_of("ada"), request(method.clone(), path, &[])).await;
        assert_eq!(known, Ok(200), "{method} {path}: the service decides on the rest");
    }
    assert_eq!(backends.seen().len(), seen + 6, "strangers cost the services nothing");
    assert_eq!(outcome(&handler, &anonymous(), get("/api/nothing")).await, Err("unknown_route"));
}

#[tokio::test]
async fn an_identity_has_one_quota_wherever_it_connects_from() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = limited(&backends, 1);
    let (ada, bob) = (context_of("ada"), context_of("bob"));
    let (here, there) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let get = |address| from(address, get("/api/products"));
    assert_eq!(outcome(&handler, &ada, get(here)).await, Ok(200));
    assert_eq!(outcome(&handler, &ada, get(there)).await, Err("rate_limited"));
    assert_eq!(outcome(&handler, &bob, get(here)).await, Ok(200), "another one at the same address");
    assert_eq!(outcome(&handler, &anonymous(), get(here)).await, Ok(200), "and one without an identity");
    assert_eq!(outcome(&handler, &anonymous(), get(here)).await, Err("rate_limited"));
    assert_eq!(outcome(&handler, &anonymous(), get(there)).await, Ok(200));
}

#[tokio::test]
async fn knocking_without_an_identity_is_limited_too() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = limited(&backends, 2);
    let knock = || outcome_of(&handler);
    assert_eq!(
        [knock().await, knock().await, knock().await],
        [Err("unauthenticated"), Err("unauthenticated"), Err("rate_limited")]
    );
}

async fn outcome_of(handler: &ForwardHandler) -> Result<u16, &'static str> {
    outcome(handler, &anonymous(), get("/api/baskets/ada")).await
}

#[tokio::test]
async fn the_record_tells_what_became_of_a_request() {
    let backends = Arc::new(ScriptedBackends::with_away(["a:1"]));
    let handler = handler(&backends, settings(TWO));
    let forward = get("/api/products/7");
    let record = forward.record.clone();
    assert_eq!(record.facts(), None);
    assert_eq!(status(&handler, forward).await, Ok(200));
    let facts = record.facts().unwrap();
    assert_eq!((facts.route, facts.backend.as_deref()), ("/products/*", Some("b:1")));
    assert_eq!((facts.attempts, facts.code), (2, None));

    let refused = get("/api/baskets/ada");
    let record = refused.record.clone();
    assert!(handler.handle(&anonymous(), refused).await.is_err());
    let facts = record.facts().unwrap();
    assert_eq!((facts.backend.as_deref(), facts.attempts, facts.code), (None, 0, Some("unauthenticated")));
}

#[tokio::test]
async fn it_is_told_who_limits() {
    let backends = Arc::new(ScriptedBackends::default());
    let handler = limited(&backends, 1);
    assert_eq!(status(&handler, get("/api/products")).await, Ok(200));
    assert_eq!(status(&handler, get("/api/products")).await, Err("rate_limited"));
    assert_eq!(backends.limited(), [Decider::Local]);
}
