//! The way of a call, over backends in memory.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gateway_domain::{
    Backend, Service, breaker::BreakerSettings, limit::Quota, message::TrustedProxies, retry::RetryRules,
};
use kernel_application::{BoxError, Caller, Principal, UseCaseError, testing::context};
use kernel_domain::{Timestamp, UserId};

use super::*;
use crate::{
    CallPiece, CallRequest, LocalRateLimiter, RateCounts, Settings, UpstreamError,
    testing::{ScriptedBackends, TokioClock, settings},
};

const READ: &str = "/product.v1.ProductService/GetProduct";
const WRITE: &str = "/payment.v1.PaymentService/CreatePayment";
const OPEN: &str = "/basket.v1.BasketService/Watch";

/// What a backend does with a call.
#[derive(Clone, Copy)]
enum Act {
    /// Answers a message and the status.
    Answer(u16),
    /// Answers with the status alone.
    Refuse(u16),
    /// Cannot be reached.
    Away,
    /// Reads the messages and breaks off.
    Break,
    /// Answers a message and breaks off.
    BreakLater,
    /// Answers a message, and nothing more.
    Hang,
    /// Reads the messages, and nothing more.
    Silent,
}

#[derive(Default)]
struct ScriptedCalls {
    acts: HashMap<&'static str, Act>,
    seen: Mutex<Vec<(String, HeaderMap)>>,
}

impl ScriptedCalls {
    fn new<const N: usize>(acts: [(&'static str, Act); N]) -> Arc<Self> {
        Arc::new(Self { acts: acts.into(), seen: Mutex::default() })
    }

    fn lines(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(line, _)| line.clone())
            .collect()
    }

    fn last_headers(&self) -> HeaderMap {
        self.seen.lock().unwrap().last().unwrap().1.clone()
    }
}

fn trailers(status: u16) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.into());
    trailers
}

#[async_trait]
impl CallClient for ScriptedCalls {
    async fn call(
        &self,
        backend: &Backend,
        request: CallRequest,
        body: RequestBody,
    ) -> Result<CallResponse, UpstreamError> {
        let act = self.acts.get(backend.authority()).copied().unwrap_or(Act::Answer(0));
        let line = format!("{}{}", backend.authority(), request.path);
        if matches!(act, Act::Away) {
            self.seen.lock().unwrap().push((line, request.headers));
            return Err(UpstreamError::Connect("refused".into()));
        }
        let mut text = String::new();
        match body {
            RequestBody::Empty => {}
            RequestBody::Whole(whole) => {
                text.push_str(&String::from_utf8_lossy(whole.get(5..).unwrap_or_default()));
            }
            RequestBody::Stream(mut pieces) => {
                while let Some(piece) = pieces.next().await {
                    text.push_str(&String::from_utf8_lossy(piece?.get(5..).unwrap_or_default()));
                }
            }
        }
        self.seen.lock().unwrap().push((format!("{line} {text}").trim_end().to_owned(), request.headers));
        let data = || Ok(CallPiece::Data(Bytes::from_static(b"answer")));
        let broken = || Err(BoxError::from("broke off"));
        let pieces = match act {
            Act::Answer(status) => stream::iter([data(), Ok(CallPiece::Trailers(trailers(status)))]).boxed(),
            Act::BreakLater => stream::iter([data(), broken()]).boxed(),
            Act::Hang => stream::iter([data()]).chain(stream::pending()).boxed(),
            Act::Refuse(status) => return Ok(CallResponse { headers: trailers(status), pieces: None }),
            Act::Silent => return std::future::pending().await,
            Act::Break | Act::Away => return Err(UpstreamError::Exchange("broke off".into())),
        };
        Ok(CallResponse { headers: HeaderMap::new(), pieces: Some(pieces) })
    }
}

struct Gateway {
    handler: CallHandler,
    observer: Arc<ScriptedBackends>,
}

fn gateway(client: &Arc<ScriptedCalls>, settings: Settings) -> Gateway {
    let observer = Arc::new(ScriptedBackends::default());
    let forward =
        ForwardSettings { proxies: TrustedProxies::default(), retries: Some(RetryRules::default()) };
    let handler = CallHandler {
        client: Arc::clone(client) as _,
        limiter: Arc::new(LocalRateLimiter::new(RateCounts::new(None, 0))),
        observer: Arc::clone(&observer) as _,
        clock: Arc::<TokioClock>::default(),
        upstreams: Arc::new(Upstreams::for_grpc(settings)),
        settings: CallSettings {
            forward,
            first_byte: Duration::from_secs(20),
            whole: Duration::from_mins(1),
            longest_message: 100,
        },
    };
    Gateway { handler, observer }
}

fn message(text: &str) -> Bytes {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0], &length[..], text.as_bytes()].concat().into()
}

fn call(path: &str, messages: &[&str]) -> Call {
    let messages: Vec<_> = messages.iter().map(|text| Ok(message(text))).collect();
    Call {
        path: path.into(),
        headers: HeaderMap::new(),
        body: RequestBody::Stream(Box::pin(stream::iter(messages))),
        client: Client { address: Some([10, 0, 0, 1].into()), ..Client::default() },
    }
}

/// The status of the whole answer, or the code of what failed.
async fn status(answer: Result<CallAnswer, GatewayError>) -> Result<u16, &'static str> {
    let CallAnswer { headers, pieces } = answer.map_err(|error| error.code())?;
    let Some(mut pieces) = pieces else { return Ok(metadata::status(&headers)) };
    while let Some(piece) = pieces.next().await {
        if let CallPiece::Trailers(trailers) = piece.map_err(|error| error.code())? {
            return Ok(metadata::status(&trailers));
        }
    }
    Err("no end")
}

impl Gateway {
    async fn handle(&self, call: Call) -> Result<u16, &'static str> {
        status(self.handler.handle(&context(), call).await).await
    }

    fn in_flight(&self, service: Service) -> u64 {
        self.handler.upstreams.of(service).unwrap().views().iter().map(|view| view.counts.load()).sum()
    }
}

#[tokio::test]
async fn calls_go_round_the_backends_of_their_service() {
    let backends = ScriptedCalls::new([]);
    let gateway = gateway(&backends, settings("http://a:1,http://b:1"));
    for _ in 0..2 {
        assert_eq!(gateway.handle(call(READ, &["7"])).await, Ok(0));
    }
    assert_eq!(backends.lines(), [format!("a:1{READ} 7"), format!("b:1{READ} 7")]);
    assert_eq!(gateway.observer.attempted(), ["product a:1 200", "product b:1 200"]);
    let method = READ.trim_start_matches('/');
    assert_eq!(gateway.observer.ended(), [format!("{method} a:1 1 0"), format!("{method} b:1 1 0")]);
    assert_eq!(gateway.in_flight(Service::Product), 0);
}

#[tokio::test]
async fn unknown_methods_go_nowhere_and_unknown_ones_of_a_service_go_to_it() {
    let backends = ScriptedCalls::new([]);
    let mut settings = settings("http://a:1");
    settings.payment.enabled = false;
    let gateway = gateway(&backends, settings);
    assert_eq!(gateway.handle(call("/other.v1.Other/Get", &[])).await, Err("unknown_route"));
    assert_eq!(gateway.handle(call(WRITE, &[])).await, Err("service_disabled"));
    assert_eq!(gateway.handle(call(OPEN, &["a", "b"])).await, Ok(0));
    assert_eq!(backends.lines(), [format!("a:1{OPEN} ab")]);
    assert_eq!(gateway.observer.ended().last().unwrap(), "basket.v1.BasketService/* a:1 1 0");
}

#[tokio::test]
async fn what_never_left_goes_elsewhere_and_what_may_have_been_done_only_where_it_reads() {
    let backends = ScriptedCalls::new([("a:1", Act::Away)]);
    let with_one_away = gateway(&backends, settings("http://a:1,http://b:1"));
    for path in [READ, WRITE, OPEN] {
        assert_eq!(with_one_away.handle(call(path, &["x"])).await, Ok(0), "{path}");
    }
    assert_eq!(backends.lines()[..2], [format!("a:1{READ}"), format!("b:1{READ} x")]);
    for (path, result) in
        [(READ, Ok(0)), (WRITE, Err("bad_backend_answer")), (OPEN, Err("bad_backend_answer"))]
    {
        let backends = ScriptedCalls::new([("a:1", Act::Break)]);
        let gateway = gateway(&backends, settings("http://a:1,http://b:1"));
        assert_eq!(gateway.handle(call(path, &["x"])).await, result, "{path}");
    }
}

#[tokio::test]
async fn a_read_that_a_backend_cannot_take_at_the_moment_goes_to_another_one() {
    for (path, act, result) in [
        (READ, Act::Refuse(14), Ok(0)),
        (READ, Act::Answer(14), Ok(14)),
        (READ, Act::Refuse(13), Ok(13)),
        (WRITE, Act::Refuse(14), Ok(14)),
    ] {
        let backends = ScriptedCalls::new([("a:1", act)]);
        let gateway = gateway(&backends, settings("http://a:1,http://b:1"));
        assert_eq!(gateway.handle(call(path, &["x"])).await, result, "{path}");
        let asked = if result == Ok(0) { 2 } else { 1 };
        assert_eq!(backends.lines().len(), asked, "{path}");
    }
    let backends = ScriptedCalls::new([("a:1", Act::Refuse(14))]);
    let alone = gateway(&backends, settings("http://a:1"));
    assert_eq!(alone.handle(call(READ, &["x"])).await, Ok(14), "its answer stands");
}

#[tokio::test]
async fn the_status_at_the_end_is_what_counts() {
    let mut settings = settings("http://a:1");
    settings.balancing.member.breaker = Some(BreakerSettings { minimum_calls: 4, ..Default::default() });
    for act in [Act::Answer(14), Act::Refuse(14), Act::BreakLater] {
        let backends = ScriptedCalls::new([("a:1", act)]);
        let gateway = gateway(&backends, settings.clone());
        for _ in 0..4 {
            assert!(matches!(gateway.handle(call(READ, &[])).await, Ok(14) | Err("bad_backend_answer")));
        }
        assert_eq!(gateway.handle(call(READ, &[])).await, Err("circuit_open"));
        assert_eq!(backends.lines().len(), 4);
        assert_eq!(gateway.observer.changed(), ["product-grpc a:1 Breaker(Open)"]);
    }
    // What blames the caller does not blame the backend.
    let backends = ScriptedCalls::new([("a:1", Act::Answer(5))]);
    let gateway = gateway(&backends, settings);
    for _ in 0..8 {
        assert_eq!(gateway.handle(call(READ, &[])).await, Ok(5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_end_and_the_end_comes_with_the_deadline() {
    let backends = ScriptedCalls::new([("a:1", Act::Hang)]);
    let gateway = gateway(&backends, settings("http://a:1"));
    let answer = gateway.handler.handle(&context(), call(READ, &[])).await;
    assert_eq!(gateway.in_flight(Service::Product), 1);
    assert_eq!(status(answer).await, Err("backend_timeout"));
    assert_eq!(gateway.in_flight(Service::Product), 0);
    assert_eq!(gateway.observer.attempted(), ["product a:1 -"]);

    // A client that does not read does not keep it for longer.
    let answer = gateway.handler.handle(&context(), call(READ, &[])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(gateway.in_flight(Service::Product), 0);
    assert_eq!(status(Ok(answer)).await, Err("backend_timeout"));

    // One that goes away gives it back at once.
    drop(gateway.handler.handle(&context(), call(OPEN, &[])).await);
    assert_eq!(gateway.in_flight(Service::Basket), 0);
    assert_eq!(gateway.observer.ended().last().unwrap(), "basket.v1.BasketService/* a:1 1 1");
}

#[tokio::test(start_paused = true)]
async fn what_may_stream_ends_with_its_token_and_nothing_else_does() {
    let ada = |left| {
        let ada = Principal::new(UserId::new("ada").unwrap(), []);
        let end = Timestamp::UNIX_EPOCH + Duration::from_secs(left);
        context().by(Caller::known(ada.until(end)))
    };
    for act in [Act::Hang, Act::Silent] {
        let backends = ScriptedCalls::new([("a:1", act)]);
        let gateway = gateway(&backends, settings("http://a:1,http://b:1"));
        let answer = gateway.handler.handle(&ada(30), call(OPEN, &[])).await;
        assert_eq!(status(answer).await, Err("invalid_token"));
        assert_eq!(gateway.in_flight(Service::Basket), 0);
        assert_eq!(gateway.observer.attempted(), ["basket a:1 -"], "and is not sent to another backend");
        assert_eq!(gateway.observer.ended(), ["basket.v1.BasketService/* a:1 1 invalid_token"]);
    }
    let backends = ScriptedCalls::new([("a:1", Act::Hang)]);
    let gateway = gateway(&backends, settings("http://a:1"));
    // A client that does not read does not keep it for longer.
    let answer = gateway.handler.handle(&ada(30), call(OPEN, &[])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(gateway.in_flight(Service::Basket), 0);
    assert_eq!(status(Ok(answer)).await, Err("invalid_token"));
    // The client's own deadline comes first, and one message each way is answered whoever asked for it.
    let hurried = ada(90).with_deadline(Instant::now() + Duration::from_secs(1));
    let answer = gateway.handler.handle(&hurried, call(OPEN, &[])).await;
    assert_eq!(status(answer).await, Err("backend_timeout"));
    let answer = gateway.handler.handle(&ada(40), call(WRITE, &["x"])).await;
    assert_eq!(status(answer).await, Err("backend_timeout"));
}

#[tokio::test]
async fn a_client_s_own_deadline_is_passed_on_shortened_and_no_mark_against_the_backend() {
    let backends = ScriptedCalls::new([("a:1", Act::Answer(4))]);
    let mut settings = settings("http://a:1");
    settings.balancing.member.breaker = Some(BreakerSettings { minimum_calls: 1, ..Default::default() });
    let gateway = gateway(&backends, settings);
    let hurried = context().with_deadline(Instant::now() + Duration::from_secs(2));
    for _ in 0..4 {
        let answer = gateway.handler.handle(&hurried, call(READ, &[])).await;
        assert_eq!(status(answer).await, Ok(4));
    }
    let told = backends.last_headers();
    let told = gateway_domain::parse_grpc_timeout(told["grpc-timeout"].to_str().unwrap()).unwrap();
    assert!(told < Duration::from_secs(2) && told > Duration::from_secs(1), "{told:?}");
    // Without one, it is the gateway's own, and then being late is the backend's fault.
    assert_eq!(gateway.handle(call(READ, &[])).await, Ok(4));
    let told = backends.last_headers();
    let told = gateway_domain::parse_grpc_timeout(told["grpc-timeout"].to_str().unwrap()).unwrap();
    assert!(told > Duration::from_secs(19) && told < Duration::from_secs(20), "{told:?}");
    assert_eq!(gateway.handle(call(READ, &[])).await, Err("circuit_open"));
    assert_eq!(gateway.handle(call(OPEN, &[])).await, Ok(4));
    assert!(!backends.last_headers().contains_key("grpc-timeout"), "nobody limits what may stream");
}

#[tokio::test]
async fn messages_that_are_too_long_or_break_off_are_the_client_s_fault() {
    let backends = ScriptedCalls::new([]);
    let gateway = gateway(&backends, settings("http://a:1"));
    let long = "x".repeat(101);
    for path in [READ, OPEN] {
        assert_eq!(gateway.handle(call(path, &["fits", &long])).await, Err("too_large"), "{path}");
        let broken = stream::iter([Ok(message("a")), Err(BodyError::Broken)]);
        let broken = Call { body: RequestBody::Stream(Box::pin(broken)), ..call(path, &[]) };
        assert_eq!(gateway.handle(broken).await, Err("body_broken"), "{path}");
    }
    let views = gateway.handler.upstreams.of(Service::Basket).unwrap().views();
    assert_eq!(views[0].breaker.map(|breaker| breaker.window.marked).unwrap_or_default(), 0);
}

#[tokio::test]
async fn clients_are_limited_by_identity_and_otherwise_by_address() {
    let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), NonZeroU32::MIN).unwrap();
    let backends = ScriptedCalls::new([]);
    let Gateway { handler, observer } = gateway(&backends, settings("http://a:1"));
    let limiter = Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100)));
    let gateway = Gateway { handler: CallHandler { limiter, ..handler }, observer };
    let ada = context().by(Caller::known(Principal::new(UserId::new("ada").unwrap(), [])));
    let answer = gateway.handler.handle(&ada, call(READ, &[])).await.unwrap();
    assert_eq!(
        (&answer.headers["ratelimit-limit"], &answer.headers["ratelimit-remaining"]),
        (&1.into(), &0.into())
    );
    assert_eq!(status(gateway.handler.handle(&ada, call(READ, &[])).await).await, Err("rate_limited"));
    assert_eq!(gateway.handle(call(READ, &[])).await, Ok(0));
    assert_eq!(gateway.handle(call(READ, &[])).await, Err("rate_limited"));
    assert_eq!(gateway.handle(call(WRITE, &[])).await, Ok(0), "writing is counted apart");
    assert_eq!(gateway.observer.ended().last().unwrap(), "payment.v1.PaymentService/CreatePayment a:1 1 0");
}

#[test]
fn reading_products_is_for_everybody_and_nothing_is_denied_that_is_not_there() {
    for (path, permit) in [
        (READ, Permit::Anyone),
        ("/product.v1.ProductService/GetProducts", Permit::Anyone),
        ("/product.v1.ProductService/CreateProduct", Permit::Known),
        (WRITE, Permit::Known),
        (OPEN, Permit::Known),
        ("/other.v1.Other/Get", Permit::Anyone),
    ] {
        assert_eq!(call(path, &[]).permit(), permit, "{path}");
    }
}
