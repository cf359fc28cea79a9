//! Encrypted connections, to a server whose certificate is signed by the authority in `TEST_TLS_CA`.

use std::path::PathBuf;

use kernel_application::HealthCheck;
use platform_testkit::servers;

use super::{ask, database};
use crate::{
    Database, MariaDbConfig, MariaDbHealth, SslMode,
    testing::{TestDatabase, silent},
};

const CIPHER: &str =
    "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'";

fn protected(home: &TestDatabase, ssl_mode: SslMode, ssl_root_cert: Option<PathBuf>) -> Database {
    let config = MariaDbConfig { ssl_mode, ssl_root_cert, ..home.config().clone() };
    Database::messaging(&config, "test store", silent()).unwrap()
}

#[tokio::test]
async fn the_server_is_verified() {
    let home = database().await;
    let authority = PathBuf::from(servers::read("TEST_TLS_CA").unwrap());
    for (mode, roots) in [(SslMode::VerifyFull, Some(authority)), (SslMode::Require, None)] {
        let db = protected(&home, mode, roots);
        db.migrate().await.unwrap();
        assert_ne!(ask(&db, CIPHER).await, "", "{mode:?}");
    }
    assert_eq!(ask(&home.messaging().await, CIPHER).await, "", "in the clear");
}

#[tokio::test]
async fn a_stranger_is_refused() {
    servers::read("TEST_TLS_CA").unwrap();
    let home = database().await;
    // The public authorities have not signed a server of a test.
    let db = protected(&home, SslMode::VerifyFull, None);
    db.migrate().await.unwrap_err();
    let words = MariaDbHealth::new("test-store", db).check().await.unwrap_err();
    assert!(words.contains("not trusted: check DB_SSL_ROOT_CERT"), "{words}");
}
