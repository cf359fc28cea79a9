//! Clients that do not take what they asked for, or take it back.

use std::io::{Read as _, Write as _};

use h2::{
    Reason,
    client::{Builder, SendRequest},
};
use http_02::Request as Request2;
use platform_testkit::PATIENCE;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use web::Bytes;

use super::*;

/// Sends without end, and tells when nobody takes any more of it.
#[utoipa::path(responses((status = 200)))]
#[get("/endless")]
pub(super) async fn endless(gate: Data<Gate>) -> HttpResponse {
    let told = Told(gate.into_inner());
    let piece = move || {
        let Told(_) = &told;
        Ok::<_, actix_web::Error>(Bytes::from_static(&[b'x'; 16 * 1024]))
    };
    HttpResponse::Ok().streaming(stream::repeat_with(piece))
}

/// More than any socket keeps, in one piece.
const BIG: usize = 32 * 1024 * 1024;

/// Sends much.
#[utoipa::path(responses((status = 200)))]
#[get("/big")]
pub(super) async fn big() -> HttpResponse {
    HttpResponse::Ok().body(vec![b'x'; BIG])
}

pub(super) struct Told(pub(super) Arc<Gate>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.left.notify_one();
    }
}

type Connection = JoinHandle<Result<(), h2::Error>>;

/// A client of HTTP/2 that lets the server send so much ahead.
async fn connect(addr: std::net::SocketAddr, window: u32) -> (SendRequest<Bytes>, Connection) {
    let socket = TcpStream::connect(addr).await.unwrap();
    let (client, connection) = Builder::new().initial_window_size(window).handshake(socket).await.unwrap();
    (client, tokio::spawn(connection))
}

fn request(method: &str, path: &str) -> http_02::request::Builder {
    Request2::builder().method(method).uri(format!("http://a{path}"))
}

#[test]
fn a_client_of_http1_that_does_not_read_is_let_go() {
    let rig = Rig::start(|server| server.unread_timeout(Duration::from_millis(200)));
    let mut client = std::net::TcpStream::connect(rig.server.addr()).unwrap();
    client.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    rig.runtime.block_on(async { timeout(PATIENCE, rig.gate.left.notified()).await }).unwrap();
}

#[test]
fn a_client_of_http2_that_makes_no_room_is_let_go() {
    let rig = Rig::start(|server| server.unread_timeout(Duration::from_millis(200)));
    rig.runtime.block_on(async {
        let (client, _connection) = connect(rig.server.addr(), 0).await;
        for path in ["/endless", "/things"] {
            let mut client = client.clone().ready().await.unwrap();
            let (answer, _) = client.send_request(request("GET", path).body(()).unwrap(), true).unwrap();
            let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            let piece = timeout(PATIENCE, answer.into_body().data()).await.unwrap().unwrap();
            assert_eq!(piece.unwrap_err().reason(), Some(Reason::INTERNAL_ERROR), "{path}");
        }
        timeout(PATIENCE, rig.gate.left.notified()).await.unwrap();
    });
}

#[test]
fn what_a_client_takes_back_is_dropped_and_too_much_of_it_an_attack() {
    let rig = Rig::start(|server| server.max_in_flight(8));
    let (taken_back, reason) = rig.runtime.block_on(async {
        let (client, connection) = connect(rig.server.addr(), 1024).await;
        let mut taken_back = 0;
        while let Ok(mut client) = client.clone().ready().await {
            let asked = client.send_request(request("GET", "/slow").body(()).unwrap(), true);
            let Ok((answer, mut stream)) = asked else { break };
            tokio::select! {
                () = rig.gate.entered.notified() => stream.send_reset(Reason::CANCEL),
                answer = answer => match answer {
                    Ok(answer) => panic!("answered {} after {taken_back}", answer.status()),
                    Err(_) => break,
                },
            }
            taken_back += 1;
            assert!(taken_back < 1_000, "nobody minds");
        }
        (taken_back, timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap_err().reason())
    });
    assert_eq!(reason, Some(Reason::ENHANCE_YOUR_CALM));
    assert!(taken_back > 200, "{taken_back}");
    assert_eq!(rig.get("/things").status(), 200, "others are served");
}

#[test]
fn an_expectation_over_http2_is_refused_at_once() {
    let rig = Rig::start(|server| server);
    rig.runtime.block_on(async {
        let (client, _connection) = connect(rig.server.addr(), 64 * 1024).await;
        let mut client = client.ready().await.unwrap();
        let asked = request("POST", "/things").header("expect", "100-continue").body(()).unwrap();
        let (answer, _body) = client.send_request(asked, false).unwrap();
        let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert_eq!(answer.status().as_u16(), 417);
    });
}

#[test]
fn a_stop_waits_for_what_is_written_and_not_yet_taken() {
    let rig = Rig::start(|server| server);
    let mut client = std::net::TcpStream::connect(rig.server.addr()).unwrap();
    client.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    rig.runtime.block_on(async {
        let mut stop = tokio::spawn(rig.server.stop(PATIENCE));
        let early = timeout(Duration::from_millis(400), &mut stop).await;
        assert!(early.is_err(), "most of the answer is still here");
        let rest = tokio::task::spawn_blocking(move || std::io::copy(&mut client, &mut std::io::sink()));
        assert!(rest.await.unwrap().unwrap() > u64::try_from(BIG).unwrap());
        stop.await.unwrap();
    });
}
