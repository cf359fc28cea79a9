//! Databases for tests, each with one of its own, the server's plans for queries, and what it
//! counts.

mod plan;
mod session;

use std::{sync::Arc, thread, time::Duration};

use diesel_async::AsyncMysqlConnection;
use mysql_async::{Conn, Opts, OptsBuilder, prelude::Queryable};
use platform_runtime::Secret;
use slog::{Discard, Logger, o};
use uuid::Uuid;

pub use self::{
    plan::{Access, explain},
    session::session_status,
};
use crate::{Database, MariaDbConfig, SslMode, connect::Connector};

/// An empty database that goes with this value.
pub struct TestDatabase {
    config: MariaDbConfig,
    server: Arc<Opts>,
}

impl TestDatabase {
    /// Makes a database with a name of its own on the server of `url`, as `mysql://user:password@host:port`.
    ///
    /// # Panics
    /// Where the server cannot be reached or refuses.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub async fn create(url: &str) -> Self {
        let server = Opts::from_url(url).expect("a URL as of TEST_MARIADB_URL");
        let config = config_of(&server, format!("test_{}", Uuid::now_v7().simple()));
        let server = Opts::from(OptsBuilder::from_opts(server).prefer_socket(false));
        let mut connection = Conn::new(server.clone()).await.expect("MariaDB answers");
        let create = format!("CREATE DATABASE `{}`", config.name);
        connection.query_drop(create).await.expect("the user may create databases");
        Self { config, server: Arc::new(server) }
    }

    /// How to reach it. The pool is small, so that many tests fit on one server.
    pub const fn config(&self) -> &MariaDbConfig {
        &self.config
    }

    /// A connection without limits, for what a test does besides.
    ///
    /// # Panics
    /// Where there is none.
    #[expect(clippy::expect_used, reason = "a test without its connection has failed")]
    pub async fn connection(&self) -> AsyncMysqlConnection {
        Connector::for_migrations(&self.config).connect().await.expect("MariaDB answers")
    }

    /// The messaging tables alone, migrated.
    ///
    /// # Panics
    /// Where they cannot be made.
    #[expect(clippy::expect_used, reason = "a test without its tables has failed")]
    pub async fn messaging(&self) -> Database {
        let db = Database::messaging(&self.config, "test store", silent()).expect("a configuration");
        db.migrate().await.expect("the messaging tables");
        db
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, drop_it) = (Arc::clone(&self.server), format!("DROP DATABASE `{}`", self.config.name));
        let work = async move {
            let mut connection = Conn::new((*server).clone()).await?;
            connection.query_drop(drop_it).await
        };
        // The test's own runtime may be about to end, and a drop cannot wait for it.
        let worker = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(work))
        });
        // A database that outlives its test is in nobody's way.
        let _ = worker.join();
    }
}

/// A logger that says nothing.
pub fn silent() -> Logger {
    Logger::root(Discard, o!())
}

fn config_of(server: &Opts, name: String) -> MariaDbConfig {
    MariaDbConfig {
        host: server.ip_or_hostname().to_owned(),
        port: server.tcp_port(),
        user: server.user().unwrap_or_default().to_owned(),
        password: Secret::new(server.pass().unwrap_or_default()),
        name,
        ssl_mode: SslMode::Disable,
        ssl_root_cert: None,
        pool_size: 8,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(30),
        lock_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(10),
    }
}
