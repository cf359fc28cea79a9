//! Transactions in which the domain may say no.

use std::sync::mpsc;

use diesel::result::Error;
use kernel_application::{CallContext, StoreError};
use platform_sqlite::{Database, Tx, WriteError};
use product_application::ports::Failure;

/// Why a transaction is rolled back.
pub(crate) enum Halt<R> {
    /// The domain refuses.
    Refused(R),
    /// The store cannot.
    Write(WriteError),
}

impl<R, E: Into<WriteError>> From<E> for Halt<R> {
    fn from(error: E) -> Self {
        Self::Write(error.into())
    }
}

/// Runs `change` as [`Database::write`] does; a refusal rolls everything back, the settled delivery included, so that
/// the event can still go to the dead letters.
pub(crate) async fn write_or_refuse<T, R, F>(
    db: &Database,
    ctx: &CallContext,
    operation: &'static str,
    change: F,
) -> Result<T, Failure<R>>
where
    T: Send + 'static,
    R: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
{
    let (say_no, refusal) = mpsc::sync_channel(1);
    let written = db
        .write(ctx, operation, move |tx| {
            change(tx).map_err(|halt| match halt {
                Halt::Write(error) => error,
                Halt::Refused(reason) => {
                    let _received = say_no.send(reason);
                    WriteError::Sql(Error::RollbackTransaction)
                }
            })
        })
        .await;
    match refusal.try_recv() {
        Ok(reason) => Err(Failure::Refused(reason)),
        Err(_) => written.map_err(|error: StoreError| Failure::Store(error)),
    }
}
