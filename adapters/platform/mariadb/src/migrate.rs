//! Brings the schema to where this build expects it.
//!
//! All replicas try at their start; one does it, under a lock of the server, and the others find it done. MariaDB commits
//! each change of the schema by itself: a migration that was cut off has done a part of its work, and the next try runs
//! it again from its start. That is why every statement of a migration has to bear being repeated.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::{
    migration::{Migration, MigrationSource},
    mysql::Mysql,
    sql_query,
    sql_types::{Integer, Nullable},
};
use diesel_async::{AsyncMysqlConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel_application::BoxError;
use platform_runtime::StopSignal;
use slog::{Logger, info, warn};
use tokio::task::spawn_blocking;

use crate::{
    Database,
    connect::{ConnectError, Connector},
};

pub(crate) const MESSAGING: EmbeddedMigrations = embed_migrations!("../../../db/platform/mariadb");

/// Another replica may be at it for as long as its migrations take, so this wait ends and is begun anew, and in between
/// says what it waits for. Locks have names of their server: each database has its own.
const WAIT_FOR_TURN: &str = "SELECT GET_LOCK(CONCAT(DATABASE(), '.migrations'), 20) AS locked";

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The schema of one database: how to make it, and whether it was made.
pub(crate) struct Schema {
    store: &'static str,
    connector: Connector,
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
    pub(crate) fn new(
        store: &'static str,
        connector: Connector,
        migrations: Vec<EmbeddedMigrations>,
        logger: Logger,
    ) -> Self {
        let migrations = Arc::new([MESSAGING].into_iter().chain(migrations).collect());
        let (ready, problem) = (AtomicBool::new(false), Mutex::new(None));
        Self { store, connector, migrations, logger, ready, problem }
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
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => self.ready.store(true, Ordering::Release),
            Err(ref error) => *problem = Some(error.to_string()),
        }
        result
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
        let mut connection = self.connector.connect().await?;
        wait_for_turn(&mut connection).await?;
        let migrations = Arc::clone(&self.migrations);
        // The library that runs migrations blocks. The lock goes with the connection.
        let work = spawn_blocking(move || {
            let mut connection = AsyncConnectionWrapper::<AsyncMysqlConnection>::from(connection);
            for source in migrations.iter() {
                connection.run_pending_migrations(Borrowed(source))?;
            }
            Ok(())
        });
        match work.await {
            Ok(result) => result.map_err(MigrateError::Failed),
            Err(ended) => Err(MigrateError::Failed(ended.into())),
        }
    }
}

async fn wait_for_turn(connection: &mut AsyncMysqlConnection) -> Result<(), MigrateError> {
    #[derive(diesel::QueryableByName)]
    struct Turn {
        #[diesel(sql_type = Nullable<Integer>)]
        locked: Option<i32>,
    }
    let turn = diesel_async::RunQueryDsl::get_result::<Turn>(sql_query(WAIT_FOR_TURN), connection).await;
    match turn.map_err(|error| MigrateError::Lock(error.into()))?.locked {
        Some(1) => Ok(()),
        _ => Err(MigrateError::Busy),
    }
}

/// The library wants to own what it runs, and a replica may have to run it more than once.
struct Borrowed<'a>(&'a EmbeddedMigrations);

impl MigrationSource<Mysql> for Borrowed<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Mysql>>>> {
        self.0.migrations()
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Why the schema is not up to date, in words for whoever runs the service.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error("{0}")]
    Connect(#[source] BoxError),
    /// The lock that only one replica holds cannot be asked for.
    #[error("cannot take the lock of those who migrate")]
    Lock(#[source] BoxError),
    /// Another replica holds it.
    #[error("another replica is migrating")]
    Busy,
    /// A migration does not run.
    #[error("a migration failed: the log says which and why")]
    Failed(#[source] BoxError),
}

impl From<ConnectError> for MigrateError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error.into())
    }
}

/// The schema is not there yet, and what is in the way.
#[derive(Debug, thiserror::Error)]
#[error("its schema is not migrated yet: {}", .0.as_deref().unwrap_or("the migrations have not run"))]
pub(crate) struct NotMigrated(Option<String>);
