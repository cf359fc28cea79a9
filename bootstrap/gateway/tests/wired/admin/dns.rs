//! A DNS server with one machine behind all names.

use std::net::{IpAddr, SocketAddr};

use tokio::{net::UdpSocket, task::AbortHandle};

/// Where it listens; it is gone when this is dropped.
pub(super) struct NameServer {
    pub(super) addr: SocketAddr,
    served: AbortHandle,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.served.abort();
    }
}

const A: [u8; 4] = [0, 1, 0, 1];
const SRV: [u8; 4] = [0, 33, 0, 1];

impl NameServer {
    /// Answers every question for addresses of IPv4 with the machine's, every question for a service with the domain it is
    /// asked for and the machine's port, and all others with nothing.
    pub(super) async fn of(machine: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                socket.send_to(&answer(&buffer[..length], machine), peer).await.unwrap();
            }
        });
        Self { addr, served: serving.abort_handle() }
    }
}

fn answer(question: &[u8], machine: SocketAddr) -> Vec<u8> {
    // The name ends at its empty label; type and class are the four bytes behind it.
    let name = question[12..].iter().position(|byte| *byte == 0).unwrap();
    let end = 12 + name + 5;
    let data = match question[end - 4..end].try_into().unwrap() {
        A => match machine.ip() {
            IpAddr::V4(address) => Some(address.octets().to_vec()),
            IpAddr::V6(_) => None,
        },
        SRV => Some(service(&question[12..end - 4], machine.port())),
        _ => None,
    };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if let Some(data) = data {
        // The name again, by reference; type and class; a second to live.
        answer.extend([0xc0, 12]);
        answer.extend(&question[end - 4..end]);
        answer.extend([0, 0, 0, 1, 0, u8::try_from(data.len()).unwrap()]);
        answer.extend(data);
    }
    answer
}

/// Priority, weight, port, and the name without its first two labels, each of which has its length before it.
fn service(name: &[u8], port: u16) -> Vec<u8> {
    let mut domain = name;
    for _ in 0..2 {
        domain = &domain[usize::from(domain[0]) + 1..];
    }
    let mut data = vec![0, 1, 0, 1];
    data.extend(port.to_be_bytes());
    data.extend(domain);
    data
}
