mod told;

use std::time::Duration;

use gateway_domain::{
    Outcome, Service,
    fleet::{Edit, Tuning},
    member::Slot,
};
use kernel_application::{
    UseCaseError,
    testing::{ManualClock, context, context_of},
};

use super::*;
use crate::{
    testing::{settings, state_store::MemoryState},
    upstreams::{Past, Upstream},
};

const PRODUCT: Fleet = Fleet::Http(Service::Product);
const GRPC: Fleet = Fleet::Grpc(Service::Product);

/// Nothing is kept, nobody is limited, and there is no gRPC.
fn parts(settings: &Settings) -> Parts {
    Parts {
        upstreams: Arc::new(Upstreams::new(settings.clone())),
        grpc: None,
        quota: RateQuota::default(),
        store: None,
        clock: Arc::new(ManualClock::default()),
        logger: Logger::root(slog::Discard, o!()),
    }
}

async fn open(backends: &str, store: Option<&Arc<MemoryState>>) -> Arc<Administration> {
    let mut settings = settings(backends);
    settings.basket.enabled = false;
    let parts = Parts { store: store.map(|store| Arc::clone(store) as _), ..parts(&settings) };
    Administration::open(&settings, parts).await.unwrap()
}

fn backend(text: &str) -> Backend {
    Backend::parse(text).unwrap()
}

fn add(text: &str) -> Change {
    Change::Add { fleet: PRODUCT, backend: backend(text) }
}

fn adjust(id: &str, weight: Option<u16>, draining: Option<bool>) -> Change {
    let weight = weight.map_or(Edit::Keep, |weight| Edit::Set(gateway_domain::Weight::new(weight).unwrap()));
    Change::Adjust { fleet: PRODUCT, id: id.to_owned(), weight, draining }
}

fn remove(id: &str) -> Change {
    Change::Remove { fleet: PRODUCT, id: id.to_owned() }
}

fn breaker(id: &str, open: bool) -> Change {
    Change::Breaker { fleet: PRODUCT, id: id.to_owned(), open }
}

fn upstream(administration: &Administration) -> &Upstream {
    administration.upstream(PRODUCT).unwrap()
}

async fn enter(administration: &Administration) -> Slot {
    upstream(administration).enter(&mut Past::default(), &context()).await.unwrap()
}

/// `a:1 3 ready`.
async fn shown(administration: &Administration) -> Vec<String> {
    let view = administration.balancer(PRODUCT).await;
    let show =
        |backend: &BackendStatus| format!("{} {} {}", backend.backend, backend.weight, backend.condition);
    view.backends.iter().map(show).collect()
}

#[tokio::test]
async fn changes_are_made_told_and_counted() {
    let administration = open("http://a:1,http://b:1", None).await;
    let ctx = context_of("ada");
    let first = administration.status().await.version;
    let added = administration.make(&ctx, add("http://c:1;weight=3"), Some(first)).await.unwrap();
    assert_eq!(added.version(), first + 1);
    administration.make(&ctx, adjust("a:1", Some(7), Some(true)), None).await.unwrap();
    administration.make(&ctx, remove("b:1"), None).await.unwrap();
    assert_eq!(shown(&administration).await, ["a:1 7 draining", "c:1 3 warming"]);
    let strategy = Edit::Set(gateway_domain::balancing::Strategy::LeastConnections);
    let tuning = Tuning { strategy, ..Tuning::default() };
    administration.make(&context(), Change::Tune { fleet: PRODUCT, tuning }, None).await.unwrap();
    let audit = administration.audit(10).await;
    let told: Vec<_> = audit
        .iter()
        .map(|AuditEntry { version, who, what, target, before, after, .. }| {
            format!("{} {who} {what} {target}: {before} → {after}", version - first)
        })
        .collect();
    assert_eq!(
        told,
        [
            "4 (authentication is off) tune_service product: round_robin, for each backend 1024 requests at once and \
             256 waiting → least_connections, for each backend 1024 requests at once and 256 waiting",
            "3 ada remove_backend product b:1: weight 1 → absent",
            "2 ada adjust_backend product a:1: weight 1 → weight 7, draining",
            "1 ada add_backend product c:1: absent → weight 3",
        ]
    );
    assert_eq!((audit[0].request_id.as_str(), administration.audit(1).await.len()), ("test", 1));
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let store = Arc::new(MemoryState::default());
    let administration = open("http://a:1", Some(&store)).await;
    let before = (administration.status().await.version, shown(&administration).await);
    let basket = Change::Add { fleet: Fleet::Http(Service::Basket), backend: backend("http://c:1") };
    store.set_failing(true);
    for (change, expected, code) in [
        (add("http://b:1"), Some(7), "stale"),
        (add("http://a:1"), None, "backend_exists"),
        (remove("a:1"), None, "last_backend"),
        (remove("z:1"), None, "unknown_backend"),
        (basket, None, "service_disabled"),
        (breaker("a:1", true), None, "no_breaker"),
        (add("http://b:1"), None, "not_kept"),
    ] {
        let error = administration.make(&context(), change, expected).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    assert_eq!((administration.status().await.version, shown(&administration).await), before);
    assert!(administration.audit(10).await.is_empty());
}

#[tokio::test]
async fn the_same_again_is_no_change() {
    let administration = open("http://a:1,http://b:1", None).await;
    let drain = || adjust("a:1", None, Some(true));
    let first = administration.make(&context(), drain(), None).await.unwrap();
    let again = administration.make(&context(), drain(), None).await.unwrap();
    assert_eq!(again.version(), first.version());
    assert!(matches!(again, Changed::Balancer(view) if view.backends[0].draining));
    assert_eq!(administration.audit(10).await.len(), 1);
}

#[tokio::test]
async fn of_many_at_once_each_has_its_version_and_one_wins_a_race() {
    let administration = open("http://a:1", None).await;
    let first = administration.status().await.version;
    let changes = (1..=200_u16).map(|weight| {
        let administration = Arc::clone(&administration);
        tokio::spawn(async move {
            let weight = 1_001 - weight;
            (weight, administration.make(&context(), adjust("a:1", Some(weight), None), None).await)
        })
    });
    let mut versions = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        let (weight, made) = change.await.unwrap();
        let Changed::Balancer(view) = made.unwrap() else { panic!("not what was changed") };
        assert_eq!(view.backends[0].weight, weight, "each is shown its own change");
        versions.push(view.version - first);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=200).collect::<Vec<_>>());
    let current = first + 200;
    let racers = ["http://b:1", "http://c:1", "http://d:1"]
        .map(|url| async { administration.make(&context(), add(url), Some(current)).await.is_ok() });
    let won = futures_util::future::join_all(racers).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(shown(&administration).await.len(), 2);
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    let store = Arc::new(MemoryState::default());
    let administration = open("http://a:1,http://b:1", Some(&store)).await;
    administration.make(&context(), add("http://c:1"), None).await.unwrap();
    let version = administration.make(&context(), adjust("b:1", Some(9), Some(true)), None).await.unwrap();
    let version = version.version();
    // The next process is configured otherwise.
    let next = open("http://b:1,http://d:1", Some(&store)).await;
    assert_eq!(shown(&next).await, ["b:1 9 draining", "d:1 1 warming", "c:1 1 warming"]);
    let status = next.status().await;
    assert_eq!((status.version, status.kept), (version, true));
}

#[tokio::test]
async fn backends_of_grpc_are_a_fleet_of_their_own() {
    let (http, grpc) = (settings("http://a:1"), settings("http://a:2,http://b:2"));
    let parts = |grpc| Parts { grpc, ..parts(&http) };
    let at_work = Arc::new(Upstreams::for_grpc(grpc.clone()));
    let administration = Administration::open(&http, parts(Some((at_work, grpc)))).await.unwrap();
    let remove = || Change::Remove { fleet: GRPC, id: "b:2".to_owned() };
    administration.make(&context(), remove(), None).await.unwrap();
    let view = administration.balancer(GRPC).await;
    assert_eq!(
        (view.service, view.backends.len(), view.backends[0].backend.as_str()),
        ("product-grpc", 1, "a:2")
    );
    assert_eq!(shown(&administration).await, ["a:1 1 warming"]);
    assert_eq!(administration.audit(1).await[0].target, "product-grpc b:2");
    let found = vec![backend("http://a:2"), backend("http://b:2"), backend("http://c:2")];
    assert_eq!(administration.adopt(vec![(GRPC, found)]).await, [GRPC]);
    let view = administration.balancer(GRPC).await;
    let backends: Vec<_> = view.backends.iter().map(|backend| backend.backend.as_str()).collect();
    assert_eq!(backends, ["a:2", "c:2"], "what was taken out stays out");
    assert_eq!(shown(&administration).await, ["a:1 1 warming"]);

    let without = Administration::open(&http, parts(None)).await.unwrap();
    assert!(!without.balancer(GRPC).await.enabled);
    let error = without.make(&context(), remove(), None).await.unwrap_err();
    assert_eq!(error.to_string(), "the product-grpc service is switched off");
}

#[tokio::test]
async fn without_balancing_the_first_takes_everything_until_it_is_drained() {
    let mut settings = settings("http://a:1,http://b:1");
    settings.balancing.enabled = false;
    let administration = Administration::open(&settings, parts(&settings)).await.unwrap();
    administration.make(&context(), add("http://c:1"), None).await.unwrap();
    assert_eq!(shown(&administration).await, ["a:1 1 warming"]);
    administration.make(&context(), adjust("a:1", None, Some(true)), None).await.unwrap();
    assert_eq!(shown(&administration).await, ["a:1 1 draining", "b:1 1 warming"]);
    assert_eq!(enter(&administration).await.member().backend().authority(), "b:1");
}

#[tokio::test]
async fn a_rate_is_put_in_force_and_given_back() {
    let administration = open("http://a:1", None).await;
    let one = std::num::NonZeroU32::MIN;
    let quota = gateway_domain::limit::Quota::new(one, Duration::from_secs(1), one).unwrap();
    administration.make(&context(), Change::Rate(Some(RateRule::Limited(quota))), None).await.unwrap();
    assert_eq!(administration.quota.current().0, Some(quota));
    let view = administration.rate().await;
    assert_eq!((view.changed, view.limit.unwrap().window), (true, Duration::from_secs(1)));
    administration.make(&context(), Change::Rate(None), None).await.unwrap();
    assert_eq!((administration.quota.current().0, administration.rate().await.changed), (None, false));
    let audit = administration.audit(1).await;
    assert_eq!(
        (audit[0].before.as_str(), audit[0].after.as_str()),
        ("1 requests in 1000 ms, 1 at once", "unlimited")
    );
}

#[tokio::test]
async fn requests_under_way_outlast_a_drain_and_a_removal() {
    let administration = open("http://a:1,http://b:1", None).await;
    let slots = [enter(&administration).await, enter(&administration).await];
    administration.make(&context(), adjust("a:1", None, Some(true)), None).await.unwrap();
    administration.make(&context(), add("http://c:1"), None).await.unwrap();
    administration.make(&context(), remove("b:1"), None).await.unwrap();
    let view = administration.balancer(PRODUCT).await;
    assert_eq!((view.backends[0].in_flight, view.backends[0].drained), (1, false));
    assert_eq!(view.leaving, [LeavingView { url: "http://b:1".to_owned(), server_name: None, in_flight: 1 }]);
    assert_eq!(enter(&administration).await.member().backend().authority(), "c:1");
    drop(slots);
    let view = administration.balancer(PRODUCT).await;
    assert_eq!((view.backends[0].in_flight, view.backends[0].drained), (0, true));
    assert!(view.leaving.is_empty());
}

/// Places are taken, and those who wait for one learn at once that they wait in vain.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_drained_backend_goes_to_another_one() {
    let administration = open("http://a:1", None).await;
    let few = Tuning { in_flight: Edit::Set(std::num::NonZeroU32::MIN), ..Tuning::default() };
    administration.make(&context(), Change::Tune { fleet: PRODUCT, tuning: few }, None).await.unwrap();
    let held = enter(&administration).await;
    let waiting = {
        let administration = Arc::clone(&administration);
        tokio::spawn(async move { enter(&administration).await.member().backend().authority().to_owned() })
    };
    while administration.balancer(PRODUCT).await.backends[0].waiting == 0 {
        tokio::task::yield_now().await;
    }
    administration.make(&context(), add("http://b:1"), None).await.unwrap();
    administration.make(&context(), adjust("a:1", None, Some(true)), None).await.unwrap();
    assert_eq!(waiting.await.unwrap(), "b:1");
    drop(held);
}

#[tokio::test]
async fn what_discovery_finds_keeps_what_stays_as_it_is() {
    let mut settings = settings("http://a:1,http://b:1");
    settings.balancing.member.breaker = Some(gateway_domain::breaker::BreakerSettings {
        minimum_calls: 1,
        ..gateway_domain::breaker::BreakerSettings::default()
    });
    let administration = Administration::open(&settings, parts(&settings)).await.unwrap();
    administration.make(&context(), adjust("a:1", Some(5), None), None).await.unwrap();
    let mut slot = enter(&administration).await;
    let failed = slot.member().backend().authority().to_owned();
    let now = slot.started();
    upstream(&administration).settle(&mut slot, Outcome::Answered(500), now);
    let found = vec![backend("http://a:1"), backend("http://b:1"), backend("http://c:1")];
    assert_eq!(administration.adopt(vec![(PRODUCT, found.clone())]).await, [PRODUCT]);
    assert!(administration.adopt(vec![(PRODUCT, found)]).await.is_empty(), "nothing new");
    let view = administration.balancer(PRODUCT).await;
    assert_eq!((view.backends.len(), view.backends[0].weight), (3, 5));
    let of = |authority: &str| view.backends.iter().find(|backend| backend.backend == authority).unwrap();
    assert_eq!((of(&failed).breaker.unwrap().state, of(&failed).in_flight), ("open", 1));
    assert_eq!(of("c:1").breaker.unwrap().state, "closed");

    // Gone and back within a request: it is the same one.
    administration.adopt(vec![(PRODUCT, vec![backend("http://c:1")])]).await;
    administration
        .adopt(vec![(PRODUCT, vec![backend("http://c:1"), backend(&format!("http://{failed}"))])])
        .await;
    let view = administration.balancer(PRODUCT).await;
    assert_eq!(view.backends[1].breaker.unwrap().state, "open");

    administration.make(&context(), breaker(&failed, false), None).await.unwrap();
    administration.make(&context(), breaker("c:1", true), None).await.unwrap();
    let view = administration.balancer(PRODUCT).await;
    let states: Vec<_> = view.backends.iter().map(|backend| backend.breaker.unwrap().state).collect();
    assert_eq!(states, ["forced_open", "closed"]);
    administration.make(&context(), breaker("c:1", false), None).await.unwrap();
    assert_eq!(administration.balancer(PRODUCT).await.backends[0].breaker.unwrap().state, "closed");
}
