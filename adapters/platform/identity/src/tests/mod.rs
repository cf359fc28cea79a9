//! Tokens that are good, all kinds that are not, and keys that come and go.

mod attacks;
pub(crate) mod keys;
mod mutations;
mod rotation;

use std::sync::Arc;

use kernel_application::Clock;
use platform_runtime::SystemClock;
use serde_json::{Value, json};

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
