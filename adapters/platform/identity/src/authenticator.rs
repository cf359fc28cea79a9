//! The one question that edges ask.

use std::sync::Arc;

use kernel_application::{Caller, HealthCheck};
use platform_telemetry::Metrics;

use crate::{
    Rejected,
    age::{self, Age},
    bearer,
    verifier::Verifier,
};

/// Finds out who calls. Cheap to clone; all clones share keys and what they have verified.
///
/// The default is for edges that were told of none: it knows nobody.
#[derive(Clone, Default)]
pub struct Authenticator(Mode);

#[derive(Clone, Default)]
enum Mode {
    /// Whoever forgets to say whom to believe believes nobody.
    #[default]
    Nobody,
    Everybody,
    Verified(Arc<Verifier>),
}

impl Authenticator {
    /// Asks nobody: everybody is [`Caller::Trusted`], whatever they send.
    pub const fn off() -> Self {
        Self(Mode::Everybody)
    }

    /// Knows nobody: everybody is [`Caller::Anonymous`], whatever they send.
    pub const fn nobody() -> Self {
        Self(Mode::Nobody)
    }

    pub(crate) fn new(verifier: Verifier) -> Self {
        Self(Mode::Verified(Arc::new(verifier)))
    }

    /// Whether it is [`off`](Self::off).
    pub const fn is_off(&self) -> bool {
        matches!(self.0, Mode::Everybody)
    }

    /// Who sends `authorization`, the value of the header of that name. Without one, the caller is
    /// [`Caller::Anonymous`]: what needs an identity says so itself. Waits only where a token's key is not known and
    /// the issuer is asked for it.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, Rejected> {
        match (&self.0, authorization) {
            (Mode::Everybody, _) => Ok(Caller::Trusted),
            (Mode::Nobody, _) | (Mode::Verified(_), None) => Ok(Caller::Anonymous),
            (Mode::Verified(verifier), Some(value)) => verifier.verify(bearer::token(value)?).await,
        }
    }

    /// Adds `identity_keys_age_seconds` to `metrics`, where there are keys to follow. Call it once.
    pub fn measured(&self, metrics: &Metrics) {
        if let Mode::Verified(verifier) = &self.0 {
            metrics.register(age::NAME, age::HELP, Age::of(verifier));
        }
    }

    /// Whether there are keys to check tokens with, as `identity-keys`; `None` where no keys are needed.
    pub fn health(&self) -> Option<Arc<dyn HealthCheck>> {
        match &self.0 {
            Mode::Verified(verifier) => Some(Arc::clone(verifier) as Arc<dyn HealthCheck>),
            Mode::Nobody | Mode::Everybody => None,
        }
    }
}
