//! Who holds a port, read from the tables of the kernel (Linux; elsewhere nobody is known).

use std::fmt;
use std::fs;
use std::path::Path;

/// How a port is in use.
pub(super) enum Hold {
    /// A process listens on it.
    Listener(Option<Holder>),
    /// No listener: it is our end of a connection to somebody else, or what is left of one for a minute.
    Connection,
    /// The tables say nothing.
    Unknown,
}

/// A process that listens.
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} `{}`", self.pid, self.command)
    }
}

/// How `port` is in use.
pub(super) fn hold(port: u16) -> Hold {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    hold_in(&tables, port)
}

fn hold_in(tables: &[String], port: u16) -> Hold {
    if let Some(inode) = tables.iter().find_map(|table| listening_inode(table, port)) {
        return Hold::Listener(holder(inode));
    }
    let connected = tables.iter().any(|table| rows(table).any(|row| local_port(&row) == Some(port)));
    if connected { Hold::Connection } else { Hold::Unknown }
}

fn holder(inode: u64) -> Option<Holder> {
    let pid = processes().find(|pid| holds(*pid, inode))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    Some(Holder { pid, command: shown(&command) })
}

/// The inode of the socket that listens on that port.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let row = rows(table).find(|row| row.get(3) == Some(&LISTEN) && local_port(row) == Some(port))?;
    row.get(9)?.parse().ok()
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(1).map(|line| line.split_whitespace().collect())
}

fn local_port(row: &[&str]) -> Option<u16> {
    let hexadecimal = row.get(1)?.rsplit(':').next()?;
    u16::from_str_radix(hexadecimal, 16).ok()
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
    fn the_end_of_a_connection_is_no_listener() {
        // 8081 is where a client of port 8080 happened to be; it closed first, so the kernel keeps it for a minute.
        let row = "sl\n 0: 0100007F:1F91 0100007F:1F90 06 00000000:00000000 03:00001770 00000000 0 0 0 3 0";
        let tables = [TABLE.to_owned(), row.to_owned()];
        assert!(matches!(hold_in(&tables, 8081), Hold::Connection));
        assert!(matches!(hold_in(&tables, 8080), Hold::Listener(None)));
        assert!(matches!(hold_in(&tables, 8082), Hold::Unknown));
    }

    #[test]
    fn a_long_command_is_cut() {
        assert_eq!(shown(b"a\0b\0"), "a b");
        assert_eq!(shown(&[b'x'; 200]).chars().count(), 81);
    }
}
