//! The first words of each protocol: enough to know that a server does its work, and needing no client library.

use crate::failure::{Context, Failure, Outcome};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// `PostgreSQL` asks for a password as soon as it takes connections, and says no while it starts or recovers.
pub(super) fn postgres(address: &str) -> io::Result<bool> {
    const VERSION_3: u32 = 3 << 16;
    let parameters = b"user\0postgres\0\0";
    let mut packet = Vec::new();
    packet.extend(length(parameters.len() + 8).to_be_bytes());
    packet.extend(VERSION_3.to_be_bytes());
    packet.extend(parameters);
    let mut stream = connect(address)?;
    stream.write_all(&packet)?;
    // All of the answer: to leave a part unread is a reset connection, and a line in the log of the server.
    let mut answer = [0; 512];
    Ok(stream.read(&mut answer)? > 0 && answer[0] == b'R')
}

/// `MariaDB` speaks first: its protocol is 10.
pub(super) fn mariadb(address: &str) -> io::Result<bool> {
    let mut greeting = [0; 5];
    connect(address)?.read_exact(&mut greeting)?;
    Ok(greeting[4] == 10)
}

/// One command and its answer; an error of Redis is a failure.
pub(super) fn redis(address: &str, password: &str, words: &[&str]) -> Outcome<String> {
    let doing = || format!("{} at {address}", words.join(" "));
    let mut stream = BufReader::new(connect(address).context(doing)?);
    if !password.is_empty() {
        command(&mut stream, &["AUTH", password]).context(|| format!("AUTH at {address}"))?;
    }
    command(&mut stream, words).context(doing)
}

fn command(stream: &mut BufReader<TcpStream>, words: &[&str]) -> Outcome<String> {
    let arguments = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let request = format!("*{}\r\n{}", words.len(), arguments.collect::<String>());
    let doing = || "talking to Redis".to_owned();
    stream.get_mut().write_all(request.as_bytes()).context(doing)?;
    let mut line = String::new();
    stream.read_line(&mut line).context(doing)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("+" | ":", text)) => Ok(text.to_owned()),
        Some(("$", size)) => {
            let mut text = vec![0; size.parse().context(doing)?];
            stream.read_exact(&mut text).context(doing)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        _ => Err(Failure::new(line.trim_start_matches('-'))),
    }
}

/// How many brokers a broker of Kafka knows to be alive (a metadata request, version 1, for no topics).
pub(super) fn brokers(address: &str) -> io::Result<u32> {
    const METADATA: u16 = 3;
    let mut request = Vec::new();
    request.extend(METADATA.to_be_bytes());
    request.extend(1_u16.to_be_bytes());
    request.extend(7_u32.to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(0_u32.to_be_bytes());
    let mut stream = connect(address)?;
    stream.write_all(&length(request.len()).to_be_bytes())?;
    stream.write_all(&request)?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let [.., a, b, c, d] = answer;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&resolve(address)?, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("{address} is no address"));
    address.to_socket_addrs()?.next().ok_or_else(unknown)
}

fn length(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server for one connection that answers whatever comes (or nothing, to one that speaks first) by these bytes.
    fn answering(waits: bool, answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            if waits {
                assert!(stream.read(&mut [0; 256]).unwrap() > 0);
            }
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn a_database_that_starts_is_not_ready() {
        assert!(postgres(&answering(true, b"R\0\0\0\x17")).unwrap());
        assert!(!postgres(&answering(true, b"E\0\0\0\x17")).unwrap());
        assert!(mariadb(&answering(false, b"\x40\0\0\0\x0a10.11")).unwrap());
        assert!(!mariadb(&answering(false, b"\x40\0\0\0\xffToo many")).unwrap());
    }

    #[test]
    fn answers_of_redis_are_read() {
        assert_eq!(redis(&answering(true, b"+PONG\r\n"), "", &["PING"]).unwrap(), "PONG");
        let bulk = answering(true, b"$9\r\nstate:\r\nk\r\n");
        assert_eq!(redis(&bulk, "", &["CLUSTER", "INFO"]).unwrap(), "state:\r\nk");
        let failure = redis(&answering(true, b"-NOAUTH no\r\n"), "", &["PING"]).unwrap_err().to_string();
        assert!(failure.ends_with("NOAUTH no"), "{failure}");
    }

    #[test]
    fn brokers_are_counted() {
        assert_eq!(brokers(&answering(true, b"\0\0\0\x20\0\0\0\x07\0\0\0\x03\0\0")).unwrap(), 3);
    }

    #[test]
    fn nobody_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert!(postgres(&address).is_err() && brokers(&address).is_err());
    }
}
