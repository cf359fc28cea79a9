//! A screen that lets lines pass, and none with an `x`.

use std::{cell::Cell, rc::Rc};

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::server::load::Load;

struct Lines;

impl Screen for Lines {
    fn look(&mut self, waiting: &[u8]) -> Looked {
        let passed = waiting.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let bad = waiting.iter().position(|byte| *byte == b'x');
        let line = |bad| waiting[..bad].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let problem = || Problem::new(StatusCode::BAD_REQUEST, "bad", "has an x");
        Looked { passed: bad.map_or(passed, line), refused: bad.map(|_| Refused::Request(problem())) }
    }

    fn open_tunnel(&mut self) {}
}

fn screened<T>(io: T, first: &[u8]) -> (Screened<T>, Rc<Cell<bool>>) {
    let told = Rc::new(Cell::new(false));
    let tell = Rc::clone(&told);
    let refuse = move |problem: Problem| {
        tell.set(true);
        problem.code().as_bytes().to_vec()
    };
    let (patience, stall) = (Duration::from_secs(10), Stall::new(Duration::from_secs(20), Load::new(1)));
    (Screened::new(io, first.to_vec(), Some(Box::new(Lines)), patience, stall, refuse), told)
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_read_in_order_and_the_rest_waits() {
    let (mut client, server) = duplex(64);
    let (mut server, told) = screened(server, b"one\ntw");
    let mut read = [0; 64];
    assert_eq!(server.read(&mut read[..2]).await.unwrap(), 2);
    assert_eq!(server.read(&mut read[2..]).await.unwrap(), 2);
    client.write_all(b"o\nthree\nfo").await.unwrap();
    let length = server.read(&mut read[4..]).await.unwrap();
    assert_eq!(&read[..4 + length], b"one\ntwo\nthree\n");
    drop(client);
    assert_eq!(server.read(&mut read).await.unwrap(), 0);
    assert!(!told.get());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_reading_and_is_sent_last() {
    let (mut client, server) = duplex(64);
    let (mut server, told) = screened(server, b"");
    client.write_all(b"one\ntxo\nmore\n").await.unwrap();
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.unwrap();
    assert_eq!((read.as_slice(), told.get()), (&b"one\n"[..], true));
    server.write_all(b"answer ").await.unwrap();
    let closing = async { server.shutdown().await.unwrap() };
    let client = async {
        let mut last = [0; 10];
        client.read_exact(&mut last).await.unwrap();
        // What it still sends does not make it lose the answer.
        client.write_all(b"even more").await.unwrap();
        drop(client);
        last
    };
    let ((), last) = tokio::join!(closing, client);
    assert_eq!(&last, b"answer bad");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_does_not_end_is_given_up() {
    let (mut client, server) = duplex(64);
    let (mut server, told) = screened(server, b"one\n");
    client.write_all(b"two").await.unwrap();
    let start = tokio::time::Instant::now();
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.unwrap();
    assert_eq!((read.as_slice(), told.get()), (&b"one\n"[..], true));
    assert_eq!(start.elapsed().as_secs(), 10);
    let closing = tokio::spawn(async move {
        let mut last = String::new();
        client.read_to_string(&mut last).await.unwrap();
        last
    });
    server.shutdown().await.unwrap();
    drop(server);
    assert_eq!(closing.await.unwrap(), "request_timeout");
}

#[tokio::test(start_paused = true)]
async fn silence_between_lines_is_not_slow() {
    let (mut client, server) = duplex(64);
    let (mut server, told) = screened(server, b"");
    let mut read = [0; 8];
    let quiet = tokio::time::timeout(Duration::from_mins(1), server.read(&mut read)).await;
    assert!(quiet.is_err());
    client.write_all(b"one\n").await.unwrap();
    assert_eq!(server.read(&mut read).await.unwrap(), 4);
    assert!(!told.get());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let (mut client, server) = duplex(64);
    let (mut server, _) = screened(server, b"");
    let start = tokio::time::Instant::now();
    let writing = async { server.write_all(&[b'a'; 100]).await.unwrap() };
    // It is slow, but whatever it reads begins the time anew.
    let reading = async {
        let patient = async { tokio::time::advance(Duration::from_secs(15)).await };
        patient.await;
        client.read_exact(&mut [0; 64]).await.unwrap();
    };
    tokio::join!(writing, reading);
    let failure = server.write_all(&[b'b'; 100]).await.unwrap_err();
    assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 35);
}
