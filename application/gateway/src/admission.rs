//! Whether a client may send another request, and whose it is counted as.

use std::net::IpAddr;

use gateway_domain::{
    limit::{LimitKey, LimitedClient, RouteClass},
    message::TrustedProxies,
};
use kernel_application::CallContext;

use crate::{Client, Decider, GatewayError, RateLimiter, Ruling};

/// What a request is counted by.
pub(crate) struct Admission<'a> {
    pub(crate) limiter: &'a dyn RateLimiter,
    /// Whose word on the client counts.
    pub(crate) proxies: &'a TrustedProxies,
}

impl Admission<'_> {
    /// Counts a request, or turns it away; then `limited` is who has counted. `ways` are the values of `X-Forwarded-For`:
    /// nearly always nobody is trusted, and they are not even looked for.
    pub(crate) async fn check<'h>(
        &self,
        ctx: &CallContext,
        class: RouteClass,
        ways: impl FnOnce() -> Vec<&'h str>,
        client: &Client,
        limited: &mut Option<Decider>,
    ) -> Result<Option<Ruling>, GatewayError> {
        let Some(key) = self.key(ctx, class, ways, client) else { return Ok(None) };
        match self.limiter.check(key).await {
            Some(Ruling { decision, decider }) if !decision.is_allowed() => {
                *limited = Some(decider);
                Err(GatewayError::RateLimited(decision))
            }
            ruling => Ok(ruling),
        }
    }

    /// Whose requests are counted together: those of an identity, or of an address where nobody knows who asks.
    fn key<'k, 'h>(
        &self,
        ctx: &'k CallContext,
        class: RouteClass,
        ways: impl FnOnce() -> Vec<&'h str>,
        client: &Client,
    ) -> Option<LimitKey<'k>> {
        let client = match ctx.caller().principal() {
            Some(principal) => LimitedClient::Subject(principal.subject().as_str()),
            None => LimitedClient::at(self.address(ways, client)?),
        };
        Some(LimitKey { client, class })
    }

    /// The client's address, as far as anybody is trusted to say it.
    fn address<'h>(&self, ways: impl FnOnce() -> Vec<&'h str>, client: &Client) -> Option<IpAddr> {
        let peer = client.address?;
        Some(if client.trusted { self.proxies.client_address(peer, ways()) } else { peer })
    }
}
