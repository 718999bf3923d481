//! The `Authorization` header of HTTP Basic authentication.

use std::fmt;

use super::python_base64;

/// The user name and password of one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Everything before the first colon.
    pub username: String,
    /// Everything after it.
    pub password: String,
}

/// Why a request carries no credentials; the texts are those of the Python service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BasicAuthError {
    /// No header, or another scheme than Basic.
    #[error("Missing or invalid Authorization header")]
    MissingOrInvalid,
    /// The Basic scheme, but no base64 of UTF-8 text with a colon behind it.
    #[error("Invalid Authorization header format")]
    InvalidFormat,
}

/// Reads the value of an `Authorization` header, `None` when the request has none.
///
/// Any case of `Basic` will do, as RFC 7617 has it; the Python service insists on this spelling.
///
/// # Errors
/// See [`BasicAuthError`]; either one is answered with 401.
pub fn parse(header: Option<&[u8]>) -> Result<Credentials, BasicAuthError> {
    let header = header.ok_or(BasicAuthError::MissingOrInvalid)?;
    let encoded = match header.split_at_checked(b"Basic ".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"Basic ") => rest,
        _ => return Err(BasicAuthError::MissingOrInvalid),
    };
    decode(encoded).ok_or(BasicAuthError::InvalidFormat)
}

fn decode(encoded: &[u8]) -> Option<Credentials> {
    let encoded = str::from_utf8(encoded).ok()?;
    let decoded = String::from_utf8(python_base64::decode(encoded).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials { username: username.to_owned(), password: password.to_owned() })
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn parsed(header: &str) -> Result<(String, String), String> {
        parse(Some(header.as_bytes()))
            .map(|credentials| (credentials.username, credentials.password))
            .map_err(|error| error.to_string())
    }

    fn pair(username: &str, password: &str) -> Result<(String, String), String> {
        Ok((username.to_owned(), password.to_owned()))
    }

    #[test]
    fn the_first_colon_ends_the_user_name() {
        assert_eq!(parsed(&format!("Basic {}", STANDARD.encode("admin:se:cr:et"))), pair("admin", "se:cr:et"));
        assert_eq!(parsed(&format!("Basic {}", STANDARD.encode(":"))), pair("", ""));
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        for scheme in ["basic", "BASIC", "Basic", "Basic "] {
            assert_eq!(parsed(&format!("{scheme} {}", STANDARD.encode("a:b"))), pair("a", "b"), "{scheme:?}");
        }
    }

    #[test]
    fn no_header_and_another_scheme_are_told_from_a_broken_one() {
        let missing = "Missing or invalid Authorization header";
        assert_eq!(parse(None).unwrap_err().to_string(), missing);
        for header in ["", "Basic", "Bearer YTpi", "Basicx YTpi", "YTpi"] {
            assert_eq!(parsed(header).unwrap_err(), missing, "{header:?}");
        }
        let no_colon = format!("Basic {}", STANDARD.encode("admin"));
        let no_utf8 = format!("Basic {}", STANDARD.encode(b"a:\xff"));
        for header in ["Basic ", "Basic YTp", "Basic ü", &no_colon, &no_utf8] {
            assert_eq!(parsed(header).unwrap_err(), "Invalid Authorization header format", "{header:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = parse(Some(b"Basic YTpi")).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
    }

    proptest! {
        #[test]
        fn whatever_a_client_encodes_arrives(username in "[^:]*", password in ".*") {
            let header = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
            prop_assert_eq!(parsed(&header), pair(&username, &password));
        }

        #[test]
        fn no_header_value_panics(header: Vec<u8>) {
            let _ = parse(Some(&header));
        }
    }
}
