//! What each mode of `DB_SSL_MODE` accepts.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use diesel::{dsl::sql, sql_types::Bool};
use diesel_async::RunQueryDsl;
use platform_testkit::{data_dir, servers};
use slog::{Discard, Logger, o};

use super::{
    STORE, empty,
    gate::{Gate, State},
    open,
};
use crate::{Database, PgConfig, SslMode, testing::TestDatabase};

/// A name of this machine that the server's certificate does not bear.
const OTHER_NAME: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn authority() -> PathBuf {
    servers::read("TEST_TLS_CA").unwrap().into()
}

fn config(own: &TestDatabase, ssl_mode: SslMode, root: Option<PathBuf>) -> PgConfig {
    PgConfig { ssl_mode, ssl_root_cert: root, ..own.config().clone() }
}

/// Whether the server says that the connection is encrypted.
async fn encrypted(config: &PgConfig) -> Result<bool, String> {
    let db = open(config);
    db.migrate().await.map_err(|error| error.to_string())?;
    let asked = sql::<Bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let answer = db.read("ask", async |connection| asked.get_result(connection).await).await;
    answer.map_err(|error| error.to_string())
}

#[tokio::test]
async fn each_mode_protects_as_its_name_says() {
    let own = empty().await;
    assert_eq!(encrypted(&config(&own, SslMode::Disable, None)).await, Ok(false));
    assert_eq!(encrypted(&config(&own, SslMode::Require, None)).await, Ok(true));
    for mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(encrypted(&config(&own, mode, Some(authority()))).await, Ok(true), "{mode:?}");
    }
}

#[tokio::test]
async fn only_verify_full_cares_for_the_name() {
    let own = empty().await;
    let gate = Gate::new(OTHER_NAME, State::Open).await;
    let by_other_name =
        |mode| PgConfig { ssl_mode: mode, ssl_root_cert: Some(authority()), ..gate.before(&own) };
    for mode in [SslMode::Require, SslMode::VerifyCa] {
        assert_eq!(encrypted(&by_other_name(mode)).await, Ok(true), "{mode:?}");
    }
    let refused = encrypted(&by_other_name(SslMode::VerifyFull)).await.unwrap_err();
    assert!(refused.contains("check DB_SSL_MODE and DB_SSL_ROOT_CERT"), "{refused}");
}

#[tokio::test]
async fn a_stranger_s_signature_is_not_enough() {
    let (own, folder) = (empty().await, data_dir().unwrap());
    let stranger = folder.path().join("stranger.pem");
    let certificate = rcgen::generate_simple_self_signed(["stranger".to_owned()]).unwrap();
    std::fs::write(&stranger, certificate.cert.pem()).unwrap();
    for mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
        let refused = encrypted(&config(&own, mode, Some(stranger.clone()))).await.unwrap_err();
        assert!(refused.contains("its certificate is not trusted"), "{mode:?}: {refused}");
    }
}

#[tokio::test]
async fn roots_have_to_be_there() {
    let (own, folder) = (empty().await, data_dir().unwrap());
    let (missing, nothing) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
    std::fs::write(&nothing, "").unwrap();
    for root in [missing, nothing] {
        let config = config(&own, SslMode::VerifyFull, Some(root.clone()));
        let refused = Database::messaging(&config, STORE, Logger::root(Discard, o!())).err().unwrap();
        let reason = std::error::Error::source(&refused).unwrap().to_string();
        assert!(reason.contains(&root.display().to_string()), "{reason}");
    }
}
