//! Answers that come in two parts, cut anywhere, or byte by byte, are what they are in one.

use std::iter;

use tokio::join;

use super::*;
use crate::testing::read_answer;

struct Shape {
    name: &'static str,
    method: Method,
    text: &'static str,
    closes: bool,
    expected: (u16, Option<&'static str>),
}

const PLAIN: Shape = Shape {
    name: "with a length",
    method: Method::GET,
    text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\netag: \"1\"\r\n\r\nabc",
    closes: false,
    expected: (200, Some("abc")),
};

const SHAPES: [Shape; 10] = [
    PLAIN,
    Shape {
        name: "in chunks, with extensions and trailers",
        text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n01\r\nc\r\n0;z\r\nx: y\r\n\r\n",
        ..PLAIN
    },
    Shape { name: "until it is closed", text: "HTTP/1.1 200 OK\r\n\r\nabc", closes: true, ..PLAIN },
    Shape {
        name: "to HEAD",
        method: Method::HEAD,
        expected: (200, Some("")),
        text: "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
        ..PLAIN
    },
    Shape { name: "of nothing", expected: (204, Some("")), text: "HTTP/1.1 204 No Content\r\n\r\n", ..PLAIN },
    Shape {
        name: "not modified",
        expected: (304, Some("")),
        text: "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n",
        ..PLAIN
    },
    Shape {
        name: "that goes on",
        text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        ..PLAIN
    },
    Shape {
        name: "with hints",
        text: "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        ..PLAIN
    },
    Shape {
        name: "of an old backend",
        text: "HTTP/1.0 200 OK\ncontent-length: 3\n\nabc",
        closes: true,
        ..PLAIN
    },
    Shape {
        name: "cut off",
        text: "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc",
        closes: true,
        expected: (200, None),
        ..PLAIN
    },
];

impl Shape {
    fn bytes(&self) -> &'static [u8] {
        self.text.as_bytes()
    }
}

/// A pool, and the connection that it has kept, if any.
struct Open {
    shop: Shop,
    peer: Option<Peer>,
}

impl Open {
    /// The same answer, from a backend that writes it in these parts.
    async fn ask(&mut self, shape: &Shape, parts: impl IntoIterator<Item = &'static [u8]>) -> Got {
        let answering = async {
            let mut peer = match self.peer.take() {
                Some(peer) => peer,
                None => self.shop.accept().await,
            };
            peer.head().await.unwrap();
            peer.write_parts(parts).await;
            (!shape.closes).then_some(peer)
        };
        let (got, peer) = join!(self.shop.ask(&shape.method, RequestBody::Empty), answering);
        self.peer = peer;
        got.unwrap()
    }
}

#[tokio::test]
async fn an_answer_is_the_same_wherever_it_is_cut() {
    for shape in SHAPES {
        let mut open = Open { shop: Shop::start().await, peer: None };
        let whole = open.ask(&shape, [shape.bytes()]).await;
        assert_eq!(whole.shown(), shape.expected, "an answer {}", shape.name);
        for cut in 1..shape.text.len() {
            let (one, two) = shape.bytes().split_at(cut);
            let got = open.ask(&shape, [one, two]).await;
            assert_eq!(got, whole, "an answer {}, cut at {cut}", shape.name);
        }
        let got = open.ask(&shape, shape.bytes().chunks(1)).await;
        assert_eq!(got, whole, "an answer {}, byte by byte", shape.name);
    }
}

/// What is fuzzed is what a pool does.
#[test]
fn an_answer_is_read_without_a_connection_as_over_one() {
    for Shape { name, method, text, closes, expected: (status, body) } in SHAPES {
        let text = [text.as_bytes(), if closes { b"" } else { b"more" }].concat();
        for pieces in [text.chunks(1), text.chunks(7), text.chunks(text.len())] {
            let read = read_answer(pieces, method == Method::HEAD);
            let read = read.map(|read| (read.status, read.body, read.rest, read.persists));
            let rest = if closes { Vec::new() } else { b"more".to_vec() };
            let expected = body.map(|body| (status, body.as_bytes().to_vec(), rest, !closes));
            assert_eq!(read, expected, "an answer {name}");
        }
    }
    assert_eq!(read_answer(iter::empty(), false), None);
    assert_eq!(read_answer([&b"HTTP/1.1 200"[..]], false), None);
}
