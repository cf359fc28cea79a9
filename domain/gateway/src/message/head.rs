//! The head of an HTTP/1 request as it came over the wire, refused where parsers are known to be lenient.

use std::ops::Range;

use super::{
    BodyLength, FramingError, Version,
    framing::{Statements, trim},
};
use crate::path::is_plain;

/// Looks for the end of the head at the start of what was received, and checks it.
///
/// `None` means that more has to come. The length includes the empty line. What this lets pass, every parser reads in
/// the same way; what it refuses, some of them accept: a line feed alone, folded lines, a space before the colon.
pub fn check_head(received: &[u8]) -> Result<Option<usize>, HeadError> {
    Ok(HeadReader::new().read(received, &mut |_, _| {})?.map(|head| head.length))
}

/// A whole head: where its parts are, and what they say.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) request: RequestLine,
    pub(super) fields: Fields,
    pub(super) body: BodyLength,
    /// Whether the headers say anything about the body.
    pub(super) announces_body: bool,
}

/// The first line.
#[derive(Clone, Debug)]
pub(super) struct RequestLine {
    pub(super) version: Version,
    pub(super) method: Range<usize>,
    pub(super) target: Range<usize>,
    /// Whether the target is a path in which nothing takes a closer look.
    pub(super) is_plain: bool,
}

/// What the fields say that matters to a connection, apart from the length of the body.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) number: usize,
    /// The last `Host`, and how many there are.
    pub(super) host: Range<usize>,
    pub(super) hosts: usize,
    /// Whether a tunnel is asked for, which may follow instead of a next request.
    pub(super) upgrades: bool,
}

/// Reads a head that may come in pieces; no byte is looked at twice.
#[derive(Debug)]
pub(super) struct HeadReader {
    /// Where the line begins that is not complete yet.
    line: usize,
    /// How far that line is known to be text.
    known: usize,
    request: Option<(RequestLine, Statements)>,
    fields: Fields,
}

impl HeadReader {
    pub(super) const fn new() -> Self {
        let fields = Fields { number: 0, host: 0..0, hosts: 0, upgrades: false };
        Self { line: 0, known: 0, request: None, fields }
    }

    /// `received` is everything from the start of the head, and at least what it was at the last call. `field` hears of
    /// the name and the value of each field as soon as its line is there.
    pub(super) fn read(
        &mut self,
        received: &[u8],
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<Option<Head>, HeadError> {
        while let Some(end) = self.line_end(received)? {
            let line = self.line..end;
            self.line = end + LINE_BREAK;
            self.known = self.line;
            match &mut self.request {
                None => {
                    let request = request_line(received, line).ok_or(HeadError::MalformedRequestLine)?;
                    let statements = Statements::new(request.version);
                    self.request = Some((request, statements));
                }
                Some((request, statements)) if line.is_empty() => {
                    return head(self.line, request, *statements, &self.fields).map(Some);
                }
                Some((_, statements)) => {
                    let (name, value) = self.fields.read(received, line, statements)?;
                    field(name, value);
                }
            }
        }
        Ok(None)
    }

    /// Where the text of the line ends, if its line break is there.
    fn line_end(&mut self, received: &[u8]) -> Result<Option<usize>, HeadError> {
        let unknown = received.get(self.known..).unwrap_or_default();
        self.known += text_length(unknown);
        match received.get(self.known..).unwrap_or_default() {
            [] | [b'\r'] => Ok(None),
            [b'\r', b'\n', ..] => Ok(Some(self.known)),
            [b'\n', ..] => Err(HeadError::BareLineFeed),
            _ => Err(HeadError::ControlCharacter),
        }
    }
}

const LINE_BREAK: usize = 2;
/// More than any client has use for.
pub(super) const MOST_FIELDS: usize = 96;

impl Fields {
    /// The name and the value that the line has.
    fn read<'a>(
        &mut self,
        received: &'a [u8],
        line: Range<usize>,
        statements: &mut Statements,
    ) -> Result<(&'a [u8], &'a [u8]), HeadError> {
        let end = line.end;
        let (name, value) = field(&received[line])?;
        self.number += 1;
        if self.number > MOST_FIELDS {
            return Err(HeadError::TooManyFields);
        }
        // Names are told apart by their length first: most fields are none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                self.host = end - value.len()..end;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrades |= trim(value).eq_ignore_ascii_case(b"websocket");
            }
            14 | 17 => statements.read(name, value)?,
            _ => {}
        }
        Ok((name, trim(value)))
    }
}

fn head(
    length: usize,
    request: &RequestLine,
    statements: Statements,
    fields: &Fields,
) -> Result<Head, HeadError> {
    let body = statements.body_length()?;
    let (request, fields) = (request.clone(), fields.clone());
    Ok(Head { length, request, fields, body, announces_body: statements.is_any() })
}

/// How many bytes at the start are text. Most are looked at in blocks: long ones, and short ones for what is left.
fn text_length(bytes: &[u8]) -> usize {
    let long = text_blocks::<64>(bytes);
    let known = long + text_blocks::<8>(&bytes[long..]);
    let rest = &bytes[known..];
    known + rest.iter().position(|byte| !is_text(*byte)).unwrap_or(rest.len())
}

/// The length of the blocks at the start that are text. Compilers turn each into a few instructions.
fn text_blocks<const LENGTH: usize>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<LENGTH>();
    let all_text = |block: &[u8; LENGTH]| block.iter().fold(true, |text, byte| text & is_text(*byte));
    blocks.iter().take_while(|block| all_text(block)).count() * LENGTH
}

/// Method, target and version, with one space between them. The target is checked where it is understood.
fn request_line(received: &[u8], line: Range<usize>) -> Option<RequestLine> {
    let text = &received[line.clone()];
    let method = token_length(text);
    let rest = text[method..].strip_prefix(b" ").filter(|_| method > 0)?;
    let http11 = rest.strip_suffix(b" HTTP/1.1").map(|target| (target, Version::Http11));
    let http10 = || rest.strip_suffix(b" HTTP/1.0").map(|target| (target, Version::Http10));
    let (target, version) = http11.or_else(http10)?;
    let is_plain = is_plain(target);
    let is_broken = || target.is_empty() || target.iter().any(|byte| matches!(byte, b' ' | b'\t'));
    if !is_plain && is_broken() {
        return None;
    }
    let space = line.start + method;
    let target = space + 1..space + 1 + target.len();
    Some(RequestLine { version, method: line.start..space, target, is_plain })
}

fn field(line: &[u8]) -> Result<(&[u8], &[u8]), HeadError> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(HeadError::FoldedLine);
    }
    match line.split_at(token_length(line)) {
        (name @ [_, ..], [b':', value @ ..]) => Ok((name, value)),
        _ => Err(HeadError::MalformedName),
    }
}

/// What names of methods and headers consist of (RFC 9110, 5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && token_length(text) == text.len()
}

/// How many bytes at the start a token may have.
fn token_length(text: &[u8]) -> usize {
    text.iter().position(|byte| !TOKEN[usize::from(*byte)]).unwrap_or(text.len())
}

/// Whether a header's value can be written as it is: one from HTTP/2 could otherwise bring lines of its own.
pub fn is_field_value(value: &[u8]) -> bool {
    value.iter().all(|byte| is_text(*byte))
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | 32..=126 | 128..)
}

/// A look into a table instead of a dozen comparisons: every byte of every name passes here.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        let is_special = matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        table[byte as usize] = byte.is_ascii_alphanumeric() || is_special;
        byte += 1;
    }
    table
};

/// Why a head was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A line ends with a line feed alone.
    #[error("lines must end with CR LF")]
    BareLineFeed,
    /// It has a control character, a carriage return within a line among them.
    #[error("request head must not contain control characters")]
    ControlCharacter,
    /// The first line is not `METHOD target HTTP/1.1`.
    #[error("request line is malformed")]
    MalformedRequestLine,
    /// A header goes on in the next line.
    #[error("header lines must not be folded")]
    FoldedLine,
    /// A header has no name, or one with forbidden characters, such as a space before the colon.
    #[error("header name is malformed")]
    MalformedName,
    /// It has more fields than anybody needs.
    #[error("request head has too many fields")]
    TooManyFields,
    /// Nobody can say where the body ends.
    #[error(transparent)]
    Framing(#[from] FramingError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_whole_head_has_a_length() {
        let head = b"GET /a HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Text:\t\xc3\xa4 b\r\n\r\n";
        assert_eq!(check_head(head), Ok(Some(head.len())));
        let more = [&head[..], b"GET /next"].concat();
        assert_eq!(check_head(&more), Ok(Some(head.len())));
        for end in 0..head.len() {
            assert_eq!(check_head(&head[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_parsers_disagree_on_is_refused() {
        use HeadError::*;
        for (head, error) in [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", BareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", BareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", BareLineFeed),
            ("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", ControlCharacter),
            ("GET / HTTP/1.1\r\nA: b\0\r\n\r\n", ControlCharacter),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", FoldedLine),
            ("GET / HTTP/1.1\r\n A: b\r\n\r\n", FoldedLine),
            ("GET / HTTP/1.1\r\nA : b\r\n\r\n", MalformedName),
            ("GET / HTTP/1.1\r\n: b\r\n\r\n", MalformedName),
            ("GET / HTTP/1.1\r\nA\r\n\r\n", MalformedName),
            ("GET / HTTP/1.1\r\nA(: b\r\n\r\n", MalformedName),
            ("GET  / HTTP/1.1\r\n\r\n", MalformedRequestLine),
            ("GET / HTTP/1.1 \r\n\r\n", MalformedRequestLine),
            ("GET /a b HTTP/1.1\r\n\r\n", MalformedRequestLine),
            ("GET\t/ HTTP/1.1\r\n\r\n", MalformedRequestLine),
            ("GET /\r\n\r\n", MalformedRequestLine),
            ("GET / HTTP/1.2\r\n\r\n", MalformedRequestLine),
            ("GET / http/1.1\r\n\r\n", MalformedRequestLine),
            ("\r\nGET / HTTP/1.1\r\n\r\n", MalformedRequestLine),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                Framing(FramingError::TwoLengths),
            ),
        ] {
            assert_eq!(check_head(head.as_bytes()), Err(error), "{head:?}");
        }
    }

    #[test]
    fn tokens_are_those_of_the_standard() {
        let tokens: String = (0..=u8::MAX).filter(|byte| is_token(&[*byte])).map(char::from).collect();
        let expected = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
        assert_eq!(tokens, expected);
        assert!(!is_token(b""));
    }

    #[test]
    fn values_bring_no_lines_of_their_own() {
        assert!(is_field_value("text\t\u{e4}".as_bytes()));
        for bad in [&b"a\r\nb: c"[..], b"a\nb", b"a\0", b"\x7f"] {
            assert!(!is_field_value(bad));
        }
    }

    /// The parts of a first line, split at its spaces.
    fn split(line: &str) -> Option<(&str, &str, Version)> {
        let [method, target, version] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let version = match version {
            "HTTP/1.1" => Version::Http11,
            "HTTP/1.0" => Version::Http10,
            _ => return None,
        };
        let good = is_token(method.as_bytes()) && !target.is_empty() && !target.contains('\t');
        good.then_some((method, target, version))
    }

    proptest! {
        #[test]
        fn a_first_line_has_three_parts(
            line in "(GET|G\\(T|)[ \t]{0,2}[/a?.%\t ä]{0,4} {0,2}(HTTP/1\\.[012]|http/1\\.1|){1,2} ?",
        ) {
            let before = "before";
            let received = [before, &line, "\r\n"].concat();
            let read = request_line(received.as_bytes(), before.len()..before.len() + line.len());
            let read = read.map(|read| (&received[read.method], &received[read.target], read.version));
            prop_assert_eq!(read, split(&line), "{}", line);
        }

        #[test]
        fn a_field_has_a_name_before_its_first_colon(line in "[a-zA-Z(!-]{0,3}[ \t]?:?[ -~]{0,4}") {
            let parts = line.split_once(':').filter(|(name, _)| is_token(name.as_bytes()));
            let error = if line.starts_with([' ', '\t']) { HeadError::FoldedLine } else { HeadError::MalformedName };
            let expected = parts.map(|(name, value)| (name.as_bytes(), value.as_bytes())).ok_or(error);
            prop_assert_eq!(field(line.as_bytes()), expected, "{}", line);
        }

        #[test]
        fn text_goes_on_to_its_first_control_character(text in "[\t -~ä]{0,80}", odd in any::<u8>(), tail in "[ -~]{0,50}") {
            let bytes = [text.as_bytes(), &[odd], tail.as_bytes()].concat();
            let expected = bytes.iter().position(|byte| !is_text(*byte)).unwrap_or(bytes.len());
            prop_assert_eq!(text_length(&bytes), expected);
        }

        #[test]
        fn a_head_is_judged_by_its_own_bytes_only(
            head in "(GET|POST) /[ -~]{0,9} HTTP/1.1\r\n([A-Za-z-]{1,9}[ :\t]{1,2}[ -~]{0,9}(\r\n|\n|\r)[ ]?){0,3}\r\n",
            tail in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = [head.as_bytes(), &tail].concat();
            if let Ok(Some(length)) = check_head(&whole) {
                prop_assert_eq!(check_head(&whole[..length]), Ok(Some(length)));
                prop_assert!(whole[..length].ends_with(b"\r\n\r\n"));
                let lines = whole[..length].split(|byte| *byte == b'\n');
                prop_assert!(lines.filter(|line| !line.is_empty()).all(|line| line.ends_with(b"\r")));
            }
        }
    }
}
