//! Makes connections, and says in words why one cannot be had.

use std::{path::PathBuf, sync::Arc, time::Duration};

use diesel::{ConnectionError, result::Error};
use diesel_async::AsyncMysqlConnection;
use kernel_application::BoxError;
use mysql_async::{Conn, DriverError, IoError, Opts, OptsBuilder, SslOpts};
use tokio::time::timeout;

use crate::{MariaDbConfig, SslMode};

/// Rows are found by key and checked by version, so that a transaction needs no view frozen at its start, and a range
/// is not locked for what may be inserted into it later. `lc_messages`: errors of statements reach us as text, so that
/// text has to be English.
const SESSION: &str = "time_zone = '+00:00', lc_messages = 'en_US', tx_isolation = 'READ-COMMITTED', \
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'";

/// How long the server keeps a connection that nobody uses: a process that vanished leaves none for long.
const REST: Duration = Duration::from_mins(10);

/// Makes connections that all have the same limits.
pub(crate) struct Connector {
    target: Opts,
    within: Duration,
    place: Arc<Place>,
}

/// What messages say of the server: its address and our names there, no secret.
#[derive(Debug)]
struct Place {
    host: String,
    port: u16,
    user: String,
    name: String,
}

impl Connector {
    /// For the connections that serve calls: no statement outlives its limit, and no transaction whose process stands
    /// still keeps its locks for longer.
    pub(crate) fn new(config: &MariaDbConfig) -> Self {
        let statement = config.statement_timeout;
        let limits = format!(
            "max_statement_time = {}, idle_transaction_timeout = {}",
            statement.as_secs_f64(),
            whole_seconds(statement)
        );
        Self::with_limits(config, &limits)
    }

    /// For migrations, which may take as long as their data is large. Locks are waited for no longer than elsewhere: who
    /// waits for a table keeps all others from it.
    pub(crate) fn for_migrations(config: &MariaDbConfig) -> Self {
        Self::with_limits(config, "max_statement_time = 0")
    }

    fn with_limits(config: &MariaDbConfig, limits: &str) -> Self {
        let (lock, rest) = (whole_seconds(config.lock_timeout), whole_seconds(REST));
        let session = format!(
            "SET {SESSION}, innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}, wait_timeout = {rest}, {limits}"
        );
        let target = OptsBuilder::default()
            .ip_or_hostname(&*config.host)
            .tcp_port(config.port)
            .user(Some(&*config.user))
            .pass(Some(config.password.expose()))
            .db_name(Some(&*config.name))
            .ssl_opts(protection(config))
            // The driver would leave TCP, and with it TLS, for a socket of the same machine.
            .prefer_socket(false)
            .tcp_keepalive(Some(30_000_u32))
            // An update that changes nothing has still found its row: what `WHERE version = …` asks is whether it did.
            .client_found_rows(true)
            // Diesel keeps the prepared statements.
            .stmt_cache_size(0)
            .init(vec![session]);
        let place = Place {
            host: config.host.clone(),
            port: config.port,
            user: config.user.clone(),
            name: config.name.clone(),
        };
        Self { target: target.into(), within: config.connect_timeout, place: Arc::new(place) }
    }

    pub(crate) async fn connect(&self) -> Result<AsyncMysqlConnection, ConnectError> {
        let made = match timeout(self.within, self.establish()).await {
            Ok(made) => made,
            Err(late) => Err((Reason::Unreachable, late.into())),
        };
        made.map_err(|(reason, source)| ConnectError { place: Arc::clone(&self.place), reason, source })
    }

    async fn establish(&self) -> Result<AsyncMysqlConnection, (Reason, BoxError)> {
        let connection = Conn::new(self.target.clone()).await;
        let connection = connection.map_err(|error| (Reason::of(&error), error.into()))?;
        AsyncMysqlConnection::try_from(connection).await.map_err(|error| (Reason::Unreachable, error.into()))
    }
}

fn protection(config: &MariaDbConfig) -> Option<SslOpts> {
    let roots = config.ssl_root_cert.iter().cloned().map(PathBuf::into).collect();
    let verified = || {
        SslOpts::default().with_disable_built_in_roots(config.ssl_root_cert.is_some()).with_root_certs(roots)
    };
    match config.ssl_mode {
        SslMode::Disable => None,
        SslMode::Require => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
        SslMode::VerifyFull => Some(verified()),
    }
}

fn whole_seconds(limit: Duration) -> u64 {
    limit.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

/// Why there is no connection, in words for whoever runs the service. The driver's own words are its source.
#[derive(Debug, thiserror::Error)]
#[error("MariaDB at {}:{} {}", place.host, place.port, self.advice())]
pub(crate) struct ConnectError {
    place: Arc<Place>,
    reason: Reason,
    #[source]
    source: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Unreachable,
    NoTls,
    Tls,
    Credentials,
    NoDatabase,
    Full,
    Stopping,
}

impl Reason {
    fn of(error: &mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(error) => match error.code {
                1044 | 1049 => Self::NoDatabase,
                1045 | 1130 | 1698 => Self::Credentials,
                1040 | 1203 | 1226 => Self::Full,
                1053 => Self::Stopping,
                _ => Self::Unreachable,
            },
            mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => Self::NoTls,
            mysql_async::Error::Io(IoError::Tls(_)) => Self::Tls,
            // A handshake that fails reaches us as an error of reading, with what went wrong in it.
            mysql_async::Error::Io(IoError::Io(error)) if error.to_string().contains("certificate") => {
                Self::Tls
            }
            _ => Self::Unreachable,
        }
    }
}

impl ConnectError {
    fn advice(&self) -> String {
        let Place { user, name, .. } = self.place.as_ref();
        match self.reason {
            Reason::Unreachable => {
                "cannot be reached: check that it runs, and DB_HOST, DB_PORT and the network".into()
            }
            Reason::NoTls => "offers no TLS: set up its certificate, or check DB_SSL_MODE".into(),
            Reason::Tls => "has a certificate that is not trusted: check DB_SSL_ROOT_CERT and DB_HOST".into(),
            Reason::Credentials => format!("refuses user {user}: check DB_USER and DB_PASSWORD"),
            Reason::NoDatabase => {
                format!("has no database {name} that {user} may use: create it, or check DB_NAME")
            }
            Reason::Full => {
                "takes no more connections: lower DB_POOL_SIZE, or raise its max_connections".into()
            }
            Reason::Stopping => "is starting or stopping".into(),
        }
    }

    /// Wrapped up as the pool's error type wants it.
    pub(crate) fn into_pool_error(self) -> ConnectionError {
        ConnectionError::CouldntSetupConfiguration(Error::QueryBuilderError(Box::new(self)))
    }

    /// Unwraps what [`Self::into_pool_error`] wrapped.
    pub(crate) fn from_pool_error(error: ConnectionError) -> Result<Self, BoxError> {
        match error {
            ConnectionError::CouldntSetupConfiguration(Error::QueryBuilderError(error)) => {
                error.downcast().map(|error| *error)
            }
            other => Err(other.into()),
        }
    }
}
