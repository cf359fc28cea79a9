//! A small reader of requests: enough to tell them apart, and strict where a test wants a refusal.

use actix_web::http::StatusCode;
use http::{Method, Version, uri::PathAndQuery};
use kernel_application::Fields;

use crate::{Follows, Part, Problem, Refused, RequestHead, RequestReader};

/// Reads one connection.
#[derive(Default)]
pub(in crate::server) struct Reader(Place);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    Body(usize),
    ChunkSize,
    Chunk(usize),
    /// Behind the data of a chunk, and behind the last one.
    ChunkEnd,
    LastEnd,
    /// A tunnel was asked for, and nobody has agreed.
    Asked,
    Tunnel,
}

type Read<T> = Result<Option<T>, Refused>;

impl RequestReader for Reader {
    fn read(&mut self, come: &[u8]) -> Read<(usize, Part)> {
        if come.is_empty() {
            return Ok(None);
        }
        let read = match self.0 {
            Place::Head => read_head(come)?,
            Place::Body(left) => Some(data(come, left, Place::Head, Place::Body)),
            Place::Chunk(left) => Some(data(come, left, Place::ChunkEnd, Place::Chunk)),
            Place::ChunkSize => chunk_size(come)?,
            Place::ChunkEnd => line_end(come, Place::ChunkSize)?,
            Place::LastEnd => line_end(come, Place::Head)?,
            Place::Asked => return Err(Refused::Body),
            Place::Tunnel => Some((come.len(), Part::Data, Place::Tunnel)),
        };
        Ok(read.map(|(length, part, place)| {
            self.0 = place;
            (length, part)
        }))
    }

    fn is_within_request(&self) -> bool {
        self.0 != Place::Head
    }

    fn open_tunnel(&mut self) {
        assert_eq!(self.0, Place::Asked, "a tunnel is opened where one was asked for");
        self.0 = Place::Tunnel;
    }
}

fn data(come: &[u8], left: usize, end: Place, go_on: fn(usize) -> Place) -> (usize, Part, Place) {
    let here = left.min(come.len());
    (here, Part::Data, if here == left { end } else { go_on(left - here) })
}

fn chunk_size(come: &[u8]) -> Read<(usize, Part, Place)> {
    let Some(end) = find(come, b"\r\n") else { return Ok(None) };
    let size = std::str::from_utf8(&come[..end]).ok();
    let size = size.and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or(Refused::Body)?;
    let place = if size == 0 { Place::LastEnd } else { Place::Chunk(size) };
    Ok(Some((end + 2, Part::Between, place)))
}

fn line_end(come: &[u8], next: Place) -> Read<(usize, Part, Place)> {
    match come {
        [b'\r', b'\n', ..] => Ok(Some((2, Part::Between, next))),
        [b'\r'] => Ok(None),
        _ => Err(Refused::Body),
    }
}

fn read_head(come: &[u8]) -> Read<(usize, Part, Place)> {
    let end = find(come, b"\r\n\r\n");
    let text = &come[..end.unwrap_or(come.len())];
    let is_bare = |(at, byte): (usize, &u8)| *byte == b'\n' && !text[..at].ends_with(b"\r");
    if text.iter().enumerate().any(is_bare) {
        return Err(malformed());
    }
    let Some(end) = end else { return Ok(None) };
    let head = std::str::from_utf8(text).ok().and_then(parse).ok_or_else(malformed)?;
    let (place, follows) = behind(&head.fields).ok_or_else(malformed)?;
    Ok(Some((end + 4, Part::Head(Box::new(head), follows), place)))
}

fn parse(text: &str) -> Option<RequestHead> {
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let mut fields = Fields::default();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        fields.push(name, value.trim().as_bytes());
    }
    let version = match version {
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/1.1" => Version::HTTP_11,
        _ => return None,
    };
    let (method, target) =
        (Method::from_bytes(method.as_bytes()).ok()?, PathAndQuery::try_from(target).ok()?);
    Some(RequestHead { version, ..RequestHead::new(method, target, fields) })
}

fn behind(fields: &Fields) -> Option<(Place, Follows)> {
    if fields.text("upgrade") == Some("websocket") {
        return Some((Place::Asked, Follows::Tunnel));
    }
    if fields.text("transfer-encoding") == Some("chunked") {
        return Some((Place::ChunkSize, Follows::Body));
    }
    match fields.text("content-length").unwrap_or("0").parse().ok()? {
        0 => Some((Place::Head, Follows::Nothing)),
        length => Some((Place::Body(length), Follows::Body)),
    }
}

fn find(come: &[u8], end: &[u8]) -> Option<usize> {
    come.windows(end.len()).position(|window| window == end)
}

fn malformed() -> Refused {
    Refused::Request(Problem::new(StatusCode::BAD_REQUEST, "malformed_request", "request is malformed"))
}
