//! Idempotency keys: the first answer under a key is the only one.
//!
//! The key is inserted before anything happens. The store settles it, with the answer, in the transaction that
//! makes the effect (see [`CallContext::with_claim`]), so no crash can separate the two.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use shaku::Interface;

use crate::{CallContext, Caller, Command, CommandHandler, Permit, StoreError, UseCaseError};

/// How long a key stays locked for a caller that never comes back: a little longer than any request may take.
const LOCK: Duration = Duration::from_secs(35);

/// Whose key, for what, and which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Who calls, and how far they reach.
    pub principal: String,
    /// The use case.
    pub route: &'static str,
    /// The client's key.
    pub key: String,
}

/// A key held by this call. `token` fences off a call that lost the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: IdempotencyKey,
    /// Made anew each time the key is taken.
    pub token: String,
}

/// What a store says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin<A> {
    /// The caller holds it now.
    Started(Claim),
    /// It was used for the same request: this was the answer.
    Replay(A),
    /// It was used for another request.
    Mismatch,
    /// Another call holds it.
    Running,
}

/// Keeps keys and answers for at least 24 hours.
#[async_trait]
pub trait IdempotencyStore<A: Send + 'static>: Interface {
    /// Takes the key, atomically: of many callers at once, one MUST get `Started`. A lock older than `lock` is taken over.
    async fn begin(
        &self,
        key: IdempotencyKey,
        request_hash: &str,
        lock: Duration,
    ) -> Result<Begin<A>, StoreError>;

    /// Keeps the answer of a call that had no effect to settle it with; does nothing where it is settled already.
    async fn finish(&self, claim: &Claim, answer: A) -> Result<(), StoreError>;

    /// Unlocks an unsettled key for the same request, and for no other: what was asked for is under way.
    async fn suspend(&self, claim: &Claim) -> Result<(), StoreError>;

    /// Lets an unsettled key go, as if it had never been used; a settled one stays.
    async fn release(&self, claim: &Claim) -> Result<(), StoreError>;
}

/// A command that may carry an idempotency key.
pub trait IdempotentCommand: Command {
    /// Everything that makes two requests the same, as text. Keys outlive a deployment: what it says of a request that
    /// an older version could make MUST not change.
    fn fingerprint(&self) -> String;
}

/// What is kept under a key and given again.
pub trait Answer<C: Command>: Send + Sync + Sized + 'static {
    /// What to keep of a result.
    fn of(result: &Result<C::Output, C::Error>) -> Kept<Self>;

    /// The answer, given again.
    fn into_result(self) -> Result<C::Output, C::Error>;
}

/// What stays under a key when its command has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept<A> {
    /// The answer, given again from now on.
    Answer(A),
    /// The key and its request: what was asked for is under way, and the same request may be sent again.
    Request,
    /// Nothing, for failures that must not be repeated (invalid input, a store away).
    Nothing,
}

/// A command, perhaps with a key.
#[derive(Clone, Debug)]
pub struct Keyed<C> {
    /// The key, where the client sent one.
    pub key: Option<IdempotencyKey>,
    /// The command.
    pub command: C,
}

impl<C: Command> Keyed<C> {
    /// `command` under `key`, where the client sent one. Each caller has their own keys, and other ones as an
    /// administrator: an answer is only given again to a caller who might touch then and now what it is about.
    pub fn new(ctx: &CallContext, key: Option<String>, command: C) -> Self {
        let key = key.map(|key| IdempotencyKey { principal: owner(ctx.caller()), route: C::NAME, key });
        Self { key, command }
    }
}

/// An answer, and whether it is an old one.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub result: T,
    /// Whether it was given before.
    pub replayed: bool,
}

impl<C: IdempotentCommand> Command for Keyed<C>
where
    C::Error: From<IdempotencyError>,
{
    const NAME: &'static str = C::NAME;
    type Output = Answered<Result<C::Output, C::Error>>;
    type Error = C::Error;

    fn permit(&self) -> Permit<'_> {
        self.command.permit()
    }
}

/// Why a key was refused.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key belongs to another request.
    #[error("idempotency key was used for another request")]
    Mismatch,
    /// The first request under the key is still running.
    #[error("request with this idempotency key is still running")]
    Running,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The decorator: runs a keyed command once.
pub struct Idempotent<C: Command, A> {
    inner: Arc<dyn CommandHandler<C>>,
    store: Arc<dyn IdempotencyStore<A>>,
}

impl<C: IdempotentCommand, A: Answer<C>> Idempotent<C, A>
where
    C::Error: From<IdempotencyError>,
{
    /// Wraps `inner`, with answers kept in `store`.
    pub fn new(inner: Arc<dyn CommandHandler<C>>, store: Arc<dyn IdempotencyStore<A>>) -> Self {
        Self { inner, store }
    }

    async fn run(
        &self,
        ctx: &CallContext,
        claim: &Claim,
        command: C,
    ) -> Result<Result<C::Output, C::Error>, StoreError> {
        let result = self.inner.handle(&ctx.with_claim(claim.clone()), command).await;
        match A::of(&result) {
            Kept::Answer(answer) => self.store.finish(claim, answer).await?,
            Kept::Request => self.store.suspend(claim).await?,
            Kept::Nothing => self.store.release(claim).await?,
        }
        Ok(result)
    }
}

#[async_trait]
impl<C: IdempotentCommand, A: Answer<C>> CommandHandler<Keyed<C>> for Idempotent<C, A>
where
    C::Error: From<IdempotencyError>,
{
    async fn handle(
        &self,
        ctx: &CallContext,
        Keyed { key, command }: Keyed<C>,
    ) -> Result<Answered<Result<C::Output, C::Error>>, C::Error> {
        let Some(key) = key else {
            return Ok(Answered { result: self.inner.handle(ctx, command).await, replayed: false });
        };
        let hash = hash(&command.fingerprint());
        match self.store.begin(key, &hash, LOCK).await.map_err(IdempotencyError::Store)? {
            Begin::Started(claim) => {
                let result = self.run(ctx, &claim, command).await.map_err(IdempotencyError::Store)?;
                Ok(Answered { result, replayed: false })
            }
            Begin::Replay(answer) => Ok(Answered { result: answer.into_result(), replayed: true }),
            Begin::Mismatch => Err(IdempotencyError::Mismatch.into()),
            Begin::Running => Err(IdempotencyError::Running.into()),
        }
    }
}

/// Whose keys a caller uses. No subject has a parenthesis, so none has an administrator's keys.
fn owner(caller: &Caller) -> String {
    match (caller, caller.scope()) {
        (Caller::Known(principal), Ok(None)) => format!("(admin) {}", principal.subject().as_str()),
        _ => caller.account().to_owned(),
    }
}

fn hash(fingerprint: &str) -> String {
    use std::fmt::Write;

    Sha256::digest(fingerprint).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl UseCaseError for IdempotencyError {
    fn class(&self) -> crate::ErrorClass {
        match self {
            Self::Mismatch => crate::ErrorClass::Invalid,
            Self::Running => crate::ErrorClass::Contended,
            Self::Store(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Mismatch => "idempotency_key_reused",
            Self::Running => "idempotency_key_in_use",
            Self::Store(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel_domain::UserId;

    use super::*;
    use crate::{Principal, Role};

    fn known(name: &str, roles: &[Role]) -> Caller {
        Caller::known(Principal::new(UserId::new(name).unwrap(), roles.iter().copied()))
    }

    #[test]
    fn whoever_reaches_further_or_less_far_has_other_keys() {
        assert_eq!(owner(&known("root", &[])), "root");
        assert_eq!(owner(&known("root", &[Role::Service])), "root");
        assert_eq!(owner(&known("root", &[Role::Service, Role::Admin])), "(admin) root");
        let callers =
            [known("admin", &[]), known("admin", &[Role::Admin]), known("anonymous", &[]), Caller::Anonymous];
        assert_eq!(callers.iter().map(owner).collect::<BTreeSet<_>>().len(), callers.len());
        assert!(UserId::new("(admin) root").is_err());
    }
}
