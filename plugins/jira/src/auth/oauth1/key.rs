//! Private keys in PEM files.

use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;

/// The shortest key, in bits. Jira's instructions make 2048; older ones made 1024.
const SHORTEST: usize = 1024;

/// What is wrong with a private key. Nothing of the key is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(
        "there is no private key in it: expected a PEM file with the line `-----BEGIN RSA PRIVATE KEY-----` or `-----BEGIN PRIVATE KEY-----`"
    )]
    NotPem,
    #[error(
        "it is protected by a passphrase, which nobody could type here: write it without one by `openssl rsa -in KEY -out NEW-KEY`"
    )]
    Encrypted,
    /// A public key, a certificate, a key of another format.
    #[error(
        "it begins with `-----BEGIN {label}-----`, expected the RSA private key that belongs to the public key of Jira's application link"
    )]
    OtherKind { label: &'static str },
    #[error("it is no RSA key: Jira takes signatures by RSA keys only")]
    NotRsa,
    #[error("the RSA key is {bits} bits long, expected {SHORTEST} or more")]
    TooShort { bits: usize },
    #[error("the private key is damaged: it may have been cut off or its lines joined when it was copied")]
    Damaged,
}

/// What a file may hold instead.
const OTHER_KINDS: [&str; 6] =
    ["OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY"];

pub(super) fn from_pem(text: &str) -> Result<RsaPrivateKey, KeyError> {
    let text = text.trim();
    let begins = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    let key = if begins("ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Encrypted);
    } else if begins("RSA PRIVATE KEY") {
        RsaPrivateKey::from_pkcs1_pem(text).map_err(|_| KeyError::Damaged)?
    } else if begins("PRIVATE KEY") {
        RsaPrivateKey::from_pkcs8_pem(text).map_err(|error| match error {
            rsa::pkcs8::Error::PublicKey(rsa::pkcs8::spki::Error::OidUnknown { .. }) => KeyError::NotRsa,
            _ => KeyError::Damaged,
        })?
    } else {
        let label = OTHER_KINDS.into_iter().find(|label| begins(label));
        return Err(label.map_or(KeyError::NotPem, |label| KeyError::OtherKind { label }));
    };
    let bits = key.size() * 8;
    if bits < SHORTEST { Err(KeyError::TooShort { bits }) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PKCS1: &str = include_str!("../../../tests-data/oauth1/pkcs1.test-key.pem");
    const PKCS8: &str = include_str!("../../../tests-data/oauth1/pkcs8.test-key.pem");

    #[test]
    fn both_formats_are_read() {
        let key = from_pem(PKCS1).unwrap();
        assert_eq!(from_pem(PKCS8).unwrap(), key);
        assert_eq!(from_pem(&format!("\r\n {} ", PKCS8.replace('\n', "\r\n"))).unwrap(), key);
    }

    #[test]
    fn other_keys_are_refused_with_the_reason() {
        let pem = |label: &str| PKCS8.replace("PRIVATE KEY", label);
        let cut: String = PKCS1.lines().filter(|line| !line.starts_with("MII")).collect::<Vec<_>>().join("\n");
        for (text, expected) in [
            (String::new(), KeyError::NotPem),
            ("/etc/jira/key.pem".to_owned(), KeyError::NotPem),
            (pem("ENCRYPTED PRIVATE KEY"), KeyError::Encrypted),
            (PKCS1.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1), KeyError::Encrypted),
            (pem("CERTIFICATE"), KeyError::OtherKind { label: "CERTIFICATE" }),
            (pem("PUBLIC KEY"), KeyError::OtherKind { label: "PUBLIC KEY" }),
            (pem("RSA PRIVATE KEY"), KeyError::Damaged),
            (cut, KeyError::Damaged),
            (PKCS8.replace('\n', " "), KeyError::Damaged),
            (EC.to_owned(), KeyError::NotRsa),
            (SHORT.to_owned(), KeyError::TooShort { bits: 512 }),
        ] {
            assert_eq!(from_pem(&text).unwrap_err(), expected);
        }
    }

    /// Keys made for this test.
    const EC: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEd7VhcIR4CqG1Drb
rK0JuWef/pr/g0QAKSg2OzWHC0uhRANCAAT+epWBcTZKEDsSa7xSsF9wIQTSZj2+
mTi1dyiyS+XoWpqMV3pFgllSVEPqTcHfg/HaM4vmQ2PdJXaWZNiziJzB
-----END PRIVATE KEY-----
";
    const SHORT: &str = "\
-----BEGIN PRIVATE KEY-----
MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEA37dzUTzQ8sNWwg4d
8DH17LcWanr8xnJtCuWswAcI9tEJP6/t91s0/5vaFgaJ81zcdMrNtEVvgXcrTlcM
e3RCPQIDAQABAkA4BF1xqALB5rugl5xTeo8TmLyaKPWGUzyOj/fzlU9fTXxU7thD
Ognafrw7H9UmVZcfgC//8/pauYiRzq36QDyBAiEA9w+r68paNnj2ApLIYVVGT8NK
tQqML8oes/UJT0YqKQ0CIQDnz459IsPzATGzylEH2rr0EyMwZ4Q8Bgjyeet9+0DR
8QIhALGpu1/cK/NwGLjRBPe5cs55CYgXBah4GIwgcYloU3khAiEAvmxWFJ2Wceyt
M5Ai+FzJ7u45ne2rRtN+ThGxTZA0M0ECIQCY29xHsiE5b2CZSYx1oD8OQE45lbsY
+ahwQLgO/hYKuw==
-----END PRIVATE KEY-----
";
}
