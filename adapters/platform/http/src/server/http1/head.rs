//! The heads of answers.

use std::{
    cell::RefCell,
    io::Write as _,
    time::{Duration, Instant, SystemTime},
};

use actix_web::{
    body::BodySize,
    http::{
        StatusCode,
        header::{HeaderMap, HttpDate},
    },
};
use kernel_application::Fields;

use super::{super::site::has_no_body, asks::Asks};

/// The head of an answer, but for what belongs to its connection.
pub(super) struct AnswerHead<'a, L> {
    pub(super) status: StatusCode,
    pub(super) fields: &'a L,
    /// Whether the connection goes on.
    pub(super) persists: bool,
}

/// Fields that can be written.
pub(super) trait Lines {
    /// Writes those whose names are to be kept, a line for each.
    fn write(&self, out: &mut Vec<u8>, keep: impl FnMut(&[u8]) -> bool);
}

impl Lines for Fields {
    fn write(&self, out: &mut Vec<u8>, keep: impl FnMut(&[u8]) -> bool) {
        Self::write(self, out, keep);
    }
}

impl Lines for HeaderMap {
    fn write(&self, out: &mut Vec<u8>, mut keep: impl FnMut(&[u8]) -> bool) {
        for (name, value) in self {
            let name = name.as_str().as_bytes();
            if keep(name) {
                for part in [name, b": ", value.as_bytes(), b"\r\n"] {
                    out.extend_from_slice(part);
                }
            }
        }
    }
}

impl<L: Lines> AnswerHead<'_, L> {
    /// Writes it for a body of that size.
    pub(super) fn write(self, size: BodySize, asks: Asks, out: &mut Vec<u8>) {
        let Self { status, fields, persists } = self;
        begin(status, out);
        match size {
            _ if has_no_body(status) => {}
            BodySize::Sized(length) => write_length(length, out),
            BodySize::None if !asks.is_head => write_length(0, out),
            BodySize::None => {}
            BodySize::Stream if asks.is_old => {}
            BodySize::Stream => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        if !persists {
            out.extend_from_slice(b"connection: close\r\n");
        } else if asks.is_old {
            out.extend_from_slice(b"connection: keep-alive\r\n");
        }
        // An answer without a body may say how long it would be.
        let is_head_alone = asks.is_head && size == BodySize::None && !has_no_body(status);
        let keeps_length = status == StatusCode::NOT_MODIFIED || is_head_alone;
        end(fields, keeps_length, out);
    }

    /// Writes it where the connection becomes a tunnel.
    pub(super) fn write_switch(self, out: &mut Vec<u8>) {
        begin(self.status, out);
        out.extend_from_slice(b"connection: upgrade\r\n");
        end(self.fields, false, out);
    }
}

fn begin(status: StatusCode, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes the fields, the time, and the end. What belongs to the connection was said before.
fn end(fields: &impl Lines, keeps_length: bool, out: &mut Vec<u8>) {
    let mut is_dated = false;
    fields.write(out, |name| {
        is_dated |= name == b"date";
        match name {
            b"connection" | b"transfer-encoding" => false,
            b"content-length" => keeps_length,
            _ => true,
        }
    });
    if !is_dated {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

thread_local! {
    /// The line of this second, and until when it holds.
    static DATE: RefCell<(Option<Instant>, Vec<u8>)> = const { RefCell::new((None, Vec::new())) };
}

fn write_date(out: &mut Vec<u8>) {
    DATE.with_borrow_mut(|(until, line)| {
        let now = Instant::now();
        if until.is_none_or(|until| until <= now) {
            let time = SystemTime::now();
            let within = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
            let left = Duration::from_secs(1).saturating_sub(Duration::from_nanos(within.into()));
            *until = now.checked_add(left);
            line.clear();
            // Writing into memory does not fail.
            let _ = write!(line, "date: {}\r\n", HttpDate::from(time));
        }
        out.extend_from_slice(line);
    });
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{CONNECTION, DATE, HeaderValue, TRANSFER_ENCODING, WARNING};

    use super::*;
    use crate::Follows;

    fn written(fields: &impl Lines) -> String {
        let asks = Asks {
            follows: Follows::Nothing,
            is_head: false,
            is_old: false,
            persists: true,
            expects_continue: false,
        };
        let mut out = Vec::new();
        AnswerHead { status: StatusCode::OK, fields, persists: true }.write(
            BodySize::Sized(3),
            asks,
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_time_is_said_where_nobody_has_said_it() {
        let head = written(&Fields::default());
        let time = head.strip_prefix("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ndate: ").unwrap();
        let time: HttpDate = time.strip_suffix("\r\n\r\n").unwrap().parse().unwrap();
        let age = SystemTime::now().duration_since(time.into()).unwrap();
        assert!(age < Duration::from_secs(5), "{age:?}");
        let fields: Fields = [("date", "yesterday")].into_iter().collect();
        assert_eq!(written(&fields), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ndate: yesterday\r\n\r\n");
    }

    #[test]
    fn what_belongs_to_the_connection_is_the_server_s_to_say() {
        let expected =
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nwarning: a\r\nwarning: b\r\ndate: now\r\n\r\n";
        let all = [
            ("connection", "close"),
            ("warning", "a"),
            ("transfer-encoding", "chunked"),
            ("warning", "b"),
            ("content-length", "7"),
            ("date", "now"),
        ];
        assert_eq!(written(&all.into_iter().collect::<Fields>()), expected);
        let mut map = HeaderMap::new();
        for (name, value) in [
            (CONNECTION, "close"),
            (WARNING, "a"),
            (TRANSFER_ENCODING, "chunked"),
            (WARNING, "b"),
            (DATE, "now"),
        ] {
            map.append(name, HeaderValue::from_static(value));
        }
        // A map has no order.
        let lines = |head: &str| {
            let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&written(&map)), lines(expected));
    }
}
