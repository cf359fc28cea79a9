//! What clients may do, and what is done twice for them.

use std::{num::NonZeroU32, time::Duration};

use gateway_application::{
    commands::forward::ForwardSettings,
    policy::{RetryRules, TrustedProxies},
};
use gateway_http::Limits;
use platform_runtime::Settings;

pub(super) fn forward(settings: &mut Settings) -> ForwardSettings {
    let rule = "addresses and networks such as 10.0.0.0/8, separated by commas";
    let about = "proxies in front of this gateway, whose word on the client counts";
    let proxies = settings.parsed::<TrustedProxies>("TRUSTED_PROXIES", "", rule, about).unwrap_or_default();
    let about = "whether requests that failed are sent to another backend";
    let enabled = settings.flag("RETRY_ENABLED", true, about);
    let about = "how often a request is sent, the first time included";
    let attempts = settings.number_in("RETRY_ATTEMPTS", 3_u32, 1..=10, about);
    let attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
    let retries = enabled.then(|| RetryRules { attempts, ..RetryRules::default() });
    ForwardSettings { proxies, retries }
}

pub(super) fn limits(settings: &mut Settings, reading: Duration) -> Limits {
    let about = "names and values of all headers of a request together";
    let headers = settings.number_in("MAX_HEADER_BYTES", 16 * 1_024, 1_024..=128 * 1_024, about);
    Limits {
        body: settings.number("MAX_BODY_BYTES", 1024 * 1024, "the longest body of a request"),
        headers,
        reading,
    }
}
