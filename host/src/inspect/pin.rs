//! `client_sha256`: the one file that may be opened.

use std::path::{Path, PathBuf};

/// Why a library does not fit its pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The pin can fit no file.
    #[error("client_sha256 `{pin}` is not a SHA-256 sum of 64 hexadecimal digits")]
    Malformed {
        /// The configured text.
        pin: String,
    },
    /// The library is another file than the pinned one.
    #[error("`{}` has the SHA-256 sum {found}, but client_sha256 pins {pin}", path.display())]
    Mismatch {
        /// The library.
        path: PathBuf,
        /// The sum of the library.
        found: String,
        /// The configured sum.
        pin: String,
    },
}

impl PinError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed { .. } => "write the sum as `sha256sum` prints it, or leave `client_sha256` out".into(),
            Self::Mismatch { found, .. } => format!(
                "put the pinned file back; if this file is the right one, set \
                 `client_sha256 = \"{found}\"`"
            ),
        }
    }
}

/// Compares a library's sum, [`Inspection::sha256`](super::Inspection::sha256), with
/// `client_sha256`; the case of the digits does not matter.
///
/// # Errors
/// They differ, or `pin` is no such sum.
pub fn check_pin(library: &Path, sha256: &str, pin: &str) -> Result<(), PinError> {
    if pin.len() != 64 || !pin.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PinError::Malformed { pin: pin.to_owned() });
    }
    if sha256.eq_ignore_ascii_case(pin) {
        return Ok(());
    }
    Err(PinError::Mismatch { path: library.to_owned(), found: sha256.to_owned(), pin: pin.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sha256: &str, pin: &str) -> String {
        match check_pin(Path::new("/p/lib.so"), sha256, pin) {
            Ok(()) => "fine".to_owned(),
            Err(error) => format!("{error}\nhint: {}", error.hint()),
        }
    }

    #[test]
    fn the_case_of_the_digits_does_not_matter() {
        assert_eq!(check(&"ab".repeat(32), &"Ab".repeat(32)), "fine");
    }

    #[test]
    fn another_file_is_refused_with_both_sums() {
        insta::assert_snapshot!(check(&"ab".repeat(32), &"cd".repeat(32)), @"
        `/p/lib.so` has the SHA-256 sum abababababababababababababababababababababababababababababababab, but client_sha256 pins cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
        hint: put the pinned file back; if this file is the right one, set `client_sha256 = \"abababababababababababababababababababababababababababababababab\"`
        ");
    }

    #[test]
    fn a_pin_that_is_no_sum_is_refused() {
        insta::assert_snapshot!(check(&"ab".repeat(32), "abc"), @"
        client_sha256 `abc` is not a SHA-256 sum of 64 hexadecimal digits
        hint: write the sum as `sha256sum` prints it, or leave `client_sha256` out
        ");
    }
}
