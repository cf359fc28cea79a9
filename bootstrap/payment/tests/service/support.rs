//! The service under test, with everything around it.

use std::time::Duration;

use payment_service::{Config, start};
use platform_identity::testing::TestIssuer;
use platform_runtime::{Configuration, Launched, Outcome, Settings};
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, data_dir, eventually, inventory::Tokens};
use tempfile::TempDir;

use crate::{peers::Peers, provider};

/// What the provider signs its callbacks with.
pub(crate) const CALLBACK_SECRET: &str = "0123456789abcdef";

/// The payment service on free ports, which believes an issuer of its own.
pub(crate) struct Service {
    launched: Launched,
    pub(crate) issuer: TestIssuer,
    _peers: Peers,
    _folder: TempDir,
}

impl Service {
    /// Starts and waits until the service is ready. The other services know the same issuer and let in services only.
    pub(crate) async fn ready() -> Self {
        let (issuer, folder) = (TestIssuer::new(), data_dir().unwrap());
        let peers = Peers::open(&issuer).await;
        let mut variables = issuer.caller_environment(folder.path(), "payment").unwrap();
        variables.extend([
            ("PORT", "0".to_owned()),
            ("GRPC_PORT", "0".to_owned()),
            ("STORAGE", "embedded".to_owned()),
            ("EVENTS", "embedded".to_owned()),
            ("DATA_DIR", folder.path().display().to_string()),
            ("BASKET_SERVICE_URL", peers.address.clone()),
            ("PRODUCT_SERVICE_URL", peers.address.clone()),
            ("PROVIDER_URL", provider::open().await),
            ("PROVIDER_CALLBACK_SECRET", CALLBACK_SECRET.to_owned()),
            ("SHUTDOWN_TIMEOUT", "10s".to_owned()),
        ]);
        let mut settings =
            Settings::from_pairs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let running = start(config, silent()).await.unwrap();
        let launched = running.launch(silent(), Duration::from_secs(10));
        let service = Self { launched, issuer, _peers: peers, _folder: folder };
        let probe = || async { (service.get("/health/ready", None).await.status == 200).then_some(()) };
        eventually(PATIENCE, probe).await.unwrap();
        service
    }

    pub(crate) async fn stop(self) {
        assert_eq!(self.launched.stop().await, Outcome::Clean);
    }

    /// Where the server of that name is.
    pub(crate) fn url(&self, server: &str) -> String {
        format!("http://127.0.0.1:{}", self.launched.addr(server).unwrap().port())
    }

    /// `Authorization` of a user without roles.
    pub(crate) fn user(&self, name: &str) -> String {
        self.issuer.bearer(name, &[])
    }

    /// `Authorization` of an administrator.
    pub(crate) fn admin(&self) -> String {
        self.issuer.bearer("root", &["admin"])
    }

    /// A token for each kind of caller; Ada is whom requests are about, and whom bad tokens pretend to be.
    pub(crate) fn tokens(&self) -> Tokens {
        let token = |name, roles: &[&str]| self.issuer.token(name, roles);
        Tokens {
            owner: token("ada", &[]),
            stranger: token("bob", &[]),
            service: token("basket", &["service"]),
            admin: token("root", &["admin"]),
            bad: self.issuer.bad_tokens("ada", &["admin"]),
        }
    }
}
