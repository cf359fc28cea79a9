//! Makes connections, and says in words why one cannot be had.

use std::{sync::Arc, time::Duration};

use diesel::{
    ConnectionError,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use kernel_application::BoxError;
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls, config, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{OpenError, PgConfig, SslMode, tls};

/// The names of locales in which PostgreSQL answers in English, as the end of a condition.
pub(crate) const IS_ENGLISH: &str = "~* '^(c|posix|en|english)($|[-._@])'";

/// Of most errors of statements only the text reaches us, so that text has to be English. Not every user may ask for
/// that; the others need a setting that is English already, and the check that fails names the one they have.
fn speak_english() -> String {
    format!(
        "DO $$ BEGIN SET lc_messages = 'C'; EXCEPTION WHEN insufficient_privilege THEN
            IF NOT current_setting('lc_messages') {IS_ENGLISH} THEN
                RAISE check_violation USING MESSAGE = current_setting('lc_messages');
            END IF;
        END $$"
    )
}

/// A host that vanished without a word is given up by the server within a minute, too: what it had locked is free then.
const KEEPALIVES: &str = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 \
                          -c tcp_user_timeout=60000";

/// Makes connections that all have the same limits.
pub(crate) struct Connector {
    target: Config,
    tls: Option<MakeRustlsConnect>,
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
    /// For the connections that serve calls: no statement outlives its limit.
    pub(crate) fn new(config: &PgConfig, store: &'static str) -> Result<Self, OpenError> {
        let statement = config.statement_timeout.as_millis();
        let limits = format!(
            "-c statement_timeout={statement} -c idle_in_transaction_session_timeout={statement} -c lock_timeout={}",
            config.lock_timeout.as_millis()
        );
        Self::with_options(config, store, &limits)
    }

    /// For migrations, which may take as long as their data is large. Locks are waited for no longer than elsewhere: who
    /// waits for a table keeps all others from it.
    pub(crate) fn for_migrations(config: &PgConfig, store: &'static str) -> Result<Self, OpenError> {
        Self::with_options(config, store, &format!("-c lock_timeout={}", config.lock_timeout.as_millis()))
    }

    fn with_options(config: &PgConfig, store: &'static str, options: &str) -> Result<Self, OpenError> {
        let tls = tls::client(config).map_err(|source| OpenError { store, source })?;
        let mut target = Config::new();
        target
            .host(&config.host)
            .port(config.port)
            .user(&config.user)
            .password(config.password.expose())
            .dbname(&config.name)
            .application_name(store)
            .options(format!("{KEEPALIVES} {options}"))
            .connect_timeout(config.connect_timeout)
            // A server that vanished without a word is given up, by a waiting statement and by an idle connection.
            .tcp_user_timeout(config.statement_timeout)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3)
            .ssl_mode(match config.ssl_mode {
                SslMode::Disable => config::SslMode::Disable,
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => config::SslMode::Require,
            });
        let place = Place {
            host: config.host.clone(),
            port: config.port,
            user: config.user.clone(),
            name: config.name.clone(),
        };
        let tls = tls.map(MakeRustlsConnect::new);
        Ok(Self { target, tls, within: config.connect_timeout, place: Arc::new(place) })
    }

    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, ConnectError> {
        let made = match timeout(self.within, self.establish()).await {
            Ok(made) => made.map_err(|source| (Reason::of(source.as_ref()), source)),
            Err(late) => Err((Reason::Unreachable, late.into())),
        };
        made.map_err(|(reason, source)| ConnectError { place: Arc::clone(&self.place), reason, source })
    }

    async fn establish(&self) -> Result<AsyncPgConnection, BoxError> {
        let mut connection = if let Some(tls) = &self.tls {
            let (client, driver) = self.target.connect(tls.clone()).await?;
            AsyncPgConnection::try_from_client_and_connection(client, driver).await?
        } else {
            let (client, driver) = self.target.connect(NoTls).await?;
            AsyncPgConnection::try_from_client_and_connection(client, driver).await?
        };
        connection.batch_execute(&speak_english()).await?;
        Ok(connection)
    }
}

/// Why there is no connection, in words for whoever runs the service. The driver's own words are its source.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL at {}:{} {}", place.host, place.port, self.advice())]
pub struct ConnectError {
    place: Arc<Place>,
    reason: Reason,
    #[source]
    source: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Unreachable,
    Tls,
    Credentials,
    NoDatabase,
    Full,
    Starting,
    Language,
}

impl Reason {
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(Error::DatabaseError(DatabaseErrorKind::CheckViolation, _)) = error.downcast_ref() {
            return Self::Language;
        }
        let Some(error) = error.downcast_ref::<tokio_postgres::Error>() else { return Self::Unreachable };
        match error.code() {
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                Self::Credentials
            }
            Some(&SqlState::INVALID_CATALOG_NAME) => Self::NoDatabase,
            Some(&SqlState::TOO_MANY_CONNECTIONS) => Self::Full,
            Some(&SqlState::CANNOT_CONNECT_NOW) => Self::Starting,
            // The driver has a kind for this but does not tell.
            None if error.to_string().contains("TLS") => Self::Tls,
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
            Reason::Tls => "does not offer the protection asked for, or its certificate is not trusted: \
                            check DB_SSL_MODE and DB_SSL_ROOT_CERT"
                .into(),
            Reason::Credentials => format!("refuses user {user}: check DB_USER and DB_PASSWORD"),
            Reason::NoDatabase => format!("has no database {name}: create it, or check DB_NAME"),
            Reason::Full => {
                "takes no more connections: lower DB_POOL_SIZE, or raise its max_connections".into()
            }
            Reason::Starting => "is starting or stopping".into(),
            Reason::Language => format!(
                "may answer in a language other than English (lc_messages is '{}'), in which its errors cannot be \
                 told apart: let a superuser run ALTER ROLE {user} SET lc_messages = 'C'",
                self.source
            ),
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
