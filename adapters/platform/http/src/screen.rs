//! A look at the bytes of HTTP/1 connections before the parser sees them.

use crate::Problem;

/// Looks at what comes over one connection, and lets it pass or not.
///
/// [`HttpServer::screen`](crate::HttpServer::screen) takes what makes one for each connection. What may be passed on is
/// decided by the bytes alone, not by the pieces in which they come.
pub trait Screen {
    /// Looks at everything that has come in and was not passed on yet. Called again with the same bytes and more behind
    /// them where not all of them may be passed on, and never after a refusal.
    fn look(&mut self, waiting: &[u8]) -> Looked;

    /// The connection has become a tunnel: see [`Tunnel`](crate::Tunnel).
    fn open_tunnel(&mut self);
}

/// What a screen has found.
#[derive(Debug)]
pub struct Looked {
    /// So many bytes may be passed on.
    pub passed: usize,
    /// Why nothing after them may be.
    pub refused: Option<Refused>,
}

/// Why a connection ends.
#[derive(Debug)]
pub enum Refused {
    /// A request is malformed, and nothing of it was passed on: the client gets this answer, after those to the requests
    /// before.
    Request(Problem),
    /// What follows a head that was passed on is malformed: its handler finds that the body breaks off, and answers.
    Body,
}
