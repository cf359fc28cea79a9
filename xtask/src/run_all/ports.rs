//! Ports that are taken, and by whom, found before anything is started.

use super::sockets::{Hold, Holder, hold};
use crate::catalogue::{Address, Port, STRIDE};
use crate::failure::{Failure, Outcome};
use crate::paint::say;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

/// A port a service wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortUse {
    pub(crate) service: &'static str,
    replica: u16,
    kind: Port,
    pub(crate) port: u16,
}

/// The ports of these services that something listens on.
pub(crate) fn taken(addresses: &[Address]) -> Vec<PortUse> {
    let listening = |wanted: &PortUse| !matches!(hold(wanted.port), Hold::Connection);
    addresses.iter().flat_map(uses).filter(|wanted| !free(wanted.port) && listening(wanted)).collect()
}

/// Fails with one line per port that somebody listens on; waits for those that only a connection holds.
///
/// Clients are given their ports from a range that our gRPC ports lie in (32768–60999 on Linux), and keep them for a
/// minute after the connection: such a port gets free by itself.
pub(super) fn check(addresses: &[Address]) -> Outcome {
    let complaints: Vec<String> =
        addresses.iter().flat_map(uses).filter_map(|wanted| obstacle(&wanted)).collect();
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n       "))) }
}

/// What keeps a service from its port, after the wait that may help.
fn obstacle(wanted: &PortUse) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(70);
    let begun = Instant::now();
    let mut said = false;
    while !free(wanted.port) {
        match hold(wanted.port) {
            Hold::Listener(holder) => return Some(complaint(wanted, holder)),
            Hold::Connection if begun.elapsed() < PATIENCE => {
                if !said {
                    say!(
                        "waiting for port {} ({}): a connection that is closing holds it",
                        wanted.port,
                        wanted.service
                    );
                    said = true;
                }
                thread::sleep(Duration::from_millis(200));
            }
            // It may have been freed since we asked.
            Hold::Unknown if begun.elapsed() < Duration::from_secs(1) => {
                thread::sleep(Duration::from_millis(50));
            }
            Hold::Connection | Hold::Unknown => return Some(complaint(wanted, None)),
        }
    }
    None
}

fn uses(address: &Address) -> Vec<PortUse> {
    let (service, replica) = (address.service.name, address.replica);
    address.ports().map(|(kind, port)| PortUse { service, replica, kind, port }).collect()
}

fn free(port: u16) -> bool {
    let taken = |error: std::io::Error| error.kind() == ErrorKind::AddrInUse;
    !TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err_and(taken)
}

fn complaint(wanted: &PortUse, holder: Option<Holder>) -> String {
    let PortUse { service, replica, kind, port } = wanted;
    let (label, variable, suffix) = (kind.label(), kind.variable(), kind.suffix());
    let holder = holder.map_or_else(|| "an unknown process".to_owned(), |holder| holder.to_string());
    // Replicas are as far from the first as always.
    let first = port - (replica - 1) * STRIDE;
    let elsewhere = if first > 55_000 { first - 10_000 } else { first + 10_000 };
    format!(
        "port {port} ({service}, {label}) is taken by {holder}; end it, or move the service with \
         `--port {service}{suffix}={elsewhere}` (its variable {variable})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_process_option_and_variable() {
        let wanted = PortUse { service: "product", replica: 1, kind: Port::Grpc, port: 50050 };
        let holder = Holder { pid: 7, command: "python3 -m http.server".to_owned() };
        let text = complaint(&wanted, Some(holder));
        assert!(text.contains("process 7 `python3 -m http.server`"), "{text}");
        assert!(text.contains("--port product-grpc=60050"), "{text}");
        assert!(text.contains("GRPC_PORT"), "{text}");
        let http = complaint(&PortUse { kind: Port::Http, port: 8080, ..wanted }, None);
        assert!(http.contains("an unknown process") && http.contains("--port product=18080"), "{http}");
        let replica = complaint(&PortUse { replica: 2, kind: Port::Http, port: 8180, ..wanted }, None);
        assert!(replica.contains("port 8180") && replica.contains("--port product=18080"), "{replica}");
    }

    #[test]
    fn a_port_in_use_is_seen() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!free(port));
        drop(listener);
        assert!(free(port));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_port_of_a_connection_is_busy_but_nobody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = client.local_addr().unwrap().port();
        assert!(!free(port));
        assert!(matches!(hold(port), Hold::Connection));
        let of_listener = listener.local_addr().unwrap().port();
        assert!(
            matches!(hold(of_listener), Hold::Listener(Some(holder)) if holder.pid == std::process::id())
        );
    }
}
