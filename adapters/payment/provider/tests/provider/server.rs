//! A server that writes what it is told to, byte for byte, and remembers what it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use payment_provider::{HttpPaymentProvider, ProviderClient, ProviderSettings};
use platform_telemetry::silent;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request as it came in; names of headers are in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

/// What every request gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status and a JSON body.
    Json(u16, Value),
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// A head that promises more than it sends, then nothing.
    HalfAnswer,
}

pub(crate) struct Provider {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Provider {
    pub(crate) async fn replying(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, reply.clone(), Arc::clone(&seen)));
            }
        });
        Self { url, requests }
    }

    /// The one request there was.
    pub(crate) fn request(&self) -> Request {
        let [request] = &self.requests.lock().unwrap()[..] else { panic!("one request") };
        request.clone()
    }

    pub(crate) fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            call_timeout: Duration::from_millis(500),
            max_answer_bytes: 1_000,
            ..ProviderSettings::new(&self.url)
        }
    }

    pub(crate) fn client(&self) -> Arc<ProviderClient> {
        Arc::new(ProviderClient::new(self.settings(), &silent()).unwrap())
    }

    pub(crate) fn adapter(&self) -> HttpPaymentProvider {
        HttpPaymentProvider::new(self.client())
    }
}

async fn serve(stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<Request>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        seen.lock().unwrap().push(request);
        match &reply {
            Reply::Json(status, body) => {
                let body = body.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            Reply::Raw(bytes) => {
                // The client may give up before it has read all of it.
                drop(stream.write_all(bytes).await);
                return;
            }
            Reply::Silence => std::future::pending().await,
            Reply::HalfAnswer => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":").await.unwrap();
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let (mut headers, mut header) = (HashMap::new(), String::new());
    while stream.read_line(&mut header).await.ok()? > 0 && !header.trim().is_empty() {
        let (name, value) = header.trim().split_once(": ").unwrap();
        headers.insert(name.to_lowercase(), value.to_owned());
        header.clear();
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { line: line.trim().to_owned(), headers, body })
}
