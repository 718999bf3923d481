//! OAuth 1.0a with RSA-SHA1 (RFC 5849), for Jira Data Center.

mod key;

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rsa::rand_core::{OsRng, RngCore};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::{Digest, Sha1};

pub(crate) use key::KeyError;

/// What is percent-encoded: all but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a request could not be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    #[error("the system gave no random numbers: {0}")]
    Random(rsa::rand_core::Error),
    #[error("the private key of `oauth1_key_cert` cannot sign: {0}")]
    Key(rsa::Error),
}

/// Signs requests with a private key, for an access token that was granted before. The token's secret is not needed.
pub(crate) struct Oauth1 {
    consumer_key: String,
    access_token: String,
    key: RsaPrivateKey,
}

impl fmt::Debug for Oauth1 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Oauth1").field("consumer_key", &self.consumer_key).finish_non_exhaustive()
    }
}

impl Oauth1 {
    /// `key` is a PEM file's content, PKCS#1 or PKCS#8, with nothing but white space around it.
    ///
    /// # Errors
    /// What is wrong with the key, without anything of it.
    pub(crate) fn new(consumer_key: String, access_token: String, key: &str) -> Result<Self, KeyError> {
        Ok(Self { consumer_key, access_token, key: key::from_pem(key)? })
    }

    /// The `Authorization` header for a request that is sent now, with a nonce of its own. Each try needs a new one.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub(crate) fn authorization_now(&self, method: &str, url: &str) -> Result<String, SigningError> {
        let mut nonce = [0; 18];
        OsRng.try_fill_bytes(&mut nonce).map_err(SigningError::Random)?;
        // A clock before 1970 is wrong anyway, and Jira says so.
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        self.authorization(method, url, &BASE64_URL_SAFE_NO_PAD.encode(nonce), timestamp)
    }

    /// The same with a given nonce and time, in seconds since 1970.
    ///
    /// `url` is absolute and as it is sent, with its query. Bodies are not signed: only forms are, which Jira's REST
    /// API has none of.
    pub(crate) fn authorization(
        &self,
        method: &str,
        url: &str,
        nonce: &str,
        timestamp: u64,
    ) -> Result<String, SigningError> {
        let timestamp = timestamp.to_string();
        // In oauthlib's order, so that headers can be compared. The server does not mind.
        let parameters = [
            ("oauth_nonce", nonce),
            ("oauth_timestamp", &timestamp),
            ("oauth_version", "1.0"),
            ("oauth_signature_method", "RSA-SHA1"),
            ("oauth_consumer_key", &self.consumer_key),
            ("oauth_token", &self.access_token),
        ];
        let signature = self.signature(&base_string(method, url, &parameters))?;
        let signed = [("oauth_signature", signature.as_str())];
        let header = parameters.iter().chain(&signed).map(|(name, value)| format!("{name}=\"{}\"", encoded(value)));
        Ok(format!("OAuth {}", header.collect::<Vec<_>>().join(", ")))
    }

    fn signature(&self, text: &str) -> Result<String, SigningError> {
        // Random numbers only hide how long the key takes (RUSTSEC-2023-0071): they do not show in the result.
        let signature = self.key.sign_with_rng(&mut OsRng, Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(text));
        signature.map(|signature| BASE64_STANDARD.encode(signature)).map_err(SigningError::Key)
    }
}

/// What is signed, RFC 5849 section 3.4.1.
fn base_string(method: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let query = form_urlencoded::parse(query.as_bytes());
    let parameters = parameters.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value)));
    let mut parameters: Vec<_> =
        query.chain(parameters).map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    parameters.sort();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let parts = [method.to_uppercase(), normalized(address), parameters.join("&")];
    parts.map(|part| encoded(&part)).join("&")
}

/// Scheme and host in lower case, without the port that goes without saying.
fn normalized(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, authority) = (scheme.to_lowercase(), authority.to_lowercase());
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    format!("{scheme}://{authority}{}", if path.is_empty() { "/" } else { path })
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rsa::RsaPublicKey;
    use serde::Deserialize;

    use super::*;

    const KEY: &str = include_str!("../../tests-data/oauth1/pkcs8.test-key.pem");

    fn signer() -> Oauth1 {
        Oauth1::new("consumer".to_owned(), "s3cret-token".to_owned(), KEY).unwrap()
    }

    /// See `tests-data/oauth1/README.md`.
    #[derive(Deserialize)]
    struct Vector {
        method: String,
        address: String,
        consumer_key: String,
        access_token: String,
        nonce: String,
        timestamp: u64,
        authorization: String,
    }

    #[test]
    fn headers_are_those_of_oauthlib() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../tests-data/oauth1/vectors.json")).unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let signer = Oauth1::new(vector.consumer_key, vector.access_token, KEY).unwrap();
            let header = signer.authorization(&vector.method, &vector.address, &vector.nonce, vector.timestamp);
            assert_eq!(header.unwrap(), vector.authorization, "{} {}", vector.method, vector.address);
        }
    }

    #[test]
    fn no_nonce_is_used_twice() {
        let signer = signer();
        let nonce = || {
            let header = signer.authorization_now("GET", "http://jira/").unwrap();
            header.split('"').nth(1).unwrap().to_owned()
        };
        let nonces: HashSet<_> = std::iter::repeat_with(nonce).take(20).collect();
        assert_eq!(nonces.len(), 20);
        assert!(nonces.iter().all(|nonce| nonce.len() == 24));
    }

    #[test]
    fn the_token_is_not_shown() {
        let shown = format!("{:?}", signer());
        assert_eq!(shown, "Oauth1 { consumer_key: \"consumer\", .. }");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn any_address_can_be_signed(url in any::<String>()) {
            let signer = signer();
            let header = signer.authorization("GET", &url, "n", 1).unwrap();
            let signature = header.rsplit_once("oauth_signature=\"").unwrap().1.trim_end_matches('"');
            let signature = percent_encoding::percent_decode_str(signature).decode_utf8().unwrap();
            let digest = Sha1::digest(base_string("GET", &url, &[
                ("oauth_nonce", "n"), ("oauth_timestamp", "1"), ("oauth_version", "1.0"),
                ("oauth_signature_method", "RSA-SHA1"), ("oauth_consumer_key", "consumer"), ("oauth_token", "s3cret-token"),
            ]));
            let signature = BASE64_STANDARD.decode(signature.as_bytes()).unwrap();
            prop_assert!(RsaPublicKey::from(&signer.key).verify(Pkcs1v15Sign::new::<Sha1>(), &digest, &signature).is_ok());
        }
    }
}
