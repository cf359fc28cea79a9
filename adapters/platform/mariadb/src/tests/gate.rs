//! A way to the server that a test can cut.

use std::{net::SocketAddr, time::Duration};

use platform_testkit::free_listener;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::{MariaDbConfig, testing::TestDatabase};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Connections end, new ones too: the server is down.
    Shut,
    /// Connections stay and nothing comes through: the network swallows everything.
    Silent,
}

/// A proxy before a server.
pub(super) struct Gate {
    state: watch::Sender<State>,
    at: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// A gate that is open at first.
    pub(super) fn before(home: &TestDatabase) -> Self {
        let (listener, at) = free_listener().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let server = format!("{}:{}", home.config().host, home.config().port);
        let (state, seen) = watch::channel(State::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), seen.clone()));
            }
        });
        Self { state, at, accepting }
    }

    /// The database's configuration, through the gate and with limits that a test can wait for.
    pub(super) fn config(&self, home: &TestDatabase) -> MariaDbConfig {
        MariaDbConfig {
            host: self.at.ip().to_string(),
            port: self.at.port(),
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            ..home.config().clone()
        }
    }

    pub(super) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    pub(super) fn shut(&self) {
        self.state.send_replace(State::Shut);
    }

    pub(super) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut client: TcpStream, server: String, mut state: watch::Receiver<State>) {
    let born = *state.borrow();
    let mut server = match born {
        State::Shut => return,
        _ => TcpStream::connect(server).await.unwrap(),
    };
    loop {
        let now = *state.borrow_and_update();
        match now {
            State::Shut => return,
            State::Silent => _ = state.changed().await,
            State::Open => tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                _ = state.changed() => {}
            },
        }
    }
}
