//! The idempotency keys' table. Answers are bytes here; the context's adapter knows what they mean.

use std::time::Duration;

use diesel::{SqliteConnection, prelude::*};
use kernel_application::{Claim, IdempotencyKey, StoreError};

use crate::{
    Database, WriteError,
    purge::{bit_by_bit, purge},
    schema::idempotency_key as keys,
    time::now_and,
};

const PURGE: &str = "DELETE FROM idempotency_key WHERE (principal, route, key) IN \
    (SELECT principal, route, key FROM idempotency_key WHERE created_at < ? ORDER BY created_at LIMIT ?)";

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

/// The keys of one context's file.
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
    pub async fn begin(
        &self,
        claim: &Claim,
        request_hash: &str,
        lock: Duration,
    ) -> Result<StoredBegin, StoreError> {
        let (claim, hash) = (claim.clone(), request_hash.to_owned());
        self.db
            .transact("take idempotency key", move |tx| {
                let (now, until) = now_and(lock);
                let found = keys::table
                    .find(key(&claim.key))
                    .select((keys::request_hash, keys::locked_until, keys::answer))
                    .first::<(String, i64, Option<Vec<u8>>)>(tx.conn())
                    .optional()?;
                match found {
                    None => insert(tx.conn(), &claim, &hash, now, until)?,
                    Some((other, ..)) if other != hash => return Ok(StoredBegin::Mismatch),
                    Some((.., Some(answer))) => return Ok(StoredBegin::Replay(answer)),
                    Some((_, locked_until, None)) if locked_until > now => return Ok(StoredBegin::Running),
                    Some(_) => lock_again(tx.conn(), &claim, until)?,
                }
                Ok(StoredBegin::Started)
            })
            .await
    }

    /// Keeps an answer where the key is still held and has none.
    pub async fn finish(&self, claim: &Claim, answer: Vec<u8>) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.db
            .transact("keep answer", move |tx| {
                settle(tx.conn(), &claim, &answer).map(drop).map_err(WriteError::from)
            })
            .await
    }

    /// Unlocks a key that is still held and has no answer; it stays with its request.
    pub async fn suspend(&self, claim: &Claim) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.db
            .transact("suspend idempotency key", move |tx| {
                let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
                diesel::update(held.filter(keys::answer.is_null()))
                    .set(keys::locked_until.eq(0))
                    .execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    /// Forgets a key that is still held and has no answer.
    pub async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.db
            .transact("release idempotency key", move |tx| {
                let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
                diesel::delete(held.filter(keys::answer.is_null())).execute(tx.conn())?;
                Ok(())
            })
            .await
    }

    /// Forgets keys made more than `retention` ago, some at a time so that no write waits long for it.
    pub async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        let some =
            || self.db.transact("purge idempotency keys", move |tx| Ok(purge(tx.conn(), PURGE, retention)?));
        bit_by_bit(some).await
    }
}

/// Writes the answer where the claim still holds: `false` otherwise.
pub(crate) fn settle(connection: &mut SqliteConnection, claim: &Claim, answer: &[u8]) -> QueryResult<bool> {
    let held = keys::table.find(key(&claim.key)).filter(keys::token.eq(&claim.token));
    let settled = diesel::update(held.filter(keys::answer.is_null()))
        .set(keys::answer.eq(answer))
        .execute(connection)?;
    Ok(settled == 1)
}

fn key(key: &IdempotencyKey) -> (&str, &'static str, &str) {
    (&key.principal, key.route, &key.key)
}

fn insert(
    connection: &mut SqliteConnection,
    claim: &Claim,
    hash: &str,
    now: i64,
    until: i64,
) -> QueryResult<()> {
    diesel::insert_into(keys::table)
        .values((
            keys::principal.eq(&claim.key.principal),
            keys::route.eq(claim.key.route),
            keys::key.eq(&claim.key.key),
            keys::request_hash.eq(hash),
            keys::token.eq(&claim.token),
            keys::locked_until.eq(until),
            keys::created_at.eq(now),
        ))
        .execute(connection)
        .map(drop)
}

fn lock_again(connection: &mut SqliteConnection, claim: &Claim, until: i64) -> QueryResult<()> {
    diesel::update(keys::table.find(key(&claim.key)))
        .set((keys::token.eq(&claim.token), keys::locked_until.eq(until)))
        .execute(connection)
        .map(drop)
}
