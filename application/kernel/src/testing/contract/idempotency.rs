//! What every store of idempotency keys has to do, whatever its answers are: here they are bytes.
//!
//! That an answer is kept with the effect of a real command is in the contract of the context that has keys.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{LONG, SHORT, eventually};
use crate::{Begin, Claim, IdempotencyKey, IdempotencyStore, StoreError};

/// A store of keys that is empty at first.
#[async_trait]
pub trait IdempotencyBench: Send + Sync + 'static {
    /// The keys.
    fn keys(&self) -> Arc<dyn IdempotencyStore<Vec<u8>>>;

    /// A write that settles `claim` with `answer` and adds one to [`IdempotencyBench::effects`].
    async fn apply(&self, claim: &Claim, answer: &[u8]) -> Result<(), StoreError>;

    /// How many effects there are.
    async fn effects(&self) -> u64;

    /// Forgets keys taken more than `retention` ago and answers how many.
    async fn purge(&self, retention: Duration) -> Result<u64, StoreError>;
}

/// Runs the suite, each case on a bench of its own from `make`.
pub async fn all<B: IdempotencyBench>(make: impl AsyncFn() -> B) {
    one_of_many_gets_the_key(make().await).await;
    keys_do_not_mix(&make().await).await;
    an_answer_is_kept_once(&make().await).await;
    a_lock_that_is_over_is_taken_over(&make().await).await;
    of_parallel_writes_one_has_an_effect(make().await).await;
    forgets_what_is_old(&make().await).await;
}

/// Of many calls at once, one holds the key.
pub async fn one_of_many_gets_the_key(bench: impl IdempotencyBench) {
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let keys = bench.keys();
        calls.spawn(async move { keys.begin(key("k"), "hash", LONG).await.unwrap() });
    }
    let mut started = 0;
    for begin in calls.join_all().await {
        match begin {
            Begin::Started(_) => started += 1,
            other => assert_eq!(other, Begin::Running),
        }
    }
    assert_eq!(started, 1);
}

/// Principal, route and key together are the key, to the letter.
pub async fn keys_do_not_mix(bench: &impl IdempotencyBench) {
    start(bench, key("k"), LONG).await;
    start(bench, key("K"), LONG).await;
    start(bench, key("k "), LONG).await;
    for principal in ["other", "P", "(admin) p"] {
        start(bench, IdempotencyKey { principal: principal.into(), ..key("k") }, LONG).await;
    }
    start(bench, IdempotencyKey { route: "other", ..key("k") }, LONG).await;
}

/// The first answer stays: no other claim, no second answer and no release takes it away.
pub async fn an_answer_is_kept_once(bench: &impl IdempotencyBench) {
    let keys = bench.keys();
    let claim = start(bench, key("k"), LONG).await;
    let stranger = Claim { token: "stranger".into(), ..claim.clone() };
    keys.finish(&stranger, b"no".to_vec()).await.unwrap();
    keys.suspend(&stranger).await.unwrap();
    keys.release(&stranger).await.unwrap();
    fenced(&bench.apply(&stranger, b"no").await);
    assert_eq!(keys.begin(key("k"), "hash", LONG).await.unwrap(), Begin::Running);

    let answer = vec![0, 0xff, b'y'];
    keys.finish(&claim, answer.clone()).await.unwrap();
    keys.finish(&claim, b"second".to_vec()).await.unwrap();
    keys.suspend(&claim).await.unwrap();
    keys.release(&claim).await.unwrap();
    fenced(&bench.apply(&claim, b"second").await);
    assert_eq!(keys.begin(key("k"), "hash", LONG).await.unwrap(), Begin::Replay(answer));
    assert_eq!(bench.effects().await, 0);
}

/// A call that never came back loses the key when its lock is over, and with it the right to write.
pub async fn a_lock_that_is_over_is_taken_over(bench: &impl IdempotencyBench) {
    let keys = bench.keys();
    let lost = start(bench, key("k"), SHORT).await;
    assert_eq!(keys.begin(key("k"), "other", LONG).await.unwrap(), Begin::Mismatch);
    let held = eventually(async || match keys.begin(key("k"), "hash", LONG).await.unwrap() {
        Begin::Started(claim) => Some(claim),
        _ => None,
    })
    .await;
    assert_ne!(held.token, lost.token);
    fenced(&bench.apply(&lost, b"late").await);
    assert_eq!(bench.effects().await, 0);
    bench.apply(&held, b"answer").await.unwrap();
    assert_eq!(bench.effects().await, 1);
    assert_eq!(keys.begin(key("k"), "hash", LONG).await.unwrap(), Begin::Replay(b"answer".to_vec()));
}

/// Of many that settle one claim at once, one has an effect.
pub async fn of_parallel_writes_one_has_an_effect(bench: impl IdempotencyBench) {
    let claim = start(&bench, key("k"), LONG).await;
    let bench = Arc::new(bench);
    let mut writers = JoinSet::new();
    for _ in 0..20 {
        let (bench, claim) = (Arc::clone(&bench), claim.clone());
        writers.spawn(async move { bench.apply(&claim, b"answer").await });
    }
    let applied = writers.join_all().await.into_iter().flatten().count();
    assert_eq!((applied, bench.effects().await), (1, 1));
}

/// Keys go when their time is over, not before.
pub async fn forgets_what_is_old(bench: &impl IdempotencyBench) {
    for n in 0..3 {
        let claim = start(bench, key(&n.to_string()), LONG).await;
        bench.keys().finish(&claim, b"answer".to_vec()).await.unwrap();
    }
    assert_eq!(bench.purge(LONG).await.unwrap(), 0);
    let mut forgotten = 0;
    eventually(async || {
        forgotten += bench.purge(Duration::ZERO).await.unwrap();
        (forgotten >= 3).then_some(())
    })
    .await;
    assert_eq!(forgotten, 3);
    start(bench, key("0"), LONG).await;
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey { principal: "p".into(), route: "r", key: key.into() }
}

async fn start(bench: &impl IdempotencyBench, key: IdempotencyKey, lock: Duration) -> Claim {
    let Begin::Started(claim) = bench.keys().begin(key, "hash", lock).await.unwrap() else {
        unreachable!("the key was free")
    };
    claim
}

fn fenced(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Fenced)), "{result:?}");
}
