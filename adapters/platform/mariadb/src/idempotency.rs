//! The idempotency keys' table. Answers are bytes here; the context's adapter knows what they mean.

use std::time::Duration;

use diesel::{dsl::not, prelude::*};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use kernel_application::{Claim, IdempotencyKey, StoreError};

use crate::{Database, FromNow, Prepared, error::was_first, purge::purge, schema::idempotency_key as keys};

/// How often a key is asked for that is let go between two looks at it.
const ATTEMPTS: u32 = 3;

/// What the table says of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum StoredBegin {
    /// The caller holds it.
    Started,
    /// The answer of the first call.
    Replay(Vec<u8>),
    /// It belongs to another request.
    Mismatch,
    /// Another call holds it.
    Running,
}

/// The keys of one context's database.
#[derive(Clone)]
pub struct IdempotencyRows {
    db: Database,
}

impl IdempotencyRows {
    /// The keys of `db`.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// Takes the key for `claim`, or says who has it. Of many callers at once, one gets [`StoredBegin::Started`].
    ///
    /// Each statement is a transaction of its own. In one together, the callers that lost the insert would share its
    /// lock, and each would wait for the others to change the row.
    pub async fn begin(
        &self,
        claim: &Claim,
        request_hash: &str,
        lock: Duration,
    ) -> Result<StoredBegin, StoreError> {
        let begin = async |connection: &mut AsyncMysqlConnection| {
            for _ in 0..ATTEMPTS {
                if insert(connection, claim, request_hash, lock).await? {
                    return Ok(StoredBegin::Started);
                }
                if let Some(known) = look(connection, claim, request_hash, lock).await? {
                    return Ok(known);
                }
            }
            Ok(StoredBegin::Running)
        };
        self.db.autocommit("take idempotency key", begin).await
    }

    /// Keeps an answer where the key is still held and has none.
    pub async fn finish(&self, claim: &Claim, answer: Vec<u8>) -> Result<(), StoreError> {
        let finish = async |connection: &mut AsyncMysqlConnection| settle(connection, claim, &answer).await;
        self.db.autocommit("keep answer", finish).await.map(drop)
    }

    /// Unlocks a key that is still held and has no answer; it stays with its request.
    pub async fn suspend(&self, claim: &Claim) -> Result<(), StoreError> {
        let suspend = async |connection: &mut AsyncMysqlConnection| {
            let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
            let unlock = diesel::update(held.filter(keys::answer.is_null()))
                .set(keys::locked_until.eq(FromNow::before(Duration::from_hours(24))));
            Prepared(unlock).execute(connection).await
        };
        self.db.autocommit("suspend idempotency key", suspend).await.map(drop)
    }

    /// Forgets a key that is still held and has no answer.
    pub async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        let release = async |connection: &mut AsyncMysqlConnection| {
            let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
            diesel::delete(held.filter(keys::answer.is_null())).execute(connection).await
        };
        self.db.autocommit("release idempotency key", release).await.map(drop)
    }

    /// Forgets keys made more than `retention` ago, some at a time so that no write waits long for it.
    pub async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let table = ("idempotency_key", "created_at");
            match purge(&self.db, "purge idempotency keys", table, retention).await? {
                0 => return Ok(total),
                removed => total += removed,
            }
        }
    }
}

/// Writes the answer where the claim still holds: `false` otherwise.
pub(crate) async fn settle(
    connection: &mut AsyncMysqlConnection,
    claim: &Claim,
    answer: &[u8],
) -> QueryResult<bool> {
    let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
    let settle = diesel::update(held.filter(keys::answer.is_null())).set(keys::answer.eq(answer));
    Ok(Prepared(settle).execute(connection).await? == 1)
}

fn key(key: &IdempotencyKey) -> (&str, &'static str, &str) {
    (&key.principal, key.route, &key.key)
}

async fn insert(
    connection: &mut AsyncMysqlConnection,
    claim: &Claim,
    hash: &str,
    lock: Duration,
) -> QueryResult<bool> {
    let row = (
        keys::principal.eq(&claim.key.principal),
        keys::route.eq(claim.key.route),
        keys::key.eq(&claim.key.key),
        keys::request_hash.eq(hash),
        keys::token.eq(&claim.token),
        keys::locked_until.eq(FromNow::after(lock)),
    );
    was_first(diesel::insert_into(keys::table).values(row).execute(connection).await)
}

/// What to answer where the key is there; takes it over where its lock is over. `None` where it is gone by now.
async fn look(
    connection: &mut AsyncMysqlConnection,
    claim: &Claim,
    hash: &str,
    lock: Duration,
) -> QueryResult<Option<StoredBegin>> {
    let locked = not(keys::locked_until.lt(FromNow::now()));
    let found = keys::table
        .find(key(&claim.key))
        .select((keys::request_hash, keys::token, keys::answer, locked))
        .first::<(String, String, Option<Vec<u8>>, bool)>(connection)
        .await
        .optional()?;
    Ok(match found {
        None => None,
        Some((other, ..)) if other != hash => Some(StoredBegin::Mismatch),
        Some((_, _, Some(answer), _)) => Some(StoredBegin::Replay(answer)),
        Some((_, _, None, true)) => Some(StoredBegin::Running),
        Some((_, holder, None, false)) => {
            let taken = take_over(connection, claim, &holder, lock).await?;
            Some(if taken { StoredBegin::Started } else { StoredBegin::Running })
        }
    })
}

/// Of many that saw the lock of `holder` end, one takes the key.
async fn take_over(
    connection: &mut AsyncMysqlConnection,
    claim: &Claim,
    holder: &str,
    lock: Duration,
) -> QueryResult<bool> {
    let abandoned = keys::token.eq(holder).and(keys::answer.is_null());
    let take = diesel::update(keys::table.find(key(&claim.key)).filter(abandoned))
        .set((keys::token.eq(&claim.token), keys::locked_until.eq(FromNow::after(lock))));
    Ok(Prepared(take).execute(connection).await? == 1)
}
