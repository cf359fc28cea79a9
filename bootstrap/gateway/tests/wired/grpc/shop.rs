//! A gRPC server whose methods do what tests need. Messages are bytes, as they are to the gateway.

use std::{
    convert::Infallible,
    future::ready,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::{Buf, BufMut, Bytes};
use futures_util::{Stream, StreamExt, stream};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use platform_tls::{Reloaded, ServerFiles, ServerTls};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    server::Grpc,
};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Service, service_fn as tower_fn};

/// A server on a free port.
pub(crate) struct Shop {
    pub(crate) addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    served: AbortHandle,
}

/// It is gone like a process that was killed: nobody listens, and all connections are cut.
impl Drop for Shop {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::start(None, None).await
    }

    /// Allows so many streams on a connection.
    pub(crate) async fn with_streams(most: u32) -> Self {
        Self::start(Some(most), None).await
    }

    /// Speaks TLS only.
    pub(crate) async fn encrypted(files: ServerFiles) -> Self {
        Self::start(None, Some(Reloaded::load(files).unwrap())).await
    }

    async fn start(most: Option<u32>, tls: Option<Arc<ServerTls>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (connections, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (opened, called) = (Arc::clone(&connections), Arc::clone(&calls));
        let serving = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let calls = Arc::clone(&called);
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let calls = Arc::clone(&calls);
                    async move { Ok::<_, Infallible>(serve(addr, &calls, request.map(Body::new)).await) }
                });
                let mut builder = http2::Builder::new(TokioExecutor::new());
                if most.is_some() {
                    builder.max_concurrent_streams(most);
                }
                let tls = tls.clone();
                open.spawn(async move {
                    let served = match tls {
                        Some(tls) => {
                            let Ok(stream) = TlsAcceptor::from(tls.current()).accept(socket).await else {
                                return;
                            };
                            builder.serve_connection(TokioIo::new(stream), service).await
                        }
                        None => builder.serve_connection(TokioIo::new(socket), service).await,
                    };
                    drop(served);
                });
            }
        });
        Self { addr, connections, calls, served: serving.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The calls that have arrived, those for its health left out.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

async fn serve(addr: SocketAddr, calls: &AtomicUsize, request: http::Request<Body>) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/grpc.health.v1.") {
        let (_, mut health) = tonic_health::server::health_reporter();
        return health.call(request).await.unwrap();
    }
    calls.fetch_add(1, Ordering::SeqCst);
    let mut grpc = Grpc::new(Raw);
    match path.rsplit('/').next().unwrap() {
        "Count" => grpc.client_streaming(tower_fn(count), request).await,
        "Watch" => grpc.server_streaming(tower_fn(watch), request).await,
        "Half" => grpc.server_streaming(tower_fn(half), request).await,
        "Chat" => grpc.streaming(tower_fn(chat), request).await,
        // Whom the call was addressed to.
        "Authority" => {
            let host = request.uri().authority().map(|host| Bytes::from(host.to_string())).unwrap();
            let answer = move |_: Request<Bytes>| ready(Ok(Response::new(host.clone())));
            grpc.unary(tower_fn(answer), request).await
        }
        "Metadata" => grpc.unary(tower_fn(metadata), request).await,
        "Fail" | "CancelPayment" => grpc.unary(tower_fn(fail), request).await,
        "Hang" | "GetBasket" => grpc.unary(tower_fn(hang), request).await,
        // Every other method says who has answered.
        _ => {
            let answer =
                move |_: Request<Bytes>| async move { Ok(Response::new(Bytes::from(addr.to_string()))) };
            grpc.unary(tower_fn(answer), request).await
        }
    }
}

async fn count(request: Request<Streaming<Bytes>>) -> Result<Response<Bytes>, Status> {
    let sizes: Vec<usize> = request.into_inner().map(|message| message.unwrap().len()).collect().await;
    Ok(Response::new(format!("{} messages, {} bytes", sizes.len(), sizes.iter().sum::<usize>()).into()))
}

/// As many messages as it is asked for, and then a failure.
async fn watch(request: Request<Bytes>) -> Result<Response<Messages>, Status> {
    let many: usize = String::from_utf8_lossy(request.get_ref()).parse().unwrap();
    let messages = (0..many).map(|number| Ok(Bytes::from(number.to_string())));
    let messages: Vec<_> = messages.chain([Err(sold_out())]).collect();
    Ok(Response::new(Box::pin(stream::iter(messages))))
}

async fn half(_: Request<Bytes>) -> Result<Response<Messages>, Status> {
    Ok(Response::new(Box::pin(stream::iter([Ok(Bytes::from("half"))]).chain(stream::pending()))))
}

async fn chat(request: Request<Streaming<Bytes>>) -> Result<Response<Messages>, Status> {
    Ok(Response::new(Box::pin(request.into_inner())))
}

async fn metadata(request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    let headers = request.metadata().clone().into_headers();
    let lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    let mut response = Response::new(Bytes::from(lines.join("\n")));
    response.metadata_mut().insert("x-from-the-shop", "1".parse().unwrap());
    Ok(response)
}

async fn fail(_: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    Err(sold_out())
}

async fn hang(_: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    std::future::pending().await
}

fn sold_out() -> Status {
    let details = ErrorDetails::with_error_info("out_of_stock", "shop", []);
    let mut metadata = MetadataMap::new();
    metadata.insert("x-why", "sold".parse().unwrap());
    Status::with_error_details_and_metadata(Code::FailedPrecondition, "sold out", details, metadata)
}

/// Messages as they are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
