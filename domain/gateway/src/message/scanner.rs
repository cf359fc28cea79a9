//! What comes over one HTTP/1 connection, request after request, refused before a parser sees it.
//!
//! Parsers are lenient, each in its own way, and where two of them disagree a request can be smuggled past the first.
//! The scanner follows the bytes by the strictest reading there is and lets pass what has no other. A rule about a head
//! belongs into [`check`], one about where a body ends into the readers.

use super::{
    BodyLength, FramingError, HeadError, Target, TargetError, Version,
    chunks::{ChunkReader, Extensions},
    framing::trim,
    head::{Head, HeadReader},
    target::is_authority,
};

/// Follows a connection. It keeps no bytes: what is not passed on yet is shown to it again, with more behind it.
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

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// So many of them may be passed on.
    pub passed: usize,
    /// Why the next one must not be, nor anything after it.
    pub refused: Option<ScanError>,
}

/// As many as the parser behind has room for.
const MOST_FIELDS: usize = 96;
/// Longer ones are not routed anywhere.
const MOST_TARGET: usize = 8 * 1024;

impl Scanner {
    /// At the start of a connection. `limit` is the longest head, its empty line included, in bytes.
    pub const fn new(limit: usize) -> Self {
        Self { place: Place::Head(HeadReader::new()), limit, requests: 0 }
    }

    /// Looks at what has come in and was not passed on. After a refusal, the scanner is of no use any more.
    ///
    /// A head is passed on as a whole, so that no parser starts on one that is refused at its end. Bodies are passed on as
    /// they come. What is decided does not depend on the pieces in which the bytes come.
    pub fn scan(&mut self, waiting: &[u8]) -> Scanned {
        let mut passed = 0;
        while passed < waiting.len() {
            match self.step(&waiting[passed..]) {
                Ok(0) => break,
                Ok(more) => passed += more,
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

    /// Whether a head was passed on and what belongs to it has not ended: its handler is at work.
    pub const fn is_within_request(&self) -> bool {
        !matches!(self.place, Place::Head(_))
    }

    /// How many requests were passed on, to the end of their bodies.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// How many of the bytes may be passed on; nothing where it takes more of them to tell. With an error, how many bytes
    /// before it were sound.
    fn step(&mut self, waiting: &[u8]) -> Result<usize, (usize, ScanError)> {
        match &mut self.place {
            Place::Head(reader) => {
                let most = waiting.len().min(self.limit);
                let head = reader.read(&waiting[..most]).map_err(|error| (0, error.into()))?;
                let Some(head) = head else {
                    return if waiting.len() > most { Err((0, ScanError::HeadTooLong)) } else { Ok(0) };
                };
                check(&head, waiting).map_err(|error| (0, error))?;
                self.enter(&head);
                Ok(head.length)
            }
            Place::Body(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(waiting.len());
                *left -= u64::try_from(here).unwrap_or(*left);
                if *left == 0 {
                    self.next();
                }
                Ok(here)
            }
            Place::Chunks(reader) => {
                let (sound, ended) = reader.read(waiting);
                if ended.map_err(|error| (sound, ScanError::Chunks(error)))? {
                    self.next();
                }
                Ok(sound)
            }
            Place::Asked if waiting.is_empty() => Ok(0),
            Place::Asked => Err((0, ScanError::BeforeTunnel)),
            Place::Tunnel => Ok(waiting.len()),
        }
    }

    fn enter(&mut self, head: &Head) {
        match head.body {
            BodyLength::Known(length) => self.place = Place::Body(length),
            BodyLength::Chunked => self.place = Place::Chunks(ChunkReader::new(Extensions::Refused)),
            BodyLength::Empty => {
                self.next();
                if head.fields.upgrades {
                    self.place = Place::Asked;
                }
            }
        }
    }

    fn next(&mut self) {
        self.requests += 1;
        self.place = Place::Head(HeadReader::new());
    }
}

/// What a head must be beyond well-formed.
fn check(head: &Head, waiting: &[u8]) -> Result<(), ScanError> {
    if head.fields.number > MOST_FIELDS {
        return Err(ScanError::TooManyFields);
    }
    if head.request.target.len() > MOST_TARGET {
        return Err(ScanError::TargetTooLong);
    }
    let method = &waiting[head.request.method.clone()];
    if !method.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(ScanError::Method);
    }
    if method == b"CONNECT" {
        return Err(ScanError::Connect);
    }
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

/// Why a connection is not served any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The head is malformed.
    #[error(transparent)]
    Head(#[from] HeadError),
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
