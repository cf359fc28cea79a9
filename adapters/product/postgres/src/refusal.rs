//! Transactions in which the domain may say no.

use diesel::result::Error;
use kernel_application::CallContext;
use platform_postgres::{AsyncFunc, Database, Tx, WriteError};
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
    T: Send,
    R: Send,
    for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<T, Halt<R>>
        + AsyncFunc<&'r mut Tx, Result<T, Halt<R>>, Future: Send>
        + Send,
{
    let mut refusal = None;
    let written = db
        .write(ctx, operation, async |tx: &mut Tx| {
            change(tx).await.map_err(|halt| match halt {
                Halt::Write(error) => error,
                Halt::Refused(reason) => {
                    refusal = Some(reason);
                    WriteError::Sql(Error::RollbackTransaction)
                }
            })
        })
        .await;
    match refusal {
        Some(reason) => Err(Failure::Refused(reason)),
        None => written.map_err(Failure::Store),
    }
}
