//! GB 18030 as the WHATWG Encoding Standard has it: every character but U+E5E5 and some of the private use areas.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, EncoderResult, GB18030};

/// Appends `text` in GB 18030 to `out`; false where it holds a character that cannot be.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) -> bool {
    if text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
        return true;
    }
    let mut encoder = GB18030.new_encoder();
    // No character takes more bytes in GB 18030 than four.
    out.reserve(text.chars().count() * 4);
    let (result, _) = encoder.encode_from_utf8_to_vec_without_replacement(text, out, true);
    result == EncoderResult::InputEmpty
}

/// Bytes decoded at once.
const CHUNK_BYTES: usize = 16 * 1_024;

/// Reads GB 18030 as UTF-8. A sequence of bytes that is none is an error.
pub(super) struct Decoding<R> {
    from: R,
    decoder: Decoder,
    decoded: String,
    given: usize,
    ended: bool,
}

impl<R: BufRead> Decoding<R> {
    pub(super) fn new(from: R) -> Self {
        let decoder = GB18030.new_decoder_without_bom_handling();
        Self { from, decoder, decoded: String::with_capacity(CHUNK_BYTES * 3), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.given = 0;
        let input = self.from.fill_buf()?;
        let input = &input[..input.len().min(CHUNK_BYTES)];
        self.ended = input.is_empty();
        let (result, read) =
            self.decoder.decode_to_string_without_replacement(input, &mut self.decoded, self.ended);
        self.from.consume(read);
        match result {
            DecoderResult::Malformed(..) => Err(io::Error::new(io::ErrorKind::InvalidData, "not GB 18030")),
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.decoded.len() && !self.ended {
            self.refill()?;
        }
        let mut left = &self.decoded.as_bytes()[self.given..];
        let count = left.read(out)?;
        self.given += count;
        Ok(count)
    }
}
