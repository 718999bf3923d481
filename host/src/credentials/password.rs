//! The password hash that this host and the Python service share.

use std::fmt;

use sha2::Sha256;

use super::python_base64::{self, Base64Error};

const ROUNDS: u32 = 100_000;
const HASH_BYTES: usize = 32;

/// The pepper of the Python service when `PASSWORD_PEPPER` is not set.
const DEFAULT_PEPPER: [u8; 16] =
    [0xfb, 0x0e, 0xbb, 0x1c, 0x67, 0x15, 0x27, 0x8f, 0x36, 0x15, 0xcc, 0x14, 0x81, 0xd8, 0xfe, 0x93];

/// The bytes appended to every password before it is hashed, the same for all users of one service.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper(Vec<u8>);

/// `PASSWORD_PEPPER` is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `PASSWORD_PEPPER` is not base64")]
pub struct PepperError(#[from] Base64Error);

impl Pepper {
    /// Reads the value of the environment variable `PASSWORD_PEPPER`; unset or empty means the default.
    ///
    /// # Errors
    /// The value is not base64 as Python's `b64decode` accepts it.
    pub fn from_env_value(value: Option<&str>) -> Result<Self, PepperError> {
        match value {
            None | Some("") => Ok(Self::default()),
            Some(text) => Ok(Self(python_base64::decode(text)?)),
        }
    }
}

impl Default for Pepper {
    fn default() -> Self {
        Self(DEFAULT_PEPPER.to_vec())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// The hash of one user name and password, as `password_hash` in the configuration file holds it.
///
/// Takes tens of milliseconds, in a debug build a second: keep it off async threads.
#[must_use]
pub fn hash_password(username: &str, password: &str, salt: &[u8], pepper: &Pepper) -> String {
    let secret = [username.as_bytes(), password.as_bytes(), &pepper.0].concat();
    let mut hash = [0; HASH_BYTES];
    pbkdf2::pbkdf2_hmac::<Sha256>(&secret, salt, ROUNDS, &mut hash);
    hex::encode(hash)
}

/// Whether `text` could have come from [`hash_password`]. The Python service compares the hash as text,
/// so capital digits never match there either.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 2 * HASH_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by the Python service 0.3.0 itself:
    /// `auth.hash_password(auth._payload(username, password), base64.b64decode(salt))`, with
    /// `PASSWORD_PEPPER` set where a pepper is given.
    #[test]
    fn hashes_as_the_python_service_does() {
        let vectors = [
            (
                ("admin", "secret", "AAECAwQFBgcICQoLDA0ODw==", None),
                "dee0dbbf10c8fb47616acb08661ca7a33bea220f3db148f8512f214551e130b8",
            ),
            (
                ("jürgen", "pässwörd ✓ 密码", "q83vEjRWeJCrze8SNFZ4kA==", None),
                "4be91032e0c2fb82f71a2eae3a34f9e2023fd48cbd143d17f9518d8a121d5a17",
            ),
            (
                ("admin", "secret", "AAECAwQFBgcICQoLDA0ODw==", Some("c29tZSBvdGhlciBwZXBwZXI=")),
                "49fc90d3ec36e44e93abc0b26d667c3dcc41279b3c2ab3aa0825df0ef5a39efc",
            ),
            (
                ("ab", "c", "AAEC\nAw QFBg!cICQoLDA0ODw==trailing", None),
                "d66586d40e0c96bd9c7ca23ff80f74fd4a5bf30f5215313b180369ac7b9726b8",
            ),
        ];
        for ((username, password, salt, pepper), hash) in vectors {
            let salt = python_base64::decode(salt).unwrap();
            let pepper = Pepper::from_env_value(pepper).unwrap();
            assert_eq!(hash_password(username, password, &salt, &pepper), hash, "{username}");
        }
    }

    #[test]
    fn a_pepper_that_is_unset_or_empty_is_the_default() {
        assert_eq!(Pepper::from_env_value(None), Ok(Pepper::default()));
        assert_eq!(Pepper::from_env_value(Some("")), Ok(Pepper::default()));
    }

    #[test]
    fn a_pepper_that_is_not_base64_is_an_error_that_does_not_show_it() {
        let error = Pepper::from_env_value(Some("hunter2")).unwrap_err();
        insta::assert_snapshot!(error, @"the environment variable `PASSWORD_PEPPER` is not base64");
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn debug_does_not_show_the_pepper() {
        assert_eq!(format!("{:?}", Pepper::default()), "Pepper(…)");
    }
}
