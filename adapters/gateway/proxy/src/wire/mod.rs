//! HTTP/1.1 as it is spoken to backends: one request after the other over a connection, and its answer as it comes.
//!
//! [`sending`] writes requests, [`head`] reads the beginnings of answers and [`body`] what follows them. Heads are taken
//! apart by `httparse`; where a body ends is decided by the domain's rules, and an answer that could end in two places is
//! none. Connections read into and write from the memory of their thread (`platform-wire`): one that waits has none.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod head;
pub(crate) mod sending;

pub(crate) use error::WireError;
