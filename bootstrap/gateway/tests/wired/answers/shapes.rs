//! Shapes of answers.

/// An answer of a backend, and what a client is to get of it.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    /// The head and what follows it: in between, the backend may wait.
    pub(super) pieces: &'static [&'static str],
    /// Whether the backend closes the connection after it.
    pub(super) closes: bool,
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) body: &'static str,
}

/// How a client knows where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunks,
    /// It ends with its head.
    None,
}

/// Where the backend waits until the client has got something of what was written before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    Nowhere,
    AfterTheHead,
    BeforeTheEnd,
    BeforeEachPiece,
}

const USUAL: Shape = Shape {
    name: "has a length",
    method: "GET",
    pieces: &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", "abc", "def"],
    closes: false,
    status: 200,
    framing: Framing::Length(6),
    body: "abcdef",
};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

pub(super) const SHAPES: &[Shape] = &[
    USUAL,
    Shape {
        name: "has the length 0",
        pieces: &["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
        framing: Framing::Length(0),
        body: "",
        ..USUAL
    },
    Shape {
        name: "is one chunk",
        pieces: &[CHUNKED, "6\r\nabcdef\r\n", "0\r\n\r\n"],
        framing: Framing::Chunks,
        ..USUAL
    },
    Shape {
        name: "is two chunks",
        pieces: &[CHUNKED, "3\r\nabc\r\n", "3\r\ndef\r\n", "0\r\n\r\n"],
        framing: Framing::Chunks,
        ..USUAL
    },
    Shape {
        name: "is a chunk and a trailer",
        pieces: &[CHUNKED, "6\r\nabcdef\r\n", "0\r\nx: y\r\n\r\n"],
        framing: Framing::Chunks,
        ..USUAL
    },
    Shape {
        name: "has no chunk",
        pieces: &[CHUNKED, "0\r\n\r\n"],
        framing: Framing::Chunks,
        body: "",
        ..USUAL
    },
    Shape {
        name: "is a trailer",
        pieces: &[CHUNKED, "0\r\nx: y\r\n\r\n"],
        framing: Framing::Chunks,
        body: "",
        ..USUAL
    },
    Shape {
        name: "ends with its connection",
        pieces: &["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "abc", "def", ""],
        closes: true,
        framing: Framing::Chunks,
        ..USUAL
    },
    Shape {
        name: "is nothing until its connection ends",
        pieces: &["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", ""],
        closes: true,
        framing: Framing::Chunks,
        body: "",
        ..USUAL
    },
    Shape {
        name: "has a length and is the last one",
        pieces: &["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\n", "abc", "def"],
        closes: true,
        ..USUAL
    },
    Shape {
        name: "tells the length to HEAD",
        method: "HEAD",
        pieces: &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"],
        body: "",
        ..USUAL
    },
    Shape {
        name: "tells of chunks to HEAD",
        method: "HEAD",
        pieces: &[CHUNKED],
        framing: Framing::None,
        body: "",
        ..USUAL
    },
    Shape {
        name: "is 204",
        pieces: &["HTTP/1.1 204 No Content\r\n\r\n"],
        status: 204,
        framing: Framing::None,
        body: "",
        ..USUAL
    },
    Shape {
        name: "is 304 and tells the length",
        pieces: &["HTTP/1.1 304 Not Modified\r\ncontent-length: 6\r\n\r\n"],
        status: 304,
        body: "",
        ..USUAL
    },
];

/// Closes its connection when the client has the whole answer, and has not said so.
pub(super) const LEAVES: Shape = Shape {
    name: "is followed by silence",
    pieces: &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef", ""],
    closes: true,
    ..USUAL
};

impl Shape {
    /// What is written at once, wherever the backend waits.
    pub(super) fn writes(&self, wait: Wait) -> Vec<String> {
        let end = self.pieces.len() - 1;
        let mut writes: Vec<String> = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let waits = match wait {
                Wait::Nowhere => false,
                Wait::AfterTheHead => at == 1,
                Wait::BeforeTheEnd => at == end,
                Wait::BeforeEachPiece => true,
            };
            match writes.last_mut() {
                Some(last) if !waits => last.push_str(piece),
                _ => writes.push((*piece).to_owned()),
            }
        }
        writes
    }
}
