//! Checks the credentials of a request against the stored hash.

use std::fmt;

use subtle::ConstantTimeEq as _;

use super::cache::{CredentialCache, Tag};
use super::password::{Pepper, hash_password, is_hash};
use super::python_base64::{self, Base64Error};

/// Knows the stored hash, and remembers the last verdicts so that a client which sends the same
/// credentials with every request costs the expensive check once.
///
/// Shared by all requests: every method takes `&self` and may run on several threads at once.
pub struct Verifier {
    password_hash: String,
    salt: Vec<u8>,
    pepper: Pepper,
    cache: CredentialCache,
}

/// Why the stored credentials cannot be used. Shows none of them.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// No user could ever log in with it.
    #[error("`password_hash` is not a hash: it has to be 64 lower-case hexadecimal digits")]
    PasswordHash,
    /// The salt cannot be decoded.
    #[error("`salt` is not base64")]
    Salt(#[source] Base64Error),
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl VerifierError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PasswordHash | Self::Salt(_) => Some("run `defect-host set-credentials` to store new credentials"),
            Self::Random(_) => None,
        }
    }
}

impl Verifier {
    /// Takes `password_hash` and `salt` as they stand in the configuration file.
    ///
    /// # Errors
    /// One of them can never let anybody in, or there is no randomness for the cache's key.
    pub fn new(password_hash: &str, salt: &str, pepper: Pepper) -> Result<Self, VerifierError> {
        if !is_hash(password_hash) {
            return Err(VerifierError::PasswordHash);
        }
        Ok(Self {
            password_hash: password_hash.to_owned(),
            salt: python_base64::decode(salt).map_err(VerifierError::Salt)?,
            pepper,
            cache: CredentialCache::new().map_err(VerifierError::Random)?,
        })
    }

    /// Checks by hashing. Takes tens of milliseconds of one core: only on a blocking thread.
    #[must_use]
    pub fn verify(&self, username: &str, password: &str) -> bool {
        let hash = hash_password(username, password, &self.salt, &self.pepper);
        hash.as_bytes().ct_eq(self.password_hash.as_bytes()).into()
    }

    /// Tells these credentials from all others, within this process.
    #[must_use]
    pub fn tag(&self, username: &str, password: &str) -> Tag {
        self.cache.tag(username, password)
    }

    /// The remembered verdict on these credentials, or `None` when they have to be verified.
    /// Takes microseconds: meant for the async thread.
    #[must_use]
    pub fn check_cached(&self, username: &str, password: &str) -> Option<bool> {
        self.cache.verdict(&self.cache.tag(username, password))
    }

    /// Verifies and remembers the verdict. Looks into the memory once more before it hashes: of several
    /// requests with the same credentials, queued one behind the other, only the first one pays.
    #[must_use]
    pub fn verify_and_remember(&self, username: &str, password: &str) -> bool {
        let tag = self.cache.tag(username, password);
        self.cache.verdict(&tag).unwrap_or_else(|| {
            let accepted = self.verify(username, password);
            self.cache.remember(tag, accepted);
            accepted
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    // The credentials admin / secret, hashed by the Python service.
    const HASH: &str = "dee0dbbf10c8fb47616acb08661ca7a33bea220f3db148f8512f214551e130b8";
    const SALT: &str = "AAECAwQFBgcICQoLDA0ODw==";

    fn verifier() -> Verifier {
        Verifier::new(HASH, SALT, Pepper::default()).unwrap()
    }

    #[test]
    fn a_hash_of_the_python_service_logs_in_here() {
        // Written by `testbench-defect-service set-credentials` 0.3.0.
        let verifier = Verifier::new(
            "33f6dd0acbfc7846abf2bbd978163ad6cabacc88776a51670f5e8e66e0fb6404",
            "f+Wh5omzJ8WzNePVMfB82g==",
            Pepper::default(),
        )
        .unwrap();
        assert!(verifier.verify("jürgen", "pä:ss"));
        assert!(!verifier.verify("jürgen", "pä:sS"));
    }

    #[test]
    fn a_hash_that_logged_in_at_the_python_service_still_does_here() {
        // Written by `set_credentials` of this crate; `check_credentials` of the Python service 0.3.0
        // answered True to it, and False to another password.
        let verifier = Verifier::new(
            "a3218ba146e9ee12dbb202297b6cbd7dee72d2f98809620cc1473948929b892d",
            "S1QfafjKrXxkorQ2RbiDQQ==",
            Pepper::default(),
        )
        .unwrap();
        assert!(verifier.verify("jürgen", "pä:ss"));
    }

    #[test]
    fn a_verdict_is_remembered() {
        let verifier = verifier();
        assert_eq!(verifier.check_cached("admin", "secret"), None);
        assert!(verifier.verify_and_remember("admin", "secret"));
        assert_eq!(verifier.check_cached("admin", "secret"), Some(true));

        assert!(!verifier.verify_and_remember("admin", "wrong"));
        assert_eq!(verifier.check_cached("admin", "wrong"), Some(false));
        assert_eq!(verifier.check_cached("admin", "other"), None);
        assert_eq!(verifier.check_cached("admin", "secret"), Some(true));
    }

    #[test]
    fn remembered_credentials_are_not_hashed_again() {
        let verifier = verifier();
        assert!(!verifier.verify_and_remember("admin", "wrong"));
        let start = Instant::now();
        for _ in 0..100 {
            assert!(!verifier.verify_and_remember("admin", "wrong"));
        }
        // A hundred hashes take seconds, a hundred look-ups less than a millisecond.
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }

    #[test]
    fn an_unusable_hash_or_salt_is_refused_without_showing_it() {
        let refused = |hash: &str, salt: &str| {
            let error = Verifier::new(hash, salt, Pepper::default()).unwrap_err();
            format!("{error}\nhint: {}", error.hint().unwrap())
        };
        insta::assert_snapshot!(refused("hunter2", SALT), @r"
        `password_hash` is not a hash: it has to be 64 lower-case hexadecimal digits
        hint: run `defect-host set-credentials` to store new credentials
        ");
        insta::assert_snapshot!(refused(HASH, "hunter2"), @r"
        `salt` is not base64
        hint: run `defect-host set-credentials` to store new credentials
        ");
        refused(&HASH.to_uppercase(), SALT); // nobody can log in with it at the Python service
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", verifier()), "Verifier { .. }");
    }
}
