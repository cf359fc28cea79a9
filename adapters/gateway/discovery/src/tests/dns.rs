//! A DNS server of a few records, on a free port, whose records a test changes while it runs.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, rdata::SRV},
};
use tokio::{net::UdpSocket, task::AbortHandle};

pub(super) struct DnsServer {
    pub(super) addr: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    served: AbortHandle,
}

#[derive(Default)]
struct Zone {
    /// What each name has, with its time to live.
    records: BTreeMap<String, Vec<(u32, RData)>>,
    /// Names that are not answered for, or only with a failure.
    silent: Vec<String>,
    refused: Vec<String>,
    asked: usize,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl DnsServer {
    pub(super) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let zone = Arc::new(Mutex::new(Zone::default()));
        let answering = Arc::clone(&zone);
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let answer = answering.lock().unwrap().answer(&buffer[..length]);
                if let Some(answer) = answer {
                    socket.send_to(&answer, peer).await.unwrap();
                }
            }
        });
        Self { addr, zone, served: serving.abort_handle() }
    }

    /// The name has these addresses from now on; none at all for no such name.
    pub(super) fn addresses(&self, name: &str, ttl: u32, addresses: &[&str]) {
        let data = |address: &&str| match address.parse().unwrap() {
            IpAddr::V4(v4) => RData::A(v4.into()),
            IpAddr::V6(v6) => RData::AAAA(v6.into()),
        };
        self.set(name, ttl, addresses.iter().map(data).collect());
    }

    /// The name has these targets: priority, weight, port, name.
    pub(super) fn services(&self, name: &str, ttl: u32, targets: &[(u16, u16, u16, &str)]) {
        let data = |(priority, weight, port, target): &(u16, u16, u16, &str)| {
            RData::SRV(SRV::new(*priority, *weight, *port, Name::from_ascii(target).unwrap()))
        };
        self.set(name, ttl, targets.iter().map(data).collect());
    }

    /// Nobody answers for the name.
    pub(super) fn hangs(&self, name: &str) {
        self.zone.lock().unwrap().silent.push(format!("{name}."));
    }

    /// Whoever asks for the name is told of a failure.
    pub(super) fn refuses(&self, name: &str) {
        self.zone.lock().unwrap().refused.push(format!("{name}."));
    }

    pub(super) fn asked(&self) -> usize {
        self.zone.lock().unwrap().asked
    }

    fn set(&self, name: &str, ttl: u32, data: Vec<RData>) {
        let records = data.into_iter().map(|data| (ttl, data)).collect();
        self.zone.lock().unwrap().records.insert(format!("{name}."), records);
    }
}

impl Zone {
    fn answer(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        self.asked += 1;
        let request = Message::from_vec(request).unwrap();
        let query = request.queries[0].clone();
        let name = query.name().to_lowercase().to_string();
        if self.silent.contains(&name) {
            return None;
        }
        let known = self.records.get(&name).map(Vec::as_slice).unwrap_or_default();
        let mut response = Message::response(request.metadata.id, request.metadata.op_code);
        response.metadata.recursion_available = true;
        if self.refused.contains(&name) {
            response.metadata.response_code = ResponseCode::ServFail;
        } else if known.is_empty() {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
        let wanted = |(_, data): &&(u32, RData)| data.record_type() == query.query_type();
        for (ttl, data) in known.iter().filter(wanted) {
            response.add_answer(Record::from_rdata(query.name().clone(), *ttl, data.clone()));
        }
        response.add_query(query);
        Some(response.to_vec().unwrap())
    }
}
