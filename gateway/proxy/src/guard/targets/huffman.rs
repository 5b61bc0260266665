//! HPACK's Huffman code (RFC 7541 Appendix B). It is canonical: codes of one length follow one another in order of their
//! symbols, so the lengths alone give the code.

use std::sync::LazyLock;

/// Bits of the longest code.
const BITS_MAX: usize = 30;

/// Bits of each byte's code. The end of a string has a code of its own, of all ones, that is never sent.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26,
];

/// Of each length: the first code, how many there are, and where their symbols begin in `symbols`.
struct Code {
    first: [u32; BITS_MAX + 1],
    count: [u32; BITS_MAX + 1],
    start: [usize; BITS_MAX + 1],
    symbols: Vec<u8>,
}

static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut code = Code {
        first: [0; BITS_MAX + 1],
        count: [0; BITS_MAX + 1],
        start: [0; BITS_MAX + 1],
        symbols: Vec::with_capacity(LENGTHS.len()),
    };
    let mut next = 0;
    for bits in 1..=BITS_MAX {
        next <<= 1;
        code.first[bits] = next;
        code.start[bits] = code.symbols.len();
        for (symbol, length) in (0..=u8::MAX).zip(LENGTHS) {
            if usize::from(length) == bits {
                code.symbols.push(symbol);
                code.count[bits] += 1;
                next += 1;
            }
        }
    }
    code
});

/// The text that was coded; `None` where it is no code.
pub(super) fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let code = &*CODE;
    // The shortest code has five bits.
    let mut text = Vec::with_capacity(coded.len() * 8 / 5);
    let (mut value, mut bits) = (0_u32, 0);
    for byte in coded {
        for shift in (0..8).rev() {
            value = value << 1 | u32::from(byte >> shift & 1);
            bits += 1;
            if bits > BITS_MAX {
                return None;
            }
            let at = value.wrapping_sub(code.first[bits]);
            if at < code.count[bits] {
                text.push(code.symbols[code.start[bits] + at as usize]);
                (value, bits) = (0, 0);
            }
        }
    }
    // What is left is padding: fewer than eight ones (RFC 7541 §5.2).
    let padding = bits < 8 && value == (1 << bits) - 1;
    padding.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541 Appendix C.4 and C.6.
    #[test]
    fn the_examples_of_the_standard_decode() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
                .collect()
        };
        for (coded, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("", ""),
        ] {
            assert_eq!(decode(&hex(coded)).as_deref(), Some(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        // The end of a string within it; padding of zeros; eight ones of padding.
        for coded in [&[0xff; 4][..], &[0x00], &[0x1f, 0xff]] {
            assert_eq!(decode(coded), None, "{coded:x?}");
        }
    }
}
