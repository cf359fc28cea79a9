//! A database that is one test's own.

use std::time::Duration;

use diesel::{dsl::sql, sql_types::Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel_application::{BoxError, StoreError};
use platform_runtime::Secret;
use tokio_postgres::config::Host;
use uuid::Uuid;

use crate::{Database, MigrateError, PgConfig, SslMode, connect::Connector};

/// A database with a name that nobody has; dropping the value drops it, whoever is connected.
pub struct TestDatabase {
    server: PgConfig,
    own: PgConfig,
}

impl TestDatabase {
    /// Makes an empty database on the server of `url`, whose user may do so.
    pub async fn create(url: &str) -> Result<Self, BoxError> {
        let server = config(url)?;
        let name = format!("test_{}", Uuid::now_v7().simple());
        run(&server, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self { own: PgConfig { name, ..server.clone() }, server })
    }

    /// Where it is, with limits that suit a test.
    pub const fn config(&self) -> &PgConfig {
        &self.own
    }

    /// Runs statements in it, past all pools: to prepare what a test needs to see.
    pub async fn prepare(&self, statements: &str) -> Result<(), BoxError> {
        run(&self.own, statements).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, statement) =
            (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.own.name));
        // The test's runtime may be about to end, so the clean-up has one of its own. What it leaves behind is a
        // database that no test will ever meet.
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(&server, &statement))
        });
        if !matches!(cleaner.join(), Ok(Ok(()))) {
            eprintln!("cannot drop test database {}", self.own.name);
        }
    }
}

/// Undoes all migrations of `db`, so that a test sees that they can be undone, and done again.
pub async fn revert_all(db: &Database) -> Result<(), MigrateError> {
    db.schema().revert().await
}

/// The tables, indexes, sequences and functions there are, but those of extensions and of the list of migrations: none
/// after [`revert_all`], or a `down.sql` forgets what its `up.sql` makes.
pub async fn left_behind(db: &Database) -> Result<String, StoreError> {
    let all = sql::<Text>(LEFT_BEHIND);
    db.read("look around", async |connection| all.get_result(connection).await).await
}

const LEFT_BEHIND: &str = "
    SELECT coalesce(string_agg(name, ' '), '') FROM (
        SELECT relname AS name, oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT proname, oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ) AS thing
    WHERE name NOT LIKE '\\_\\_diesel\\_schema\\_migrations%'
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = thing.oid AND deptype = 'e')";

async fn run(config: &PgConfig, statements: &str) -> Result<(), BoxError> {
    Ok(Connector::for_migrations(config, "test")?.connect().await?.batch_execute(statements).await?)
}

fn config(url: &str) -> Result<PgConfig, BoxError> {
    let url: tokio_postgres::Config = url.parse()?;
    let host = match url.get_hosts() {
        [Host::Tcp(host)] => host.clone(),
        other => return Err(format!("one host name or address is needed, not {other:?}").into()),
    };
    Ok(PgConfig {
        host,
        port: url.get_ports().first().copied().unwrap_or(5432),
        user: url.get_user().unwrap_or("postgres").to_owned(),
        password: Secret::new(String::from_utf8_lossy(url.get_password().unwrap_or_default())),
        name: url.get_dbname().unwrap_or("postgres").to_owned(),
        ssl_mode: SslMode::Disable,
        ssl_root_cert: None,
        pool_size: 8,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        lock_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(20),
    })
}
