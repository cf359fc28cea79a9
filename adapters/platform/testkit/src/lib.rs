//! Test helpers: polling probes, free ports, data folders, the servers of the other home, and the inventory of routes.
//!
//! A test waits with [`eventually`] for what it needs to see; it never sleeps and hopes.

pub mod bench;
pub mod inventory;
pub mod servers;

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

/// How often a probe is asked.
const INTERVAL: Duration = Duration::from_millis(10);

/// A deadline that is never the reason a healthy test fails, not even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A probe said no until the deadline.
#[derive(Debug, thiserror::Error)]
#[error("nothing showed within {0:?}")]
pub struct TimedOut(Duration);

/// Asks `probe` until it has an answer, and returns that.
pub async fn eventually<T, F>(deadline: Duration, mut probe: impl FnMut() -> F) -> Result<T, TimedOut>
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = probe().await {
            return Ok(answer);
        }
        if Instant::now() >= end {
            return Err(TimedOut(deadline));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// A listener on a free port of this machine. Hand it on rather than its number: nobody can take it in between.
pub fn free_listener() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// A port that nobody has, for processes that are told a number; each call answers another one.
///
/// It lies below the range that outgoing connections are given their ports from, so that none of them takes it before the
/// process listens.
pub fn free_port() -> io::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();

    // Test processes that run at the same time begin at different places.
    let next = NEXT.get_or_init(|| AtomicU32::new(std::process::id().wrapping_mul(7_919)));
    let candidates = (0..COUNT).map(|_| FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    let port = candidates.filter_map(|port| u16::try_from(port).ok()).find(free);
    port.ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "every port of the tests is taken"))
}

/// An empty folder that is removed when the value is dropped.
pub fn data_dir() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("shop-").tempdir()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn probes_are_asked_until_they_answer() {
        let asked = Cell::new(0);
        let probe = || async {
            asked.set(asked.get() + 1);
            (asked.get() == 3).then_some("here")
        };
        assert_eq!(eventually(PATIENCE, probe).await.unwrap(), "here");
        let never = eventually(PATIENCE, || async { None::<()> }).await;
        assert!(never.is_err());
    }

    #[test]
    fn folders_go_with_their_owner() {
        let dir = data_dir().unwrap();
        let path = dir.path().to_owned();
        assert!(path.is_dir());
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn ports_are_given_once() {
        let ports: Vec<_> = (0..50).map(|_| free_port().unwrap()).collect();
        let different: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
        assert!(ports.iter().all(|port| (20_000..32_000).contains(port)), "{ports:?}");
    }
}
