//! Connections that go on as something else.

use tokio::join;

use super::*;

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";

/// A connection whose backend switches, in two parts, and what came behind the head.
async fn switched(parts: [&[u8]; 2]) -> (Head, Vec<u8>) {
    let shop = Shop::start().await;
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write_parts(parts).await;
        peer.socket.shutdown().await.unwrap();
        peer
    };
    let (sent, _peer) = join!(shop.send(&Method::GET, RequestBody::Empty), answering);
    let (head, answer) = sent.unwrap();
    let (mut io, come) = answer.into_tunnel().unwrap();
    let mut through = come.to_vec();
    soon(io.read_to_end(&mut through)).await.unwrap();
    (head, through)
}

#[tokio::test]
async fn what_comes_behind_the_head_of_a_tunnel_is_said_through_it() {
    let whole = [SWITCHED.as_bytes(), b"hello"].concat();
    for cut in 1..whole.len() {
        let (one, two) = whole.split_at(cut);
        let (head, through) = switched([one, two]).await;
        assert!(head.status.as_u16() == 101 && head.websocket);
        assert_eq!(through, b"hello", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_tunnel_that_nobody_wants_is_closed() {
    let shop = Shop::start().await;
    let answering = async {
        let mut peer = shop.accept().await;
        peer.head().await.unwrap();
        peer.write(SWITCHED).await;
        peer
    };
    let (got, peer) = join!(shop.get(), answering);
    assert_eq!(got.unwrap().shown(), (101, Some("")));
    assert!(peer.was_left().await);
}
