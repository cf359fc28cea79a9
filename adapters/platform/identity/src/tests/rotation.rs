//! Keys that change, are asked for, or cannot be had.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use platform_runtime::SystemClock;
use platform_telemetry::{Metrics, silent};
use platform_testkit::data_dir;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

use super::{believing, seen};
use crate::{
    Authenticator, Rejected,
    key_set::KeySet,
    keys::{Keys, WAITERS},
    source::{FileSource, Source, SourceError, Timing},
    testing::TestIssuer,
};

/// An issuer's key page, which tests change and count the looks at.
#[derive(Clone, Default)]
struct Page(Arc<Content>);

#[derive(Default)]
struct Content {
    /// `None` while nobody answers.
    jwks: Mutex<Option<String>>,
    asked: AtomicU32,
    /// By how many seconds it is slower than usual.
    late: AtomicU64,
}

struct PageSource {
    page: Page,
    last: String,
}

/// How long the page takes to answer.
const SLOW: Duration = Duration::from_millis(300);

#[async_trait]
impl Source for PageSource {
    async fn load(&mut self) -> Result<Option<KeySet>, SourceError> {
        self.page.0.asked.fetch_add(1, Ordering::Relaxed);
        sleep(SLOW + Duration::from_secs(self.page.0.late.load(Ordering::Relaxed))).await;
        let jwks = self.page.0.jwks.lock().unwrap().clone();
        let at = "the page".to_owned();
        let jwks = jwks.ok_or_else(|| SourceError::Status { url: at.clone(), status: 503 })?;
        if jwks == self.last {
            return Ok(None);
        }
        let keys = KeySet::parse(jwks.as_bytes()).map_err(|source| SourceError::Refused { at, source })?;
        self.last = jwks;
        Ok(Some(keys))
    }
}

impl Page {
    fn show(&self, jwks: impl Into<String>) {
        *self.0.jwks.lock().unwrap() = Some(jwks.into());
    }

    fn hide(&self) {
        *self.0.jwks.lock().unwrap() = None;
    }

    /// From now on it answers so late that whoever asks gives up.
    fn hang(&self) {
        self.hide();
        self.0.late.store(5, Ordering::Relaxed);
    }

    fn asked(&self) -> u32 {
        self.0.asked.load(Ordering::Relaxed)
    }

    fn authenticator(&self) -> Authenticator {
        follow(PageSource { page: self.clone(), last: String::new() }, Timing::URL)
    }
}

fn follow(source: impl Source + 'static, timing: Timing) -> Authenticator {
    let keys = Keys::follow(Box::new(source), timing, silent(), &Handle::current());
    believing(keys, Arc::new(SystemClock))
}

fn both(one: &TestIssuer, two: &TestIssuer) -> String {
    serde_json::json!({ "keys": [one.jwk(), two.jwk()] }).to_string()
}

#[tokio::test(start_paused = true)]
async fn the_first_request_waits_for_the_keys() {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &issuer.token("ada", &[])).await.is_ok());
    assert_eq!(page.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_keys_nobody_is_turned_away_for_good() {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    let authenticator = page.authenticator();
    let token = issuer.token("ada", &[]);
    assert_eq!(seen(&authenticator, &token).await, Err(Rejected::Unavailable));
    assert!(authenticator.health().unwrap().check().await.unwrap_err().contains("AUTH_JWKS_URL"));
    page.show(issuer.jwks());
    sleep(Timing::URL.retry + SLOW).await;
    assert!(seen(&authenticator, &token).await.is_ok());
    assert_eq!(authenticator.health().unwrap().check().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_for_all_who_wait() {
    let (page, old, new) = (Page::default(), TestIssuer::new(), TestIssuer::new());
    page.show(old.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &old.token("ada", &[])).await.is_ok());
    page.show(both(&old, &new));
    sleep(Timing::URL.cooldown).await;
    let token = new.token("ada", &[]);
    let all = join_all((0..WAITERS).map(|_| seen(&authenticator, &token))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(page.asked(), 2);
    assert!(seen(&authenticator, &old.token("ada", &[])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_keys_is_none_at_the_issuer() {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &issuer.token("ada", &[])).await.is_ok());
    let begun = page.asked();
    for _ in 0..100 {
        let stranger = issuer.stranger("ada", &["admin"]);
        assert_eq!(seen(&authenticator, &stranger).await, Err(Rejected::UnknownKey));
        sleep(Duration::from_millis(100)).await;
    }
    let asked = page.asked() - begun;
    assert!((1..=3).contains(&asked), "{asked} times within ten seconds");
}

/// An issuer that has been asked, and hangs; the source may be asked again.
async fn hanging() -> (Page, TestIssuer, Authenticator) {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &issuer.token("ada", &[])).await.is_ok());
    page.hang();
    sleep(Timing::URL.cooldown).await;
    (page, issuer, authenticator)
}

#[tokio::test(start_paused = true)]
async fn after_an_issuer_has_hung_nobody_waits_until_it_may_be_asked_again() {
    let (page, issuer, authenticator) = hanging().await;
    let stranger = issuer.stranger("ada", &[]);
    assert_eq!(seen(&authenticator, &stranger).await, Err(Rejected::UnknownKey));
    let ended = Instant::now();
    while ended.elapsed() + Duration::from_millis(100) < Timing::URL.cooldown {
        let begun = Instant::now();
        assert_eq!(seen(&authenticator, &stranger).await, Err(Rejected::UnknownKey));
        assert_eq!(begun.elapsed(), Duration::ZERO, "{:?} after it gave up", ended.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(page.asked(), 2);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(seen(&authenticator, &stranger).await, Err(Rejected::UnknownKey));
    assert_eq!(page.asked(), 3, "it is asked again for whoever comes then");
}

#[tokio::test(start_paused = true)]
async fn while_an_issuer_hangs_few_wait_and_known_keys_are_as_fast_as_ever() {
    let (_page, issuer, authenticator) = hanging().await;
    let (stranger, begun) = (issuer.stranger("ada", &[]), Instant::now());
    let flood = join_all((0..1_000).map(|_| async {
        let outcome = seen(&authenticator, &stranger).await;
        (outcome, begun.elapsed())
    }));
    let honest = async {
        sleep(Duration::from_secs(1)).await;
        let outcome = seen(&authenticator, &issuer.token("bob", &[])).await;
        (outcome, begun.elapsed())
    };
    let (flood, (known, after)) = tokio::join!(flood, honest);
    assert_eq!((known, after), (Ok(("bob".to_owned(), false)), Duration::from_secs(1)));
    let (at_once, waited): (Vec<_>, Vec<_>) = flood.into_iter().partition(|(_, after)| after.is_zero());
    assert_eq!((at_once.len(), waited.len()), (1_000 - WAITERS, WAITERS));
    assert!(at_once.iter().all(|(outcome, _)| *outcome == Err(Rejected::Unavailable)));
    assert!(waited.iter().all(|(outcome, _)| *outcome == Err(Rejected::UnknownKey)));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_withdrawn_verifies_nothing_any_more() {
    let (page, old, new) = (Page::default(), TestIssuer::new(), TestIssuer::new());
    page.show(both(&old, &new));
    let authenticator = page.authenticator();
    let token = old.token("ada", &[]);
    assert!(seen(&authenticator, &token).await.is_ok());
    page.show(new.jwks());
    sleep(Timing::URL.interval + SLOW * 2).await;
    assert_eq!(seen(&authenticator, &token).await, Err(Rejected::UnknownKey), "though it was verified once");
    assert!(seen(&authenticator, &new.token("ada", &[])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn while_the_source_is_away_or_talks_nonsense_the_last_keys_stay() {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &issuer.token("ada", &[])).await.is_ok());
    page.hide();
    sleep(Timing::URL.interval * 2).await;
    assert!(seen(&authenticator, &issuer.token("bob", &[])).await.is_ok());
    page.show("<html>maintenance</html>");
    sleep(Timing::URL.interval * 2).await;
    assert!(seen(&authenticator, &issuer.token("cyd", &[])).await.is_ok());
    assert!(page.asked() > 10, "it is asked more often until it is back");
}

#[tokio::test(start_paused = true)]
async fn for_how_long_the_source_has_been_away_is_measured() {
    let (page, issuer, metrics) = (Page::default(), TestIssuer::new(), Metrics::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    authenticator.measured(&metrics);
    let age = || -> f64 {
        let text = metrics.encode();
        let line = text.lines().find_map(|line| line.strip_prefix("identity_keys_age_seconds "));
        line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    };
    sleep(Timing::URL.interval * 3).await;
    assert!(age() <= Timing::URL.interval.as_secs_f64(), "{}", age());
    page.hide();
    sleep(Timing::URL.interval * 3).await;
    assert!(age() >= (Timing::URL.interval * 2).as_secs_f64(), "{}", age());
    page.show(issuer.jwks());
    sleep(Timing::URL.retry + SLOW * 2).await;
    assert!(age() <= (Timing::URL.retry + SLOW * 2).as_secs_f64(), "the same keys count too: {}", age());
}

#[tokio::test(start_paused = true)]
async fn a_file_is_followed_and_a_bad_one_refused() {
    let (folder, old, new) = (data_dir().unwrap(), TestIssuer::new(), TestIssuer::new());
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, old.jwks()).unwrap();
    let authenticator = follow(FileSource::new(path.clone()), Timing::FILE);
    assert!(seen(&authenticator, &old.token("ada", &[])).await.is_ok());
    std::fs::write(&path, "{").unwrap();
    sleep(Timing::FILE.interval * 2).await;
    assert!(seen(&authenticator, &old.token("bob", &[])).await.is_ok(), "the last good keys stay");
    std::fs::write(&path, new.jwks()).unwrap();
    assert!(
        seen(&authenticator, &new.token("ada", &[])).await.is_ok(),
        "an unknown key is looked for at once"
    );
    assert_eq!(seen(&authenticator, &old.token("ada", &[])).await, Err(Rejected::UnknownKey));
}

#[tokio::test(start_paused = true)]
async fn nobody_follows_keys_that_nobody_needs() {
    let (page, issuer) = (Page::default(), TestIssuer::new());
    page.show(issuer.jwks());
    let authenticator = page.authenticator();
    assert!(seen(&authenticator, &issuer.token("ada", &[])).await.is_ok());
    drop(authenticator);
    sleep(Timing::URL.interval * 3).await;
    assert_eq!(page.asked(), 1);
}
