//! Makes a connection, encrypted where the backend's URL says so.

use std::{io, sync::Arc};

use gateway_application::policy::Backend;
use http::uri::Authority;
use kernel_application::BoxError;
use platform_tls::ClientTls;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

/// What HTTP/2 is called in a handshake.
const HTTP2: &[u8] = b"h2";

/// A connection of either kind.
pub(super) type Socket = Box<dyn Stream>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects with the certificates as they are now.
pub(super) async fn dial(backend: &Backend, tls: &ClientTls) -> Result<Socket, BoxError> {
    let authority: Authority = backend.authority().parse()?;
    let usual = if backend.is_secure() { 443 } else { 80 };
    // An address of IPv6 stands in brackets in a URL only.
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let socket = TcpStream::connect((host, authority.port_u16().unwrap_or(usual))).await?;
    socket.set_nodelay(true)?;
    if !backend.is_secure() {
        return Ok(Box::new(socket));
    }
    let mut config = tls.current().as_ref().clone();
    config.alpn_protocols = vec![HTTP2.to_vec()];
    let name = ServerName::try_from(backend.server_name().unwrap_or(host).to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    if stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "backend does not speak HTTP/2").into());
    }
    Ok(Box::new(stream))
}
