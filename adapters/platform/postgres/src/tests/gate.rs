//! What lies between a client and its server, and what can go wrong there.

use std::net::{IpAddr, SocketAddr};

use platform_testkit::servers;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{PgConfig, testing::TestDatabase};

/// A way to the server that a test can cut.
pub(super) struct Gate {
    pub(super) addr: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// Connections are open and nothing comes through: a server that stands still, or a network that drops packets.
    Silent,
    /// Connections break and new ones end at once: a server that is down.
    Shut,
}

impl Gate {
    pub(super) async fn new(at: IpAddr, state: State) -> Self {
        let listener = TcpListener::bind((at, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, receiver) = watch::channel(state);
        tokio::spawn(accept(listener, receiver));
        Self { addr, state: sender }
    }

    pub(super) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// The way to `own` through this gate.
    pub(super) fn before(&self, own: &TestDatabase) -> PgConfig {
        PgConfig { host: self.addr.ip().to_string(), port: self.addr.port(), ..own.config().clone() }
    }
}

async fn accept(listener: TcpListener, state: watch::Receiver<State>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass(client, state.clone()));
    }
}

async fn pass(mut client: TcpStream, mut state: watch::Receiver<State>) {
    let server: tokio_postgres::Config = servers::postgres().unwrap().parse().unwrap();
    let (tokio_postgres::config::Host::Tcp(host), port) = (&server.get_hosts()[0], server.get_ports()[0])
    else {
        return;
    };
    let Ok(mut server) = TcpStream::connect((host.as_str(), port)).await else { return };
    if *state.borrow() == State::Open {
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = state.wait_for(|state| *state != State::Open) => {}
        }
    }
    // What was silent once stays so until it breaks.
    let _ = state.wait_for(|state| *state == State::Shut).await;
}
