//! A body in chunks, as it comes over the wire: where it ends, and whether every reader finds the same end.

use super::{FramingError, chunk_size, is_field_value, is_token};

/// Follows the chunks of one body, whatever pieces they come in.
#[derive(Clone, Copy, Debug)]
pub struct ChunkReader {
    place: Place,
    extensions: Extensions,
    /// The bytes of trailers and extensions so far.
    extras: usize,
}

/// What becomes of the extensions of chunks, which nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extensions {
    /// They are errors: a request goes on as it came, and they have been read in two ways.
    Refused,
    /// They are passed over: an answer goes on without its chunks.
    Skipped,
}

/// What bytes of a body in chunks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What is between the data; more is to come.
    Between,
    /// The body's data.
    Data,
    /// What ends the body.
    End,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Place {
    Size { digits: [u8; DIGITS], length: usize },
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataReturn,
    DataEnd,
    Trailer,
    Name,
    Value,
    ValueEnd,
    End,
}

/// Sixteen hex digits are what 64 bits hold.
const DIGITS: usize = 16;
/// More than all trailers and extensions of a body are long: nobody downstream sees them.
const MOST_EXTRAS: usize = 4 * 1024;

impl ChunkReader {
    /// At the start of a body.
    pub const fn new(extensions: Extensions) -> Self {
        Self { place: Place::START, extensions, extras: 0 }
    }

    /// Reads as far as the body goes: how many bytes were sound, and whether the body has ended with them.
    #[cfg(test)]
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, Result<bool, FramingError>) {
        let mut read = 0;
        while read < bytes.len() {
            let (more, piece) = self.next(&bytes[read..]);
            read += more;
            match piece {
                Ok(Piece::End) => return (read, Ok(true)),
                Ok(_) => {}
                Err(error) => return (read, Err(error)),
            }
        }
        (read, Ok(false))
    }

    /// Whether the next byte is data.
    pub const fn is_within_data(&self) -> bool {
        matches!(self.place, Place::Data(_))
    }

    /// Reads bytes of one kind: how many were sound, and what they are. Nothing may follow the end.
    pub fn next(&mut self, bytes: &[u8]) -> (usize, Result<Piece, FramingError>) {
        if let Place::Data(left) = self.place {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            self.place = Place::data(left - u64::try_from(here).unwrap_or(left));
            return (here, Ok(Piece::Data));
        }
        for (read, byte) in bytes.iter().enumerate() {
            match self.step(*byte) {
                Ok(Some(place)) => self.place = place,
                Ok(None) => return (read + 1, Ok(Piece::End)),
                Err(error) => return (read, Err(error)),
            }
            if matches!(self.place, Place::Data(_)) {
                return (read + 1, Ok(Piece::Between));
            }
        }
        (bytes.len(), Ok(Piece::Between))
    }

    /// The place of the byte after this one; `None` after the last.
    fn step(&mut self, byte: u8) -> Result<Option<Place>, FramingError> {
        let place = match (self.place, byte) {
            (Place::Size { digits, length }, b'\r') => Place::SizeEnd(chunk_size(&digits[..length])?),
            (Place::Size { digits, length }, b';') => match self.extensions {
                Extensions::Refused => return Err(FramingError::ChunkExtension),
                Extensions::Skipped => Place::Extension(chunk_size(&digits[..length])?),
            },
            (Place::Extension(size), b'\r') => Place::SizeEnd(size),
            (Place::Extension(size), _) if is_field_value(&[byte]) => {
                self.extra(FramingError::ChunkExtension)?;
                Place::Extension(size)
            }
            (Place::Extension(_), _) => return Err(FramingError::ChunkExtension),
            (Place::Size { mut digits, length }, _) if byte.is_ascii_hexdigit() => {
                *digits.get_mut(length).ok_or(FramingError::MalformedChunk)? = byte;
                Place::Size { digits, length: length + 1 }
            }
            (Place::SizeEnd(0), b'\n') => Place::Trailer,
            (Place::SizeEnd(size), b'\n') => Place::data(size),
            (Place::DataReturn, b'\r') => Place::DataEnd,
            (Place::DataEnd, b'\n') => Place::START,
            (Place::Trailer, b'\r') => Place::End,
            (Place::End, b'\n') => return Ok(None),
            (Place::Trailer | Place::Name | Place::Value | Place::ValueEnd, _) => {
                return self.trailer(byte).map(Some);
            }
            _ => return Err(FramingError::MalformedChunk),
        };
        Ok(Some(place))
    }

    fn trailer(&mut self, byte: u8) -> Result<Place, FramingError> {
        self.extra(FramingError::MalformedTrailer)?;
        match (self.place, byte) {
            (Place::Name, b':') => Ok(Place::Value),
            (Place::Trailer | Place::Name, _) if is_token(&[byte]) => Ok(Place::Name),
            (Place::Value, b'\r') => Ok(Place::ValueEnd),
            (Place::Value, _) if is_field_value(&[byte]) => Ok(Place::Value),
            (Place::ValueEnd, b'\n') => Ok(Place::Trailer),
            _ => Err(FramingError::MalformedTrailer),
        }
    }

    /// Counts another byte that nobody downstream sees; `error` where there are too many.
    fn extra(&mut self, error: FramingError) -> Result<(), FramingError> {
        self.extras += 1;
        if self.extras > MOST_EXTRAS { Err(error) } else { Ok(()) }
    }
}

impl Place {
    const START: Self = Self::Size { digits: [0; DIGITS], length: 0 };

    const fn data(left: u64) -> Self {
        if left == 0 { Self::DataReturn } else { Self::Data(left) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &[u8]) -> (usize, Result<bool, FramingError>) {
        ChunkReader::new(Extensions::Refused).read(body)
    }

    #[test]
    fn a_body_ends_after_its_trailers() {
        for body in ["0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "00a\r\n0123456789\r\n0\r\nx-sum: 1\r\ny:\r\n\r\n"]
        {
            let more = [body.as_bytes(), b"GET"].concat();
            assert_eq!(read(&more), (body.len(), Ok(true)), "{body:?}");
            for end in 0..body.len() {
                assert_eq!(read(&body.as_bytes()[..end]), (end, Ok(false)), "{body:?} {end}");
            }
        }
    }

    #[test]
    fn what_could_end_elsewhere_is_refused_at_its_byte() {
        use FramingError::{ChunkExtension, MalformedChunk, MalformedTrailer};
        for (body, sound, error) in [
            ("3;a=b\r\nabc", 1, ChunkExtension),
            ("3 \r\n", 1, MalformedChunk),
            ("\r\n", 0, MalformedChunk),
            ("3\nabc", 1, MalformedChunk),
            ("0x3\r\n", 1, MalformedChunk),
            ("-1\r\n", 0, MalformedChunk),
            ("12345678901234567\r\n", 16, MalformedChunk),
            ("3\r\nabcd", 6, MalformedChunk),
            ("3\r\nabc\n", 6, MalformedChunk),
            ("0\r\n\n", 3, MalformedTrailer),
            ("0\r\n a: b\r\n", 3, MalformedTrailer),
            ("0\r\na : b\r\n", 4, MalformedTrailer),
            ("0\r\na: b\n", 7, MalformedTrailer),
            ("0\r\na: \0", 6, MalformedTrailer),
        ] {
            assert_eq!(read(body.as_bytes()), (sound, Err(error)), "{body:?}");
        }
        let long = ["0\r\na:".as_bytes(), &[b'b'; MOST_EXTRAS]].concat();
        assert_eq!(read(&long).1, Err(MalformedTrailer));
    }

    /// The data of a body, as an answer's is read; `None` where it does not end.
    fn data(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, FramingError> {
        let (mut reader, mut data) = (ChunkReader::new(Extensions::Skipped), Vec::new());
        while !bytes.is_empty() {
            let (read, piece) = reader.next(bytes);
            match piece? {
                Piece::Data => data.extend_from_slice(&bytes[..read]),
                Piece::Between => {}
                Piece::End => return Ok(Some(data)),
            }
            bytes = &bytes[read..];
        }
        Ok(None)
    }

    #[test]
    fn an_answer_is_read_without_its_chunks_and_their_extensions() {
        let body = b"3;a=b\r\nabc\r\n2;\r\nde\r\n0;c=\"d\"\r\nx: y\r\n\r\n";
        assert_eq!(data(body).unwrap().unwrap(), b"abcde");
        for end in 0..body.len() {
            assert_eq!(data(&body[..end]), Ok(None), "{end}");
        }
        for broken in ["3;a\nabc", ";a\r\n", "3;a=\0\r\n"] {
            assert!(data(broken.as_bytes()).is_err(), "{broken:?}");
        }
        let long = [b"3;a=", &[b'b'; MOST_EXTRAS][..]].concat();
        assert_eq!(data(&long), Err(FramingError::ChunkExtension));
    }

    proptest! {
        #[test]
        fn chunks_are_followed_to_their_end(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                body.extend_from_slice(piece);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(read(&body), (body.len(), Ok(true)));
            let (one, two) = body.split_at(cut.index(body.len()));
            let mut reader = ChunkReader::new(Extensions::Refused);
            prop_assert_eq!(reader.read(one), (one.len(), Ok(false)));
            prop_assert_eq!(reader.read(two), (two.len(), Ok(true)));
        }
    }
}
