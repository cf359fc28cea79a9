//! Ports that are taken, and by whom, found before anything is started.

use crate::catalogue::Address;
use crate::failure::{Failure, Outcome};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// A port a service wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortUse {
    pub(crate) service: &'static str,
    pub(crate) port: u16,
    pub(crate) grpc: bool,
}

/// The ports of these services that something else listens on.
pub(crate) fn taken(addresses: &[Address]) -> Vec<PortUse> {
    addresses.iter().flat_map(uses).filter(|wanted| !free(wanted.port)).collect()
}

/// Fails with one line per taken port.
pub(super) fn check(addresses: &[Address]) -> Outcome {
    let complaints: Vec<String> =
        taken(addresses).iter().map(|wanted| complaint(wanted, holder(wanted.port))).collect();
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n       "))) }
}

fn uses(address: &Address) -> Vec<PortUse> {
    let service = address.service.name;
    let http = PortUse { service, port: address.http, grpc: false };
    let grpc = address.grpc.map(|port| PortUse { service, port, grpc: true });
    std::iter::once(http).chain(grpc).collect()
}

fn free(port: u16) -> bool {
    let taken = |error: std::io::Error| error.kind() == ErrorKind::AddrInUse;
    !TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err_and(taken)
}

fn complaint(wanted: &PortUse, holder: Option<Holder>) -> String {
    let PortUse { service, port, grpc } = wanted;
    let (protocol, variable, option) = if *grpc {
        ("gRPC", "GRPC_PORT", format!("{service}-grpc"))
    } else {
        ("HTTP", "PORT", (*service).to_owned())
    };
    let holder = holder.map_or_else(|| "an unknown process".to_owned(), |holder| holder.to_string());
    let elsewhere = if *port > 55_000 { port - 10_000 } else { port + 10_000 };
    format!(
        "port {port} ({service}, {protocol}) is taken by {holder}; end it, or move the service with \
         `--port {option}={elsewhere}` (its variable {variable})"
    )
}

struct Holder {
    pid: u32,
    command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} `{}`", self.pid, self.command)
    }
}

fn holder(port: u16) -> Option<Holder> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let inode = tables.iter().find_map(|table| listening_inode(table, port))?;
    let pid = processes().find(|pid| holds(*pid, inode))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    Some(Holder { pid, command: shown(&command) })
}

/// The inode of the socket that listens on that port.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut listening = rows.filter(|row| row.get(3) == Some(&LISTEN));
    let row = listening.find(|row| {
        let hexadecimal = row.get(1).and_then(|address| address.rsplit(':').next());
        hexadecimal.and_then(|text| u16::from_str_radix(text, 16).ok()) == Some(port)
    })?;
    row.get(9)?.parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn holds(pid: u32, inode: u64) -> bool {
    let socket = format!("socket:[{inode}]");
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| link == Path::new(&socket))
}

fn shown(command: &[u8]) -> String {
    let text = String::from_utf8_lossy(command).replace('\0', " ");
    let text = text.trim();
    text.char_indices().nth(80).map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 11 1 0 20 4 30 10 -1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
";

    #[test]
    fn only_listening_sockets_count() {
        assert_eq!(listening_inode(TABLE, 8080), Some(4242));
        assert_eq!(listening_inode(TABLE, 8081), None);
        assert_eq!(listening_inode("", 8080), None);
    }

    #[test]
    fn the_other_address_family_is_read_too() {
        let row = "sl\n 0: 00000000000000000000000000000000:C353 0:0 0A 0:0 00:0 0 0 0 77 1";
        assert_eq!(listening_inode(row, 50003), Some(77));
    }

    #[test]
    fn a_complaint_names_process_option_and_variable() {
        let wanted = PortUse { service: "product", port: 50050, grpc: true };
        let holder = Holder { pid: 7, command: "python3 -m http.server".to_owned() };
        let text = complaint(&wanted, Some(holder));
        assert!(text.contains("process 7 `python3 -m http.server`"), "{text}");
        assert!(text.contains("--port product-grpc=60050"), "{text}");
        assert!(text.contains("GRPC_PORT"), "{text}");
        let http = complaint(&PortUse { port: 8080, grpc: false, ..wanted }, None);
        assert!(http.contains("an unknown process") && http.contains("--port product=18080"), "{http}");
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
    fn a_long_command_is_cut() {
        assert_eq!(shown(b"a\0b\0"), "a b");
        assert_eq!(shown(&[b'x'; 200]).chars().count(), 81);
    }
}
