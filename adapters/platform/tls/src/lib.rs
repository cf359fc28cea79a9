//! TLS from files, read again when they change, so that a new certificate needs no restart.
//!
//! [`ServerFiles`] are what a server shows and whom it lets in, [`ClientFiles`] whom a client trusts and what it shows.
//! [`Reloaded`] keeps the configuration of either current: new connections use what is newest, files that make no
//! sense are refused and what was there before stays. Another kind of configuration is another [`Source`].

mod client;
mod error;
mod pem;
mod reloaded;
mod server;

pub use client::{ClientFiles, Identity};
pub use error::TlsError;
pub use reloaded::{Reloaded, Source};
pub use server::ServerFiles;

/// What a server needs to accept connections.
pub type ServerTls = Reloaded<ServerFiles>;
/// What a client needs to make them.
pub type ClientTls = Reloaded<ClientFiles>;
