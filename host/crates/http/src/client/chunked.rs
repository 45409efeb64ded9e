//! Decoder of the chunked transfer coding (RFC 9112 7.1), strict: every line ends with CR LF, sizes are hexadecimal
//! digits and nothing else, extensions and trailers have limits. Trailers are read and dropped.

use bytes::{Buf, BytesMut};

/// Most hexadecimal digits of a chunk's size; 16 make a `u64`.
const MAX_DIGITS: u8 = 16;

/// Most bytes of chunk extensions in one body.
const MAX_EXTENSIONS: usize = 16 * 1024;

/// Most bytes of the trailer section.
const MAX_TRAILERS: usize = 16 * 1024;

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Not a hexadecimal number, or one that is too large.
    #[error("invalid chunk size")]
    Size,
    /// Extensions are malformed or longer than allowed.
    #[error("invalid or oversized chunk extension")]
    Extension,
    /// A line or chunk does not end with CR LF.
    #[error("chunk or line does not end with CR LF")]
    LineEnd,
    /// Trailers are malformed or longer than allowed.
    #[error("invalid or oversized trailer section")]
    Trailer,
}

/// What is at the front of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// So many bytes of the body.
    Data(usize),
    /// The end of the body: what follows belongs to nobody.
    End,
    /// More input is needed.
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size { digits: u8 },
    Padding,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// The decoder's place in a body.
#[derive(Debug, Clone)]
pub struct ChunkedDecoder {
    state: State,
    /// The size that is being read, then what is left of the chunk.
    size: u64,
    extensions: usize,
    trailers: usize,
}

impl Default for ChunkedDecoder {
    fn default() -> Self {
        Self { state: State::Size { digits: 0 }, size: 0, extensions: 0, trailers: 0 }
    }
}

impl ChunkedDecoder {
    /// Skips framing at the front of `input` and tells what is there. After [`Chunk::Data`] the caller must take
    /// exactly that many bytes off the input and call [`ChunkedDecoder::taken`].
    ///
    /// # Errors
    /// The first violation found.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Chunk, ChunkError> {
        let mut used = 0;
        let outcome = loop {
            match self.state {
                State::Done => break Chunk::End,
                State::Data => match input.len() - used {
                    0 => break Chunk::More,
                    here => break Chunk::Data(self.size.min(here as u64) as usize),
                },
                _ => {}
            }
            let Some(byte) = input.get(used) else { break Chunk::More };
            self.state = self.step(*byte)?;
            used += 1;
        };
        input.advance(used);
        Ok(outcome)
    }

    /// Counts bytes of [`Chunk::Data`] as taken.
    pub fn taken(&mut self, length: usize) {
        self.size = self.size.saturating_sub(length as u64);
        if self.size == 0 && self.state == State::Data {
            self.state = State::DataCr;
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        Ok(match self.state {
            State::Size { digits } => self.size_byte(byte, digits)?,
            State::Padding => match byte {
                b' ' | b'\t' => self.extension_byte(State::Padding)?,
                b';' => State::Extension,
                b'\r' => State::SizeLf,
                _ => return Err(ChunkError::Size),
            },
            State::Extension => match byte {
                b'\r' => State::SizeLf,
                b'\t' | b' '..=b'~' | 0x80.. => self.extension_byte(State::Extension)?,
                _ => return Err(ChunkError::Extension),
            },
            State::SizeLf if byte == b'\n' && self.size == 0 => State::TrailerStart,
            State::SizeLf if byte == b'\n' => State::Data,
            State::DataCr if byte == b'\r' => State::DataLf,
            State::DataLf if byte == b'\n' => State::Size { digits: 0 },
            State::TrailerLf if byte == b'\n' => State::TrailerStart,
            State::EndLf if byte == b'\n' => State::Done,
            State::TrailerStart if byte == b'\r' => State::EndLf,
            State::TrailerStart if is_token(byte) => self.trailer_byte(State::TrailerName)?,
            State::TrailerName if byte == b':' => self.trailer_byte(State::TrailerValue)?,
            State::TrailerName if is_token(byte) => self.trailer_byte(State::TrailerName)?,
            State::TrailerValue if byte == b'\r' => State::TrailerLf,
            State::TrailerValue if matches!(byte, b'\t' | b' '..=b'~' | 0x80..) => {
                self.trailer_byte(State::TrailerValue)?
            }
            State::TrailerStart | State::TrailerName | State::TrailerValue => {
                return Err(ChunkError::Trailer);
            }
            State::SizeLf
            | State::DataCr
            | State::DataLf
            | State::TrailerLf
            | State::EndLf
            | State::Data
            | State::Done => return Err(ChunkError::LineEnd),
        })
    }

    fn size_byte(&mut self, byte: u8, digits: u8) -> Result<State, ChunkError> {
        let Some(digit) = (byte as char).to_digit(16) else {
            return match byte {
                _ if digits == 0 => Err(ChunkError::Size),
                b'\r' => Ok(State::SizeLf),
                b';' => Ok(State::Extension),
                b' ' | b'\t' => self.extension_byte(State::Padding),
                _ => Err(ChunkError::Size),
            };
        };
        if digits == MAX_DIGITS {
            return Err(ChunkError::Size);
        }
        self.size = (if digits == 0 { 0 } else { self.size << 4 }) | u64::from(digit);
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension_byte(&mut self, state: State) -> Result<State, ChunkError> {
        self.extensions += 1;
        if self.extensions > MAX_EXTENSIONS { Err(ChunkError::Extension) } else { Ok(state) }
    }

    fn trailer_byte(&mut self, state: State) -> Result<State, ChunkError> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS { Err(ChunkError::Trailer) } else { Ok(state) }
    }
}

/// A byte of a field name (RFC 9110 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes pieces one after the other: the body, and the bytes left behind its end (`None`: it has not ended).
    fn decode<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), ChunkError> {
        let mut decoder = ChunkedDecoder::default();
        let mut input = BytesMut::new();
        let mut body = Vec::new();
        let mut ended = false;
        for piece in pieces {
            input.extend_from_slice(piece);
            loop {
                match decoder.next(&mut input)? {
                    Chunk::Data(length) => {
                        body.extend_from_slice(&input.split_to(length));
                        decoder.taken(length);
                    }
                    Chunk::More => break,
                    Chunk::End => {
                        ended = true;
                        break;
                    }
                }
            }
        }
        Ok((body, ended.then(|| input.to_vec())))
    }

    fn whole(input: &str) -> Result<(Vec<u8>, Option<Vec<u8>>), ChunkError> {
        decode([input.as_bytes()])
    }

    #[test]
    fn bodies() {
        let ended = |body: &str, rest: &str| Ok((body.into(), Some(rest.into())));
        assert_eq!(whole("0\r\n\r\n"), ended("", ""));
        assert_eq!(whole("5\r\nhello\r\n0\r\n\r\n"), ended("hello", ""));
        assert_eq!(whole("5;a=\"b\"\r\nhello\r\n00\r\n\r\nHTTP/1.1"), ended("hello", "HTTP/1.1"));
        assert_eq!(whole("A  \r\n0123456789\r\n1\t;x\r\n!\r\n0\r\n\r\n"), ended("0123456789!", ""));
        assert_eq!(whole("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n"), ended("a", ""));
        assert_eq!(whole("5\r\nhel"), Ok(("hel".into(), None)));
        assert_eq!(whole("1\r\na\r\n0\r\n\r"), Ok(("a".into(), None)));
    }

    #[test]
    fn violations() {
        for (input, error) in [
            ("", None),
            ("\r\n", Some(ChunkError::Size)),
            ("-1\r\n", Some(ChunkError::Size)),
            ("+1\r\n", Some(ChunkError::Size)),
            (" 1\r\n", Some(ChunkError::Size)),
            ("0x1\r\n", Some(ChunkError::Size)),
            ("1_0\r\n", Some(ChunkError::Size)),
            ("1 1\r\n", Some(ChunkError::Size)),
            ("ffffffffffffffff0\r\n", Some(ChunkError::Size)),
            ("00000000000000001\r\n", Some(ChunkError::Size)),
            ("1\na", Some(ChunkError::Size)),
            ("1;x\na", Some(ChunkError::Extension)),
            ("1;x\0", Some(ChunkError::Extension)),
            ("1\rx", Some(ChunkError::LineEnd)),
            ("1;a\rb\n", Some(ChunkError::LineEnd)),
            ("1\r\naX", Some(ChunkError::LineEnd)),
            ("1\r\na\n", Some(ChunkError::LineEnd)),
            ("1\r\na\r1", Some(ChunkError::LineEnd)),
            ("0\r\n\n", Some(ChunkError::Trailer)),
            ("0\r\n a: b\r\n", Some(ChunkError::Trailer)),
            ("0\r\na b: c\r\n", Some(ChunkError::Trailer)),
            ("0\r\na: b\nc: d", Some(ChunkError::Trailer)),
            ("0\r\na\r\n", Some(ChunkError::Trailer)),
            ("0\r\n\rx", Some(ChunkError::LineEnd)),
        ] {
            assert_eq!(whole(input).err(), error, "{input:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_have_limits() {
        let long = "x".repeat(MAX_EXTENSIONS + 1);
        assert_eq!(whole(&format!("1;{long}")), Err(ChunkError::Extension));
        let many = "1;abcdefgh\r\na\r\n".repeat(MAX_EXTENSIONS / 8 + 1);
        assert_eq!(whole(&many), Err(ChunkError::Extension));
        assert_eq!(whole(&format!("0\r\na:{long}")), Err(ChunkError::Trailer));
        let trailers = "0\r\n".to_owned() + &"a:b\r\n".repeat(MAX_TRAILERS / 3 + 1);
        assert_eq!(whole(&trailers), Err(ChunkError::Trailer));
    }

    fn encode(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut wire = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            wire.extend_from_slice(format!("{:X};n\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\nt: v\r\n\r\nrest");
        wire
    }

    fn split(input: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        cuts.windows(2).map(|pair| input[pair[0]..pair[1]].to_vec()).collect()
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_body(
            chunks: Vec<Vec<u8>>,
            cuts in prop::collection::vec(any::<usize>(), 0..8),
        ) {
            let wire = encode(&chunks);
            let pieces = split(&wire, &cuts);
            let decoded = decode(pieces.iter().map(Vec::as_slice));
            prop_assert_eq!(decoded, Ok((chunks.concat(), Some(b"rest".to_vec()))));
        }

        #[test]
        fn any_split_of_any_bytes_gives_the_same_outcome(
            wire in prop::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'2'), Just(b';'), any::<u8>()],
                0..64,
            ),
            cuts in prop::collection::vec(any::<usize>(), 0..8),
        ) {
            let pieces = split(&wire, &cuts);
            prop_assert_eq!(
                decode(pieces.iter().map(Vec::as_slice)),
                decode([wire.as_slice()]),
            );
        }
    }
}
