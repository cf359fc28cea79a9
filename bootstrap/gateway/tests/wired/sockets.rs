//! Clients that write bytes, whatever they are, and read what comes back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Response;
use http_body_util::BodyExt;
use platform_testkit::PATIENCE;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Backend, full};

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(
            (problem["status"].as_u64(), problem["request_id"].is_string()),
            (Some(self.status.into()), true)
        );
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Sends the bytes, and reads until the server closes. `ends` says that nothing more will come.
pub(crate) async fn exchange(addr: SocketAddr, pieces: &[&[u8]], ends: bool) -> Vec<Answer> {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for piece in pieces {
        // A server that has refused already may have closed.
        if socket.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    if ends {
        let _ = socket.shutdown().await;
    }
    let mut bytes = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.unwrap().unwrap();
    answers(&bytes)
}

/// Tells the answers apart; all of them say how long they are.
pub(crate) fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = bytes[end + 4..end + 4 + length].to_vec();
        bytes = &bytes[end + 4 + length..];
        answers.push(answer);
    }
    assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(bytes));
    answers
}

/// A backend that counts what reaches it whole, its own health aside.
pub(crate) async fn counting() -> (Backend, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let backend = Backend::start(move |request| {
        let counter = Arc::clone(&counter);
        async move {
            let counts = !request.uri().path().starts_with("/health");
            if counts && request.into_body().collect().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            Response::new(full("counted"))
        }
    })
    .await;
    (backend, count)
}
