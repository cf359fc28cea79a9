//! Calls backends over HTTP/2.

mod body;
mod dial;
mod lanes;
mod pieces;

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use gateway_application::{
    BodyError, CallClient, CallRequest, CallResponse, RequestBody, UpstreamError, Upstreams, policy::Backend,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header::CONTENT_TYPE, uri::Scheme};
use hyper::body::{Body as _, Incoming};
use hyper_h2::Reason;
use platform_tls::ClientTls;
use shaku::Component;
use tokio::{sync::watch, time::sleep};

use self::{
    body::CallBody,
    lanes::{Host, Lane},
};

/// How often a call looks for another connection, because the one it was given had gone.
const TRIES: usize = 3;

/// How often is looked for backends that have been taken out.
const TIDYING: Duration = Duration::from_secs(30);

/// The connections to all backends. Clones share them.
#[derive(Clone)]
pub struct Channels(Arc<Shared>);

struct Shared {
    hosts: Mutex<HashMap<Arc<str>, Arc<Host>>>,
    connect: Duration,
    tls: Arc<ClientTls>,
}

impl Channels {
    /// None yet: they are made when they are needed, each within `connect`, over TLS to backends that are written with
    /// `https`.
    pub fn new(connect: Duration, tls: Arc<ClientTls>) -> Self {
        Self(Arc::new(Shared { hosts: Mutex::default(), connect, tls }))
    }

    /// Closes connections to backends that are no longer among `upstreams`, until `stop` turns true or its sender is gone.
    pub async fn follow(self, upstreams: Arc<Upstreams>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(TIDYING) => {}
            }
            let views = upstreams.views();
            let at_work: HashSet<_> =
                views.iter().flat_map(|(_, views)| views).map(|view| view.id.as_str()).collect();
            self.forget(|id| !at_work.contains(id));
        }
    }

    /// A backend where something is under way is not forgotten before that has ended.
    fn forget(&self, gone: impl Fn(&str) -> bool) {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is about to call has the host in hand already.
        hosts.retain(|id, host| !gone(id) || Arc::strong_count(host) > 1 || host.is_in_use());
    }

    async fn lane(&self, backend: &Backend) -> Result<Lane, UpstreamError> {
        let host = self.host(backend);
        match host.free() {
            Some(lane) => Ok(lane),
            None => host.open(self.0.connect).await,
        }
    }

    /// A thread that panicked here left a whole map behind.
    fn host(&self, backend: &Backend) -> Arc<Host> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is encrypted from now on, or no longer, is another one.
        let known = hosts.get(backend.id());
        if let Some(host) = known.filter(|host| host.is_of(backend)) {
            return Arc::clone(host);
        }
        let host = Arc::new(Host::new(backend.clone(), Arc::clone(&self.0.tls)));
        hosts.insert(backend.shared_id(), Arc::clone(&host));
        host
    }
}

/// Implements the port with hyper.
#[derive(Component)]
#[shaku(interface = CallClient)]
pub struct HyperCallClient {
    /// The connections.
    channels: Channels,
}

impl HyperCallClient {
    /// A client over `channels`, for use without a module.
    pub const fn new(channels: Channels) -> Self {
        Self { channels }
    }
}

#[async_trait]
impl CallClient for HyperCallClient {
    async fn call(
        &self,
        backend: &Backend,
        request: CallRequest,
        body: RequestBody,
    ) -> Result<CallResponse, UpstreamError> {
        let mut request = outgoing(backend, request, body)?;
        for _ in 0..TRIES {
            let Lane { mut sender, stream } = self.channels.lane(backend).await?;
            match sender.try_send_request(request).await {
                Ok(response) => return incoming(response, stream),
                Err(mut error) => match error.take_message() {
                    // The connection was closed before it took the request.
                    Some(unsent) => request = unsent,
                    None => return Err(failure(error.into_error())),
                },
            }
        }
        Err(UpstreamError::Connect("connections are closed as soon as they are made".into()))
    }
}

fn outgoing(
    backend: &Backend,
    request: CallRequest,
    body: RequestBody,
) -> Result<Request<CallBody>, UpstreamError> {
    let CallRequest { path, headers } = request;
    let scheme = if backend.is_secure() { Scheme::HTTPS } else { Scheme::HTTP };
    let uri = Uri::builder().scheme(scheme).authority(&*backend.host()).path_and_query(path).build();
    let mut request = Request::new(CallBody::from(body));
    *request.method_mut() = Method::POST;
    // Fails only where the backend's authority is none, which is checked when it is configured.
    *request.uri_mut() = uri.map_err(|error| UpstreamError::Connect(error.into()))?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn incoming(response: Response<Incoming>, stream: Arc<()>) -> Result<CallResponse, UpstreamError> {
    let (head, body) = response.into_parts();
    let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if head.status != StatusCode::OK || !kind.starts_with(b"application/grpc") {
        let answer = format!("answer is not gRPC: {} {}", head.status.as_u16(), kind.escape_ascii());
        return Err(UpstreamError::Exchange(answer.into()));
    }
    if head.headers.contains_key("grpc-status") {
        return Ok(CallResponse { headers: head.headers, pieces: None });
    }
    if body.is_end_stream() {
        return Err(UpstreamError::Exchange("answer has no status".into()));
    }
    Ok(CallResponse { headers: head.headers, pieces: Some(pieces::stream(body, stream)) })
}

fn failure(error: hyper::Error) -> UpstreamError {
    if let Some(error) = cause::<BodyError>(&error) {
        return UpstreamError::RequestBody(*error);
    }
    match cause::<hyper_h2::Error>(&error) {
        Some(refused) if is_untouched(refused) => UpstreamError::Connect(error.into()),
        _ => UpstreamError::Exchange(error.into()),
    }
}

/// Whether the backend says that it has not begun: it refused the stream, or stopped before it.
fn is_untouched(error: &hyper_h2::Error) -> bool {
    match error.reason() {
        Some(Reason::REFUSED_STREAM) => error.is_remote(),
        Some(Reason::NO_ERROR) => error.is_remote() && error.is_go_away(),
        _ => false,
    }
}

/// The first error of the type in the chain of sources.
fn cause<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use platform_tls::{ClientFiles, Reloaded};

    use super::*;

    #[test]
    fn backends_that_are_gone_are_forgotten_when_nothing_is_under_way() {
        let tls = Reloaded::load(ClientFiles::default()).unwrap();
        let channels = Channels::new(Duration::from_secs(1), tls);
        let known = |text: &str| channels.host(&Backend::parse(text).unwrap());
        let plain = known("http://a:1");
        assert!(Arc::ptr_eq(&plain, &known("http://a:1;weight=3")));
        assert!(!Arc::ptr_eq(&plain, &known("https://a:1")), "it is spoken to otherwise");
        let (blue, green) = ("https://c:1;server_name=blue", "https://c:1;server_name=green");
        let first = known(blue);
        assert!(!Arc::ptr_eq(&first, &known(green)), "connections are made under a name");
        assert!(Arc::ptr_eq(&first, &known(blue)), "and those of another name stay");
        drop(first);
        let calling = known("http://b:1");
        let left = || {
            channels.forget(|id| id == "b:1");
            channels.0.hosts.lock().unwrap().len()
        };
        assert_eq!(left(), 4, "a call is on its way there");
        drop(calling);
        assert_eq!(left(), 3);
    }
}
