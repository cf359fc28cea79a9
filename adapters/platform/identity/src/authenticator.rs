//! The one question that edges ask.

use std::sync::Arc;

use kernel_application::{Caller, HealthCheck};

use crate::{Rejected, bearer, verifier::Verifier};

/// Finds out who calls. Cheap to clone; all clones share keys and what they have verified.
#[derive(Clone)]
pub struct Authenticator(Option<Arc<Verifier>>);

impl Authenticator {
    /// Asks nobody: everybody is [`Caller::Trusted`], whatever they send.
    pub const fn off() -> Self {
        Self(None)
    }

    pub(crate) fn new(verifier: Verifier) -> Self {
        Self(Some(Arc::new(verifier)))
    }

    /// Whether it is [`off`](Self::off).
    pub const fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Who sends `authorization`, the value of the header of that name. Without one, the caller is
    /// [`Caller::Anonymous`]: what needs an identity says so itself. Waits only where a token's key is not known and
    /// the issuer is asked for it.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, Rejected> {
        match (&self.0, authorization) {
            (None, _) => Ok(Caller::Trusted),
            (Some(_), None) => Ok(Caller::Anonymous),
            (Some(verifier), Some(value)) => verifier.verify(bearer::token(value)?).await,
        }
    }

    /// Whether there are keys to check tokens with, as `identity-keys`; `None` where no keys are needed.
    pub fn health(&self) -> Option<Arc<dyn HealthCheck>> {
        self.0.clone().map(|verifier| verifier as Arc<dyn HealthCheck>)
    }
}
