//! Whether a client may send another request, and whose it is counted as.

use std::net::IpAddr;

use gateway_domain::{
    limit::{LimitKey, LimitedClient, RouteClass},
    message::TrustedProxies,
};
use http::{HeaderMap, HeaderName};
use kernel_application::CallContext;

use crate::{Client, Decider, GatewayError, RateLimiter, Ruling};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a request is counted by.
pub(crate) struct Admission<'a> {
    pub(crate) limiter: &'a dyn RateLimiter,
    /// Whose word on the client counts.
    pub(crate) proxies: &'a TrustedProxies,
}

impl Admission<'_> {
    /// Counts a request, or turns it away; then `limited` is who has counted.
    pub(crate) async fn check(
        &self,
        ctx: &CallContext,
        class: RouteClass,
        headers: &HeaderMap,
        client: &Client,
        limited: &mut Option<Decider>,
    ) -> Result<Option<Ruling>, GatewayError> {
        let Some(key) = self.key(ctx, class, headers, client) else { return Ok(None) };
        match self.limiter.check(key).await {
            Some(Ruling { decision, decider }) if !decision.is_allowed() => {
                *limited = Some(decider);
                Err(GatewayError::RateLimited(decision))
            }
            ruling => Ok(ruling),
        }
    }

    /// Whose requests are counted together: those of an identity, or of an address where nobody knows who asks.
    fn key<'k>(
        &self,
        ctx: &'k CallContext,
        class: RouteClass,
        headers: &HeaderMap,
        client: &Client,
    ) -> Option<LimitKey<'k>> {
        let client = match ctx.caller().principal() {
            Some(principal) => LimitedClient::Subject(principal.subject().as_str()),
            None => LimitedClient::at(self.address(headers, client)?),
        };
        Some(LimitKey { client, class })
    }

    /// The client's address, as far as anybody is trusted to say it.
    fn address(&self, headers: &HeaderMap, client: &Client) -> Option<IpAddr> {
        let peer = client.address?;
        // Nearly always nobody is trusted, and the header is not even looked at.
        if !client.trusted {
            return Some(peer);
        }
        let lines: Vec<_> =
            headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        Some(self.proxies.client_address(peer, lines))
    }
}
