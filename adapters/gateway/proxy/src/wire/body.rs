//! The body of an answer.

use bytes::Bytes;
use gateway_domain::message::{AnswerLength, BodyLength, ChunkReader, Extensions, FramingError, Piece};

/// Finds the end of a body.
#[derive(Debug)]
pub(crate) struct BodyReader {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Left(u64),
    Chunks(ChunkReader),
    UntilClose,
    Ended,
}

impl BodyReader {
    pub(crate) const fn new(length: AnswerLength) -> Self {
        let place = match length {
            AnswerLength::Stated(BodyLength::Empty) => Place::Ended,
            AnswerLength::Stated(BodyLength::Known(length)) => Place::Left(length),
            AnswerLength::Stated(BodyLength::Chunked) => Place::Chunks(ChunkReader::new(Extensions::Skipped)),
            AnswerLength::UntilClose => Place::UntilClose,
        };
        Self { place }
    }

    /// Whether all of it has been taken.
    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    /// How much is still to come, where that is known.
    pub(crate) const fn left(&self) -> Option<u64> {
        match self.place {
            Place::Left(left) => Some(left),
            _ => None,
        }
    }

    /// The connection has ended; whether the body may end with it.
    pub(crate) fn close(&mut self) -> bool {
        if matches!(self.place, Place::UntilClose) {
            self.place = Place::Ended;
        }
        self.has_ended()
    }

    /// Takes the next piece out of what has come, with everything behind it that is no data; `None` where there is none.
    pub(crate) fn take(&mut self, come: &mut Bytes) -> Result<Option<Bytes>, FramingError> {
        let piece = match &mut self.place {
            _ if come.is_empty() => return Ok(None),
            Place::Ended => return Ok(None),
            Place::UntilClose => return Ok(Some(std::mem::take(come))),
            Place::Left(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(come.len());
                *left -= u64::try_from(here).unwrap_or(*left);
                if *left == 0 {
                    self.place = Place::Ended;
                }
                return Ok(Some(come.split_to(here)));
            }
            Place::Chunks(_) => self.chunk(come, true)?,
        };
        if piece.is_some() {
            // So that the end is known with the last piece.
            self.chunk(come, false)?;
        }
        Ok(piece)
    }

    /// Passes over what is no data; the data behind it, if that is wanted.
    fn chunk(&mut self, come: &mut Bytes, wanted: bool) -> Result<Option<Bytes>, FramingError> {
        let Place::Chunks(reader) = &mut self.place else { return Ok(None) };
        while !come.is_empty() && (wanted || !reader.is_within_data()) {
            let (read, piece) = reader.next(come);
            let read = come.split_to(read);
            match piece? {
                Piece::Data => return Ok(Some(read)),
                Piece::Between => {}
                Piece::End => {
                    self.place = Place::Ended;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHUNKED: AnswerLength = AnswerLength::Stated(BodyLength::Chunked);

    /// What comes in pieces, as it is taken, and whether it has ended.
    fn taken(length: AnswerLength, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), FramingError> {
        let (mut reader, mut body) = (BodyReader::new(length), Vec::new());
        for piece in pieces {
            let mut come = Bytes::copy_from_slice(piece);
            while let Some(piece) = reader.take(&mut come)? {
                assert!(!piece.is_empty());
                body.extend_from_slice(&piece);
            }
        }
        Ok((body, reader.has_ended()))
    }

    #[test]
    fn a_body_is_as_long_as_it_is_said_to_be() {
        let known = AnswerLength::Stated(BodyLength::Known(3));
        assert_eq!(taken(known, &[b"ab"]), Ok((b"ab".to_vec(), false)));
        assert_eq!(taken(known, &[b"ab", b"cd"]), Ok((b"abc".to_vec(), true)));
        let none = AnswerLength::Stated(BodyLength::Empty);
        assert_eq!(taken(none, &[b"ab"]), Ok((Vec::new(), true)));
    }

    #[test]
    fn only_a_body_without_an_end_ends_with_its_connection() {
        let mut reader = BodyReader::new(AnswerLength::UntilClose);
        assert_eq!(reader.take(&mut Bytes::from_static(b"ab")), Ok(Some(Bytes::from_static(b"ab"))));
        assert!(!reader.has_ended() && reader.close() && reader.has_ended());
        for length in [AnswerLength::Stated(BodyLength::Known(3)), CHUNKED] {
            assert!(!BodyReader::new(length).close(), "{length:?}");
        }
    }

    #[test]
    fn the_end_is_known_with_the_last_piece() {
        let mut come = Bytes::from_static(b"3\r\nabc\r\n0\r\n\r\nHTTP");
        let mut reader = BodyReader::new(CHUNKED);
        assert_eq!(reader.take(&mut come), Ok(Some(Bytes::from_static(b"abc"))));
        assert!(reader.has_ended());
        assert_eq!(come, "HTTP", "what is behind it stays where it is");
    }

    proptest! {
        #[test]
        fn chunks_are_taken_out_however_they_come(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut wire = Vec::new();
            for piece in &pieces {
                wire.extend_from_slice(format!("{:X};x=y\r\n", piece.len()).as_bytes());
                wire.extend_from_slice(piece);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\nx-sum: 1\r\n\r\n");
            let (one, two) = wire.split_at(cut.index(wire.len()));
            prop_assert_eq!(taken(CHUNKED, &[one, two]), Ok((pieces.concat(), true)));
            prop_assert_eq!(taken(CHUNKED, &[one]).unwrap().1, false);
        }
    }
}
