//! Lower-case hexadecimal, the form of digests in documents, headers and names.

use data_encoding::HEXLOWER;

/// Bytes as lower-case digits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// A digest as lower-case digits, without a string of its own.
///
/// # Panics
/// When it does not have 32 bytes.
#[must_use]
pub fn digits(digest: &[u8]) -> [u8; 64] {
    let mut digits = [0; 64];
    HEXLOWER.encode_mut(digest, &mut digits);
    digits
}

/// Exactly `N` bytes from lower-case digits; none for any other text.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_no_other_text_is_taken() {
        assert_eq!(encode(&[0, 0x1f, 0xff]), "001fff");
        assert_eq!(decode("001fff"), Some([0, 0x1f, 0xff]));
        for other in ["001FFF", "001ff", "001fff00", "001fzz", " 01fff", ""] {
            assert_eq!(decode::<3>(other), None, "{other:?}");
        }
        let digest = [0xa5; 32];
        assert_eq!(digits(&digest).as_slice(), encode(&digest).as_bytes());
    }
}
