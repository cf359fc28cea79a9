//! Tokens that are good, all kinds that are not, and keys that come and go.

mod attacks;
pub(crate) mod keys;
mod mutations;
mod rotation;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use kernel_application::Clock;
use platform_runtime::SystemClock;
use platform_telemetry::{LogFormat, logger_to};
use serde_json::{Value, json};
use slog::Logger;

use crate::{
    Authenticator, Rejected,
    key_set::KeySet,
    keys::Keys,
    testing::TestIssuer,
    verifier::{Issuer, Verifier},
};

fn issuer() -> Issuer {
    Issuer { name: TestIssuer::ISSUER.to_owned(), audience: TestIssuer::AUDIENCE.to_owned() }
}

fn believing(keys: Keys, clock: Arc<dyn Clock>) -> Authenticator {
    Authenticator::new(Verifier::new(keys, &issuer(), clock))
}

/// Believes those keys, for ever.
fn with_keys(keys: &[Value]) -> Authenticator {
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    believing(Keys::fixed(set), Arc::new(SystemClock))
}

/// Who the token is of, and whether an administrator.
async fn seen(authenticator: &Authenticator, token: &str) -> Result<(String, bool), Rejected> {
    let caller = authenticator.authenticate(Some(&format!("Bearer {token}"))).await?;
    let principal = caller.principal().expect("a token is of somebody");
    Ok((principal.subject().as_str().to_owned(), principal.has(kernel_application::Role::Admin)))
}

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// What `work` logs.
    pub(crate) fn of(work: impl FnOnce(&Logger)) -> Vec<Value> {
        let lines = Self::default();
        let (logger, flush) = logger_to(lines.clone(), "shop", "1", slog::Level::Info, LogFormat::Json);
        work(&logger);
        drop(flush);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
