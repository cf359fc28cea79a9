//! The server's own HTTP/1 over real sockets, where what was sent can still be lost.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Instant,
};

use futures_util::{FutureExt, future::LocalBoxFuture};
use kernel_application::Fields;
use platform_testkit::PATIENCE;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{reader::Reader, *};

/// Answers at once, whatever comes behind the head; or waits for the test; or says how much came.
struct Below(Arc<Gate>);

impl Passage for Below {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed> {
        async move {
            match passing.head.target.path() {
                "/below/slow" => {
                    self.0.entered.notify_one();
                    self.0.go_on.notified().await;
                }
                "/below/endless" => return passed(endless(Arc::clone(&self.0))),
                "/below/silent" => return passed(silent_after_hello(Arc::clone(&self.0))),
                _ => {}
            }
            passed(PassedBody::Whole("hello".into()))
        }
        .boxed_local()
    }
}

fn passed(body: PassedBody) -> Passed {
    let answer = PassedAnswer { status: actix_web::http::StatusCode::OK, fields: Fields::default(), body };
    Passed { answer: Ok(answer), line: None }
}

fn endless(gate: Arc<Gate>) -> PassedBody {
    let told = stalled::Told(gate);
    let piece = move || {
        let stalled::Told(_) = &told;
        Ok::<_, io::Error>(web::Bytes::from_static(&[b'x'; 16 * 1024]))
    };
    PassedBody::stream(actix_web::body::BodyStream::new(stream::repeat_with(piece)))
}

fn silent_after_hello(gate: Arc<Gate>) -> PassedBody {
    let told = stalled::Told(gate);
    let hello = stream::once(async { Ok::<_, io::Error>(web::Bytes::from_static(b"hello")) });
    let silence = stream::once(async move {
        std::future::pending::<()>().await;
        drop(told);
        Ok(web::Bytes::new())
    });
    PassedBody::stream(actix_web::body::BodyStream::new(hello.chain(silence)))
}

fn start(with: impl FnOnce(HttpServer) -> HttpServer) -> (Rig, Arc<Gate>) {
    let gate = Arc::<Gate>::default();
    let below = Arc::clone(&gate);
    let rig = Rig::start(|server| {
        with(server).passage("/below", move || Below(Arc::clone(&below)), Reader::default)
    });
    (rig, gate)
}

fn connect(rig: &Rig) -> TcpStream {
    let client = TcpStream::connect(rig.server.addr()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

/// A socket that is closed while something is on its way to it says so at once, and its last words are gone.
#[test]
fn the_last_answer_reaches_who_is_still_sending() {
    let (rig, _) = start(|server| server);
    let long = "POST /below/a HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n";
    for (head, status) in
        [(long, "HTTP/1.1 200 OK\r\n"), ("GET / HTTP/1.1\n", "HTTP/1.1 400 Bad Request\r\n")]
    {
        let mut client = connect(&rig);
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&vec![b'x'; 8_000_000]).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(status) && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[test]
fn a_client_that_does_not_read_is_let_go() {
    let (rig, gate) = start(|server| server.unread_timeout(Duration::from_millis(200)));
    let mut client = connect(&rig);
    client.write_all(b"GET /below/endless HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    rig.runtime.block_on(async { timeout(PATIENCE, gate.left.notified()).await }).unwrap();
}

#[test]
fn a_client_that_is_gone_is_noticed_while_an_answer_is_silent() {
    let (rig, gate) = start(|server| server);
    rig.runtime.block_on(async {
        let mut client = tokio::net::TcpStream::connect(rig.server.addr()).await.unwrap();
        client.write_all(b"GET /below/silent HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"hello\r\n") {
            assert_ne!(timeout(PATIENCE, client.read_buf(&mut heard)).await.unwrap().unwrap(), 0);
        }
        // It closes in the way of one that has crashed.
        client.set_zero_linger().unwrap();
        drop(client);
        timeout(PATIENCE, gate.left.notified()).await.unwrap();
    });
}

#[test]
fn a_stop_finishes_what_is_in_flight_and_waits_for_nobody_else() {
    let (rig, gate) = start(|server| server);
    let (mut idle, mut waiting) = (connect(&rig), connect(&rig));
    idle.write_all(b"GET /below/a HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 512]).unwrap() > 0);
    waiting.write_all(b"GET /below/slow HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let start = Instant::now();
    rig.runtime.block_on(async {
        gate.entered.notified().await;
        let mut stop = tokio::spawn(rig.server.stop(PATIENCE));
        let early = timeout(Duration::from_millis(400), &mut stop).await;
        assert!(early.is_err(), "a request is in flight");
        gate.go_on.notify_one();
        stop.await.unwrap();
    });
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert_eq!(idle.read(&mut [0; 512]).unwrap(), 0);
    assert!(start.elapsed() < KEEP_ALIVE, "the idle connection was not waited for");
}
