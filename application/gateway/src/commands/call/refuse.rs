//! Refuse a call that goes no further than the edge.
//!
//! It is counted and told like any other, and taken from the quota of its client: who tries tokens, or knocks at every
//! door, is soon told to wait, and not what else is wrong.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use gateway_domain::{
    Service,
    call::CallRoute,
    message::{PSEUDONYM, TrustedProxies, came_through},
};
use http::{HeaderMap, Method, header::VIA};
use kernel_application::{CallContext, Command, CommandHandler, Permit, UseCaseError};

use super::{Call, class, metadata};
use crate::{
    CallRefusal, Client, Decider, ForwardObserver, GatewayError, RateLimiter, Ruling, admission::Admission,
    limiter::class_of,
};

/// Why a call goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has come through a gateway already.
    Loop,
    /// No service has the method.
    UnknownRoute,
    /// It is not for everybody, and nobody knows who calls.
    Unidentified,
    /// Its token is no good.
    BadToken,
    /// There are no keys for tokens yet.
    NoKeys,
    /// There is too much metadata.
    MetadataTooLong,
    /// There are too many calls at once.
    Overloaded,
}

impl Refused {
    /// Why `call` by the caller of `ctx` is refused, whatever its service would say; `None` where it is not.
    pub fn reason(ctx: &CallContext, call: &Call) -> Option<Self> {
        let ways = call.headers.get_all(VIA).iter().filter_map(|way| way.to_str().ok());
        if came_through(ways, PSEUDONYM) {
            Some(Self::Loop)
        } else if CallRoute::find(&call.path).is_none() {
            Some(Self::UnknownRoute)
        } else {
            call.permit().admit(ctx.caller()).is_err().then_some(Self::Unidentified)
        }
    }

    /// The code, as HTTP has it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Loop => "loop_detected",
            Self::UnknownRoute => "unknown_route",
            Self::Unidentified => "unauthenticated",
            Self::BadToken => "invalid_token",
            Self::NoKeys => "identity_unavailable",
            Self::MetadataTooLong => "headers_too_large",
            Self::Overloaded => "overloaded",
        }
    }

    /// Whether the client could have known better.
    const fn is_of_the_client(self) -> bool {
        !matches!(self, Self::NoKeys | Self::Overloaded)
    }
}

/// Asks to refuse a call.
#[derive(Clone, Debug)]
pub struct RefuseCall {
    /// Service and method.
    pub path: String,
    /// The metadata.
    pub headers: HeaderMap,
    /// Who calls.
    pub client: Client,
    /// Why.
    pub reason: Refused,
    /// When it came.
    pub since: Instant,
}

impl Command for RefuseCall {
    const NAME: &'static str = "refuse_call";
    type Output = ();
    type Error = GatewayError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Counts, and tells the observer. Fails where the client has called too often: then that is the answer.
pub struct RefuseCallHandler {
    limiter: Arc<dyn RateLimiter>,
    observer: Arc<dyn ForwardObserver>,
    proxies: TrustedProxies,
}

impl RefuseCallHandler {
    /// Counts with `limiter`, and believes `proxies` on the addresses of clients.
    pub const fn new(
        limiter: Arc<dyn RateLimiter>,
        observer: Arc<dyn ForwardObserver>,
        proxies: TrustedProxies,
    ) -> Self {
        Self { limiter, observer, proxies }
    }

    async fn count(
        &self,
        ctx: &CallContext,
        call: &RefuseCall,
        route: Option<&CallRoute>,
        limited: &mut Option<Decider>,
    ) -> Result<(), GatewayError> {
        let mut client = call.client.clone();
        client.judge(&self.proxies);
        let admission = Admission { limiter: &*self.limiter, proxies: &self.proxies };
        // What nobody has is asked for in order to read.
        let class = route.map_or_else(|| class_of(Service::Product, &Method::GET), class);
        let _: Option<Ruling> =
            admission.check(ctx, class, || metadata::ways(&call.headers), &client, limited).await?;
        Ok(())
    }
}

#[async_trait]
impl CommandHandler<RefuseCall> for RefuseCallHandler {
    async fn handle(&self, ctx: &CallContext, call: RefuseCall) -> Result<(), GatewayError> {
        let route = CallRoute::find(&call.path);
        let mut limited = None;
        let counted = if call.reason.is_of_the_client() {
            self.count(ctx, &call, route, &mut limited).await
        } else {
            Ok(())
        };
        let code = counted.as_ref().err().map_or(call.reason.code(), UseCaseError::code);
        let elapsed = call.since.elapsed();
        self.observer.refused(ctx, &CallRefusal { route, client: &call.client, code, limited, elapsed });
        counted
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use gateway_domain::limit::Quota;
    use kernel_application::{
        Caller,
        testing::{context, context_of},
    };

    use super::*;
    use crate::{LocalRateLimiter, RateCounts, RequestBody, testing::ScriptedBackends};

    const READ: &str = "/product.v1.ProductService/GetProduct";
    const WRITE: &str = "/basket.v1.BasketService/AddItem";

    fn call(path: &str, via: &'static str) -> Call {
        let headers = HeaderMap::from_iter([(VIA, via.parse().unwrap())]);
        Call { path: path.to_owned(), headers, body: RequestBody::Empty, client: Client::default() }
    }

    #[test]
    fn what_can_be_told_at_the_edge_is_told_there() {
        for (path, via, reason) in [
            (READ, "1.1 cache", None),
            (READ, "1.1 cache, 2 gateway", Some(Refused::Loop)),
            (READ, "1.1 Gateway", Some(Refused::Loop)),
            (WRITE, "", Some(Refused::Unidentified)),
            ("/shop.v1.Shop/Get", "", Some(Refused::UnknownRoute)),
        ] {
            let anonymous = context().by(Caller::Anonymous);
            assert_eq!(Refused::reason(&anonymous, &call(path, via)), reason, "{path} {via}");
        }
        assert_eq!(Refused::reason(&context_of("ada"), &call(WRITE, "")), None);
    }

    #[tokio::test]
    async fn what_clients_do_wrong_is_taken_from_their_quota() {
        let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), NonZeroU32::MIN).unwrap();
        let limiter = Arc::new(LocalRateLimiter::new(RateCounts::new(Some(quota), 100)));
        let observer = Arc::new(ScriptedBackends::default());
        let handler = RefuseCallHandler::new(limiter, Arc::clone(&observer) as _, TrustedProxies::default());
        let refused = async |path: &str, reason| {
            let client = Client { address: Some([10, 0, 0, 1].into()), ..Client::default() };
            let (path, headers, since) = (path.to_owned(), HeaderMap::new(), Instant::now());
            let call = RefuseCall { path, headers, client, reason, since };
            handler.handle(&context(), call).await.map_err(|error| error.code())
        };
        for _ in 0..3 {
            assert_eq!(refused(READ, Refused::Overloaded).await, Ok(()), "it cannot help that");
        }
        assert_eq!(refused(READ, Refused::BadToken).await, Ok(()));
        assert_eq!(refused(READ, Refused::BadToken).await, Err("rate_limited"));
        assert_eq!(refused("/shop.v1.Shop/Get", Refused::UnknownRoute).await, Err("rate_limited"));
        assert_eq!(refused(WRITE, Refused::Unidentified).await, Ok(()), "writing is counted apart");
        let read = READ.trim_start_matches('/');
        assert_eq!(
            observer.ended()[3..],
            [
                format!("{read} - 0 invalid_token"),
                format!("{read} - 0 rate_limited"),
                "unknown - 0 rate_limited".to_owned(),
                "basket.v1.BasketService/AddItem - 0 unauthenticated".to_owned(),
            ]
        );
        assert_eq!(observer.limited(), [Decider::Local; 2]);
    }
}
