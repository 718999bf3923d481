//! Base64 as Python's `base64.b64decode` reads it.
//!
//! The Python service decodes salt, pepper and `Authorization` header with it, and its leniency is
//! part of which stored values work: whatever is not in the alphabet is skipped, and nothing after the
//! padding is looked at.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is checked by [`decode`] itself; left-over bits of the last character are ignored.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a text is not base64. Says nothing of the text itself, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Base64Error {
    /// A character outside ASCII. Other characters outside the alphabet are skipped, these are not.
    #[error("base64 text may hold ASCII characters only")]
    NotAscii,
    /// The characters end in the middle of a byte, or the `=` that must follow them are missing.
    #[error("base64 text with {characters} characters of the alphabet and without the padding `=` they need")]
    Padding {
        /// How many characters of the alphabet were found.
        characters: usize,
    },
}

/// Whether `text` stands for bytes.
pub(crate) fn is_base64(text: &str) -> bool {
    decode(text).is_ok()
}

/// The bytes that `text` stands for.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    if !text.is_ascii() {
        return Err(Base64Error::NotAscii);
    }
    let mut characters = Vec::with_capacity(text.len());
    let mut pads = 0;
    let mut padded = false;
    for byte in text.bytes() {
        if byte == b'=' {
            // A `=` before the second character of a group of four means nothing, as in Python.
            if characters.len() % 4 >= 2 {
                pads += 1;
                padded = characters.len() % 4 + pads >= 4;
            }
            if padded {
                break;
            }
        } else if byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/' {
            characters.push(byte);
            pads = 0;
        }
    }
    let padding = Base64Error::Padding { characters: characters.len() };
    if !padded && characters.len() % 4 != 0 {
        return Err(padding);
    }
    ENGINE.decode(&characters).map_err(|_| padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    #[test]
    fn reads_what_python_reads() {
        // Printed by `base64.b64decode` of Python 3.11.7.
        let read: &[(&str, &[u8])] = &[
            ("", b""),
            ("!!!", b""),
            ("QUJD", b"ABC"),
            ("QUI=", b"AB"),
            ("QQ==", b"A"),
            ("=QUI=", b"AB"),
            ("Q=Q==", b"A"),
            ("QU=I=", b"AB"),
            ("QUI=QUJD", b"AB"),
            ("QUJD QUI=", b"ABCAB"),
            ("QU-JD_", b"ABC"),
            ("QR==", b"A"),
            ("QUJD=", b"ABC"),
            ("QUJD====QUJD", b"ABCABC"),
            ("QU\nI=\n", b"AB"),
            ("QQ=x=", b"A\x0c"),
        ];
        for (text, bytes) in read {
            assert_eq!(decode(text).as_deref(), Ok(*bytes), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_python_refuses() {
        for (text, characters) in [("QUI", 3), ("QQ=", 2), ("QQ", 2), ("Q", 1), ("Q=", 1), ("Q===", 1), ("QUJDQ", 5)] {
            assert_eq!(decode(text), Err(Base64Error::Padding { characters }), "{text:?}");
        }
        assert_eq!(decode("ü"), Err(Base64Error::NotAscii));
    }

    proptest! {
        #[test]
        fn reads_every_proper_encoding(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&STANDARD.encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn never_panics(text in "[A-Za-z0-9+/=!é \n]{0,20}") {
            let _ = decode(&text);
        }
    }
}
