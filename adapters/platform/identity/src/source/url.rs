//! Keys that the issuer publishes.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, Url, redirect::Policy};

use super::{MAX_BYTES, Source, SourceError};
use crate::key_set::KeySet;

const CONNECT: Duration = Duration::from_secs(2);
/// For connection, answer and body together.
const WHOLE: Duration = Duration::from_secs(5);

/// A URL that answers with the keys.
pub(crate) struct UrlSource {
    client: Client,
    url: Url,
    /// The part of the URL that may be shown.
    shown: String,
    last: Vec<u8>,
}

impl UrlSource {
    pub(crate) fn new(url: Url) -> reqwest::Result<Self> {
        Self::within(url, WHOLE)
    }

    fn within(url: Url, limit: Duration) -> reqwest::Result<Self> {
        // Fails where one is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(limit)
            // Whoever can redirect us chooses whom we believe.
            .redirect(Policy::none());
        // So does a proxy that the environment names, where nothing is encrypted up to the issuer.
        let builder = if url.scheme() == "http" { builder.no_proxy() } else { builder };
        Ok(Self { client: builder.build()?, shown: shown(&url), url, last: Vec::new() })
    }

    async fn ask(&self) -> Result<Vec<u8>, SourceError> {
        let request = self.client.get(self.url.clone());
        let response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(SourceError::Status { url: self.shown.clone(), status: status.as_u16() });
        }
        self.read(response).await
    }

    /// The client's errors show the whole URL.
    fn failed(&self, error: reqwest::Error) -> SourceError {
        SourceError::Ask { url: self.shown.clone(), source: error.without_url() }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, SourceError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(SourceError::TooLong { at: self.shown.clone() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Scheme, host and path. What comes after may be a key of another kind.
fn shown(url: &Url) -> String {
    url.origin().ascii_serialization() + url.path()
}

#[async_trait]
impl Source for UrlSource {
    async fn load(&mut self) -> Result<Option<KeySet>, SourceError> {
        let body = self.ask().await?;
        if body == self.last {
            return Ok(None);
        }
        let refused = |source| SourceError::Refused { at: self.shown.clone(), source };
        let keys = KeySet::parse(&body).map_err(refused)?;
        self.last = body;
        Ok(Some(keys))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use platform_telemetry::chain;

    use super::*;
    use crate::testing::TestIssuer;

    /// Answers each connection with the next of `answers`, byte for byte; then no more.
    async fn serve(answers: Vec<String>) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let read = socket.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET /keys"));
                // A client that has seen enough may be gone.
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    fn source(url: &str) -> UrlSource {
        UrlSource::new(url.parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn the_same_answer_is_no_change() {
        let (one, two) = (TestIssuer::new(), TestIssuer::new());
        let url = serve(vec![ok(&one.jwks()), ok(&one.jwks()), ok(&two.jwks())]).await;
        let mut source = source(&url);
        assert!(source.load().await.unwrap().is_some());
        assert!(source.load().await.unwrap().is_none());
        assert!(source.load().await.unwrap().is_some());
        assert!(matches!(source.load().await, Err(SourceError::Ask { .. })), "nobody is there any more");
    }

    #[tokio::test]
    async fn anything_but_a_set_is_an_error() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://evil.test/\r\ncontent-length: 0\r\n\r\n";
        let broken = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[";
        let url = serve(vec![moved.to_owned(), broken.to_owned(), ok("<html>")]).await;
        let mut source = source(&url);
        assert!(matches!(source.load().await, Err(SourceError::Status { status: 302, .. })));
        assert!(matches!(source.load().await, Err(SourceError::Ask { .. })));
        assert!(matches!(source.load().await, Err(SourceError::Refused { .. })));
    }

    #[tokio::test]
    async fn a_body_without_end_is_left() {
        let url = serve(vec![format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(MAX_BYTES + 1))]).await;
        assert!(matches!(source(&url).load().await, Err(SourceError::TooLong { .. })));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_url_s_secrets() {
        let away = "HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n".to_owned();
        let url = serve(vec![away, ok("<html>"), "nonsense\r\n\r\n".to_owned()]).await;
        let mut source = source(&format!("{url}?key=hidden#hidden"));
        for _ in 0..4 {
            let told = chain(&source.load().await.err().unwrap());
            assert!(told.contains(&url) && !told.contains("hidden"), "{told}");
        }
    }

    #[tokio::test]
    async fn silence_has_an_end() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let mut source = UrlSource::within(url.parse().unwrap(), Duration::from_millis(50)).unwrap();
        let Err(SourceError::Ask { source, .. }) = source.load().await else { panic!("an answer of nobody") };
        assert!(source.is_timeout(), "{source}");
    }
}
