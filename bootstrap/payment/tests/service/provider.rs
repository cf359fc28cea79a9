//! A payment provider that captures every charge and gives everything back.

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Serves until the test's runtime ends; answers the URL.
pub(crate) async fn open() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(BufReader::new(stream)));
        }
    });
    url
}

async fn serve(mut stream: BufReader<TcpStream>) {
    while let Some((line, key)) = read(&mut stream).await {
        let body = match line.split(' ').nth(1) {
            Some("/charges") => json!({"id": format!("ch_{key}"), "key": key, "status": "captured"}),
            Some("/refunds") => json!({"status": "refunded"}),
            _ => json!({}),
        };
        let (body, head) = (body.to_string(), "HTTP/1.1 200 OK\r\ncontent-type: application/json");
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The first line of a request and its idempotency key; nothing at the end of the connection.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut line, mut key, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut header = String::new();
    while stream.read_line(&mut header).await.ok()? > 0 && !header.trim().is_empty() {
        let (name, value) = header.trim().split_once(": ")?;
        match name.to_lowercase().as_str() {
            "idempotency-key" => value.clone_into(&mut key),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
        header.clear();
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some((line, key))
}
