//! Brings the schema to where this build expects it.
//!
//! All replicas try at their start; one does it, under a lock of the database, and the others find it done. Each
//! migration is a transaction of its own, so that one that fails leaves what was before it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{
    dsl::sql,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_types::Bool,
};
use diesel_async::{AsyncPgConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel_application::BoxError;
use platform_runtime::StopSignal;
use slog::{Logger, info, warn};
use tokio::task::spawn_blocking;

use crate::{
    Database,
    connect::{ConnectError, Connector},
};

const MESSAGING: EmbeddedMigrations = embed_migrations!("../../../db/platform/postgres");

/// The advisory lock of whoever migrates this database; "shop" and "migr" in ASCII.
pub(crate) const LOCK: i64 = 0x7368_6f70_6d69_6772;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Between two tries to take the lock.
const TURN_PAUSE: Duration = Duration::from_millis(100);

/// The schema of one database: how to make it, and whether it was made.
pub(crate) struct Schema {
    store: &'static str,
    connector: Connector,
    patience: Duration,
    migrations: Arc<Vec<EmbeddedMigrations>>,
    logger: Logger,
    ready: AtomicBool,
    problem: Mutex<Option<String>>,
}

impl Database {
    /// Brings the schema up to date; the first success lets operations through. May be called again at any time.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        self.schema().migrate().await
    }

    /// A worker: migrates, and as long as that fails tries again, with growing pauses, until it is told to stop.
    pub async fn keep_migrating(self, mut stop: StopSignal) {
        let work = async {
            let mut pause = FIRST_PAUSE;
            while self.schema().attempt().await.is_err() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = work => {}
        }
    }
}

impl Schema {
    /// `patience` is how long one try waits for another process that migrates.
    pub(crate) fn new(
        store: &'static str,
        connector: Connector,
        patience: Duration,
        migrations: Vec<EmbeddedMigrations>,
        logger: Logger,
    ) -> Self {
        let migrations = Arc::new(std::iter::once(MESSAGING).chain(migrations).collect());
        let (ready, problem) = (AtomicBool::new(false), Mutex::new(None));
        Self { store, connector, patience, migrations, logger, ready, problem }
    }

    /// Fails, in words, until the schema is there.
    pub(crate) fn check(&self) -> Result<(), NotMigrated> {
        if self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(NotMigrated(self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        let result = self.run().await;
        match &result {
            Ok(()) => self.ready.store(true, Ordering::Release),
            Err(error) => self.note(error),
        }
        result
    }

    fn note(&self, error: &MigrateError) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    /// Logs how it went, each problem once.
    async fn attempt(&self) -> Result<(), MigrateError> {
        let known = self.check().err().and_then(|NotMigrated(problem)| problem);
        let result = self.migrate().await;
        match &result {
            Ok(()) => info!(self.logger, "schema is up to date"; "store" => self.store),
            Err(error) if known.as_deref() == Some(&error.to_string()) => {}
            Err(error) => warn!(
                self.logger, "schema cannot be brought up to date, trying again";
                "store" => self.store, "error" => %error, "cause" => causes(error)
            ),
        }
        result
    }

    async fn run(&self) -> Result<(), MigrateError> {
        self.alone(|connection, source| connection.run_pending_migrations(source).map(drop)).await
    }

    /// Undoes all migrations, the last one first.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn revert(&self) -> Result<(), MigrateError> {
        self.alone(|connection, source| connection.revert_all_migrations(source).map(drop)).await
    }

    /// Does something with the migrations while no other replica does.
    async fn alone(&self, step: Step) -> Result<(), MigrateError> {
        let mut connection = self.connector.connect().await?;
        self.wait_for_turn(&mut connection).await?;
        let migrations = Arc::clone(&self.migrations);
        // The library that runs migrations blocks. The lock goes with the connection.
        let work = spawn_blocking(move || {
            let mut connection = Blocking::from(connection);
            step(&mut connection, Together(&migrations))
        });
        match work.await {
            Ok(result) => result.map_err(MigrateError::Failed),
            Err(ended) => Err(MigrateError::Failed(ended.into())),
        }
    }

    /// Another replica may be at it for as long as its migrations take, so this wait ends and is begun anew; all the
    /// while it is known what is waited for. A replica that dies loses the lock with its connection.
    async fn wait_for_turn(&self, connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
        let start = Instant::now();
        while !take_turn(connection).await? {
            self.note(&MigrateError::Busy);
            if start.elapsed() >= self.patience {
                return Err(MigrateError::Busy);
            }
            tokio::time::sleep(TURN_PAUSE).await;
        }
        Ok(())
    }
}

type Blocking = AsyncConnectionWrapper<AsyncPgConnection>;
type Step = fn(&mut Blocking, Together<'_>) -> diesel::migration::Result<()>;

/// The migrations of several folders as one history, in the order of their dates.
struct Together<'a>(&'a [EmbeddedMigrations]);

impl MigrationSource<Pg> for Together<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let folders = self.0.iter().map(MigrationSource::<Pg>::migrations);
        Ok(folders.collect::<diesel::migration::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

async fn take_turn(connection: &mut AsyncPgConnection) -> Result<bool, MigrateError> {
    let take = sql::<Bool>(&format!("SELECT pg_try_advisory_lock({LOCK})"));
    let taken = diesel_async::RunQueryDsl::get_result(take, connection).await;
    taken.map_err(|error| MigrateError::Lock(error.into()))
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Why the schema is not up to date, in words for whoever runs the service.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The lock that only one replica holds cannot be asked for.
    #[error("cannot take the lock of those who migrate")]
    Lock(#[source] BoxError),
    /// Another replica holds it.
    #[error("another process is migrating this database")]
    Busy,
    /// A migration does not run.
    #[error("a migration failed")]
    Failed(#[source] BoxError),
}

/// The schema is not there yet, and what is in the way.
#[derive(Debug, thiserror::Error)]
#[error("its schema is not migrated yet: {}", .0.as_deref().unwrap_or("the migrations have not run"))]
pub(crate) struct NotMigrated(Option<String>);
