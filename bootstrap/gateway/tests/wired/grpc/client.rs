//! A client that calls any method with any bytes.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::uri::PathAndQuery;
use tonic::{
    Request, Response, Status, Streaming,
    client::Grpc,
    transport::{Channel, Endpoint},
};

use super::shop::Raw;
use crate::support::Gateway;

#[derive(Clone)]
pub(crate) struct Client(Grpc<Channel>);

impl Client {
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
        Self(Grpc::new(endpoint.connect().await.unwrap()))
    }

    pub(crate) async fn unary(
        &self,
        service: &str,
        method: &str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Status> {
        let mut grpc = self.0.clone();
        grpc.ready().await.unwrap();
        grpc.unary(request, path(service, method), Raw).await
    }

    /// The answer as text.
    pub(crate) async fn ask(&self, service: &str, method: &str) -> Result<String, Status> {
        let response = self.unary(service, method, message("")).await?;
        Ok(String::from_utf8_lossy(response.get_ref()).into_owned())
    }

    pub(crate) async fn client_streaming(
        &self,
        service: &str,
        method: &str,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Response<Bytes>, Status> {
        let mut grpc = self.0.clone();
        grpc.ready().await.unwrap();
        grpc.client_streaming(Request::new(messages), path(service, method), Raw).await
    }

    pub(crate) async fn server_streaming(
        &self,
        service: &str,
        method: &str,
        request: Request<Bytes>,
    ) -> Result<Streaming<Bytes>, Status> {
        let mut grpc = self.0.clone();
        grpc.ready().await.unwrap();
        Ok(grpc.server_streaming(request, path(service, method), Raw).await?.into_inner())
    }

    pub(crate) async fn streaming(
        &self,
        service: &str,
        method: &str,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Streaming<Bytes>, Status> {
        let mut grpc = self.0.clone();
        grpc.ready().await.unwrap();
        Ok(grpc.streaming(Request::new(messages), path(service, method), Raw).await?.into_inner())
    }

    /// A conversation: what is sent, and what comes back.
    pub(crate) async fn chat(&self, service: &str) -> Result<Chat, Status> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let messages = futures_util::stream::unfold(receiver, |mut receiver: Receiver| async move {
            receiver.recv().await.map(|message| (message, receiver))
        });
        let answers = self.streaming(service, "Chat", messages).await?;
        Ok(Chat { sender, answers })
    }
}

type Receiver = tokio::sync::mpsc::UnboundedReceiver<Bytes>;

pub(crate) struct Chat {
    sender: tokio::sync::mpsc::UnboundedSender<Bytes>,
    pub(crate) answers: Streaming<Bytes>,
}

impl Chat {
    /// Says something and waits for the echo.
    pub(crate) async fn say(&mut self, text: &str) -> Result<String, Status> {
        self.sender.send(Bytes::copy_from_slice(text.as_bytes())).unwrap();
        let answer = self.answers.message().await?.unwrap();
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Says no more, and reads to the end.
    pub(crate) async fn end(self) -> usize {
        drop(self.sender);
        self.answers.count().await
    }
}

pub(crate) fn message(text: &str) -> Request<Bytes> {
    Request::new(Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) fn with(mut request: Request<Bytes>, name: &'static str, value: &str) -> Request<Bytes> {
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

fn path(service: &str, method: &str) -> PathAndQuery {
    format!("/{service}/{method}").parse().unwrap()
}
