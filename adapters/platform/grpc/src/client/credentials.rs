//! Who this service says it is, and whether its peer believes it.

use std::sync::atomic::{AtomicBool, Ordering};

use platform_identity::ServiceToken;
use slog::Logger;
use tonic::{
    Code,
    metadata::{MetadataMap, MetadataValue},
};

use crate::{context::AUTHORIZATION, status::code_name};

/// The service's token, read anew for each call, because tokens are replaced while services run.
#[derive(Default)]
pub(super) struct Credentials {
    token: Option<ServiceToken>,
    refused: AtomicBool,
}

impl Credentials {
    pub(super) fn new(token: Option<ServiceToken>) -> Self {
        Self { token, refused: AtomicBool::new(false) }
    }

    /// Puts the token into a call's metadata.
    pub(super) fn show(&self, metadata: &mut MetadataMap) {
        if let Some(mut value) = self.bearer().and_then(|bearer| MetadataValue::try_from(bearer).ok()) {
            value.set_sensitive(true);
            metadata.insert(AUTHORIZATION, value);
        }
    }

    fn bearer(&self) -> Option<String> {
        self.token.as_ref().and_then(ServiceToken::bearer)
    }

    /// Says once that the peer has begun to refuse this service, and once that it has stopped.
    pub(super) fn were_taken(&self, code: Code, logger: &Logger) {
        let refused = matches!(code, Code::Unauthenticated | Code::PermissionDenied);
        // Where the peer was not reached, nothing is known.
        if matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled) {
            return;
        }
        match (self.refused.swap(refused, Ordering::Relaxed), refused) {
            (false, true) => {
                let has_token = self.bearer().is_some();
                slog::error!(logger, "peer refuses this service; check its token and roles";
                    "code" => code_name(code), "has_token" => has_token);
            }
            (true, false) => slog::info!(logger, "peer takes this service's token again"),
            _ => {}
        }
    }
}
