//! Keeps passwords and tokens out of everything that is shown.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// What is shown in place of a secret; of one length, so that the secret's does not leak.
pub(crate) const MASK: &str = "***";

/// A text that is never shown: `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "password", "writeOnly" = true))]
pub struct Secret(String);

impl Secret {
    /// The text itself; whoever calls this keeps it out of logs and messages.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Does the name of a key say that it holds a secret? One slip of the keyboard is allowed for.
pub(super) fn is_secret_key(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "key_cert", "salt"];
    let name = name.to_lowercase().replace('-', "_");
    WORDS.iter().any(|word| name.contains(word))
        || name.split('_').any(|part| {
            let slip = |word: &&str| word.len() > 4 && strsim::damerau_levenshtein(part, word) <= 1;
            WORDS.iter().any(slip)
        })
}

/// The password in a URL, `scheme://user:password@host`: whatever its key is called.
pub(super) fn password_in_url(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_an_address_and_nowhere_else() {
        for (text, password) in [
            ("https://user:pa:ss@host:443/path", Some("pa:ss")),
            ("http://u:p@ss@host", Some("p@ss")),
            ("http://:token@host", Some("token")),
            ("https://host:443/a:b@c", None),
            ("https://user@host", None),
            ("https://user:@host", None),
            ("user:password@host", None),
        ] {
            assert_eq!(password_in_url(text), password, "{text}");
        }
    }
}
