//! What comes over one HTTP/1 connection, request after request, read in the one way that it may have.
//!
//! Parsers are lenient, each in its own way, and where two of them disagree a request can be smuggled past the first.
//! The scanner reads by the strictest reading there is, and refuses what has another one. A rule about a head belongs
//! into [`check`], one about where a body ends into the readers.

use std::ops::Range;

use super::{
    BodyLength, FramingError, HeadError, Target, TargetError, Version,
    chunks::{ChunkReader, Extensions, Piece},
    framing::trim,
    head::{Head, HeadReader},
    target::is_authority,
};

/// Follows a connection. It keeps no bytes: what it has not read yet is shown to it again, with more behind it.
#[derive(Debug)]
pub struct Scanner {
    place: Place,
    /// The longest head.
    limit: usize,
    requests: u64,
}

#[derive(Debug)]
enum Place {
    Head(HeadReader),
    Body(u64),
    Chunks(ChunkReader),
    /// A tunnel was asked for, and nobody has agreed yet.
    Asked,
    Tunnel,
}

/// What the bytes were together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// So many of them were read.
    pub passed: usize,
    /// Why the next one must not be, nor anything after it.
    pub refused: Option<ScanError>,
}

/// What bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A request's head, as a whole.
    Head(RequestHead),
    /// Data of a body, or of a tunnel.
    Data,
    /// What stands around the data of a body.
    Between,
}

/// Where the parts of a head are, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: Range<usize>,
    /// The target: a path with its query, or a whole `http` URL.
    pub target: Range<usize>,
    /// The version.
    pub version: Version,
    /// The body that follows.
    pub body: BodyLength,
    /// Whether a tunnel is asked for.
    pub upgrades: bool,
}

/// Longer ones are not routed anywhere.
const MOST_TARGET: usize = 8 * 1024;

impl Scanner {
    /// At the start of a connection. `limit` is the longest head, its empty line included, in bytes.
    pub const fn new(limit: usize) -> Self {
        Self { place: Place::Head(HeadReader::new()), limit, requests: 0 }
    }

    /// Reads as much of what has come as can be read, for those who only want to know how much that is: tests, and the
    /// fuzzer. After a refusal, the scanner is of no use any more.
    ///
    /// A head is read as a whole, and bodies as they come. What is decided does not depend on the pieces in which the bytes
    /// come.
    pub fn scan(&mut self, waiting: &[u8]) -> Scanned {
        let mut passed = 0;
        while passed < waiting.len() {
            match self.next(&waiting[passed..], &mut |_, _| {}) {
                Ok(None) => break,
                Ok(Some((more, _))) => passed += more,
                Err((sound, error)) => return Scanned { passed: passed + sound, refused: Some(error) },
            }
        }
        Scanned { passed, refused: None }
    }

    /// The tunnel that was asked for is open: what follows is none of HTTP's business.
    pub fn open_tunnel(&mut self) {
        if matches!(self.place, Place::Asked) {
            self.place = Place::Tunnel;
        }
    }

    /// Whether a head was read and what belongs to it has not ended.
    pub const fn is_within_request(&self) -> bool {
        !matches!(self.place, Place::Head(_))
    }

    /// How many requests were read, to the end of their bodies.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Reads the next part of what has come: how many bytes it has, and what they are; nothing where it takes more of them
    /// to tell. With an error, how many bytes before it were sound.
    ///
    /// `field` hears of each field of a head, its name as it was sent and its value without white space around it, before
    /// the head is known to be sound.
    pub fn next(
        &mut self,
        waiting: &[u8],
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<Option<(usize, Part)>, (usize, ScanError)> {
        if waiting.is_empty() {
            return Ok(None);
        }
        match &mut self.place {
            Place::Head(reader) => {
                let most = waiting.len().min(self.limit);
                let head = reader.read(&waiting[..most], field).map_err(|error| (0, error.into()))?;
                let Some(head) = head else {
                    return if waiting.len() > most { Err((0, ScanError::HeadTooLong)) } else { Ok(None) };
                };
                check(&head, waiting).map_err(|error| (0, error))?;
                self.enter(&head);
                Ok(Some((head.length, Part::Head(head.into()))))
            }
            Place::Body(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(waiting.len());
                *left -= u64::try_from(here).unwrap_or(*left);
                if *left == 0 {
                    self.end();
                }
                Ok(Some((here, Part::Data)))
            }
            Place::Chunks(reader) => {
                let (sound, piece) = reader.next(waiting);
                let part = match piece.map_err(|error| (sound, ScanError::Chunks(error)))? {
                    Piece::Data => Part::Data,
                    Piece::Between => Part::Between,
                    Piece::End => {
                        self.end();
                        Part::Between
                    }
                };
                Ok(Some((sound, part)))
            }
            Place::Asked => Err((0, ScanError::BeforeTunnel)),
            Place::Tunnel => Ok(Some((waiting.len(), Part::Data))),
        }
    }

    fn enter(&mut self, head: &Head) {
        match head.body {
            BodyLength::Known(length) => self.place = Place::Body(length),
            BodyLength::Chunked => self.place = Place::Chunks(ChunkReader::new(Extensions::Refused)),
            BodyLength::Empty => {
                self.end();
                if head.fields.upgrades {
                    self.place = Place::Asked;
                }
            }
        }
    }

    fn end(&mut self) {
        self.requests += 1;
        self.place = Place::Head(HeadReader::new());
    }
}

impl From<Head> for RequestHead {
    fn from(head: Head) -> Self {
        let (request, upgrades) = (head.request, head.fields.upgrades);
        Self {
            method: request.method,
            target: request.target,
            version: request.version,
            body: head.body,
            upgrades,
        }
    }
}

/// What a head must be beyond well-formed.
fn check(head: &Head, waiting: &[u8]) -> Result<(), ScanError> {
    if head.request.target.len() > MOST_TARGET {
        return Err(ScanError::TargetTooLong);
    }
    let method = &waiting[head.request.method.clone()];
    check_method(method)?;
    if head.request.version == Version::Http10 && method == b"POST" && !head.announces_body {
        return Err(ScanError::LengthRequired);
    }
    check_host(head, waiting)?;
    if !head.fields.upgrades {
        return Ok(());
    }
    if head.body != BodyLength::Empty {
        return Err(ScanError::TunnelWithBody);
    }
    if waiting.len() > head.length { Err(ScanError::BeforeTunnel) } else { Ok(()) }
}

/// Whether a method is served, in whatever version it comes.
pub fn check_method(method: &[u8]) -> Result<(), ScanError> {
    if !method.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(ScanError::Method);
    }
    if method == b"CONNECT" { Err(ScanError::Connect) } else { Ok(()) }
}

fn check_host(head: &Head, waiting: &[u8]) -> Result<(), TargetError> {
    let host = trim(&waiting[head.fields.host.clone()]);
    // As nearly all have it, a path alone and a host.
    if head.request.is_plain && head.fields.hosts == 1 && is_authority(host) {
        return Ok(());
    }
    // What is no text is no target, and no host: these bytes are in neither.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or("\u{fffd}");
    let (target, host) = (Target::parse(text(&waiting[head.request.target.clone()]))?, text(host));
    // HTTP/1.0 knows no `Host`, and those who ask for the health of a server often speak it.
    if head.request.version == Version::Http10 && head.fields.hosts == 0 {
        return Ok(());
    }
    target.host(std::iter::repeat_n(host, head.fields.hosts)).map(drop)
}

impl From<HeadError> for ScanError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooManyFields => Self::TooManyFields,
            error => Self::Head(error),
        }
    }
}

/// Why a connection is not served any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The head is malformed.
    #[error(transparent)]
    Head(HeadError),
    /// The target, or the host that goes with it.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The body, whose head has been passed on.
    #[error(transparent)]
    Chunks(FramingError),
    /// The head does not end within the limit.
    #[error("request head is too long")]
    HeadTooLong,
    /// It has more fields than anybody needs.
    #[error("request head has too many fields")]
    TooManyFields,
    /// The target alone is too long.
    #[error("request target is too long")]
    TargetTooLong,
    /// The method is a token, but one of which parsers disagree whether it is a method.
    #[error("method must consist of letters, digits, `-` and `_`")]
    Method,
    /// Tunnels to elsewhere are not made.
    #[error("CONNECT is not served")]
    Connect,
    /// A client that speaks HTTP/1.0 must say how long the body of a `POST` is.
    #[error("POST in HTTP/1.0 must have a content-length")]
    LengthRequired,
    /// A body and a tunnel would follow the same head.
    #[error("a request for an upgrade must not have a body")]
    TunnelWithBody,
    /// Something follows a request for an upgrade before that was answered.
    #[error("nothing may follow a request for an upgrade before its answer")]
    BeforeTunnel,
}

#[cfg(test)]
#[path = "scanner_tests.rs"]
mod tests;
