//! Connections that become something else.

use std::{cell::Cell, rc::Rc};

use actix_web::HttpRequest;

/// Tells the screen of a connection that it is a tunnel from now on.
#[derive(Clone, Debug, Default)]
pub struct Tunnel(Rc<Cell<bool>>);

impl Tunnel {
    /// That of the request's connection; `None` where there can be none, as in HTTP/2.
    pub fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data()
    }

    /// Called with an answer of 101: whatever the client sends next is the tunnel's.
    pub fn open(&self) {
        self.0.set(true);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.get()
    }
}

/// Whether the listener encrypts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encrypted(pub(crate) bool);

/// Whether the request came over an encrypted connection.
pub fn is_encrypted(request: &HttpRequest) -> bool {
    request.app_data::<Encrypted>().is_some_and(|encrypted| encrypted.0)
}
