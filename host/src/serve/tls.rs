//! TLS: from the files of certificates and keys to what rustls works with, or the one reason why not.
//!
//! TLS 1.2 and 1.3 with rustls' own choice of ciphers; there is nothing older in it.

mod error;
mod handshake;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

pub use error::TlsError;
pub(super) use handshake::{Failure, Handshakes};
pub(super) use watch::Watch;

/// Certificates that end within this time are warned of: a week later than certbot renews its own.
const WARN_BEFORE: Duration = Duration::from_secs(21 * 24 * 60 * 60);

/// The files of a TLS configuration, all in PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The service's certificate, with those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Roots of clients' certificates: when given, a client without one is refused.
    pub client_roots: Option<PathBuf>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Certificate,
    Key,
    ClientRoots,
}

/// What the files hold, as it was read.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_roots: Option<Vec<u8>>,
}

/// Files that can be used together.
pub(super) struct Loaded {
    config: Arc<ServerConfig>,
    /// When the service's certificate begins and ends.
    validity: Validity,
    /// What is odd about them.
    warnings: Vec<String>,
}

/// A certificate's time.
#[derive(Debug, Clone, Copy)]
struct Validity {
    from: SystemTime,
    until: SystemTime,
}

impl Tls {
    /// Reads the files and finds out whether they can be used; gives what is odd about them, as sentences.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn check(&self) -> Result<Vec<String>, TlsError> {
        let now = SystemTime::now();
        let loaded = self.load(&self.read()?, now)?;
        let ends_soon = loaded.validity.warning(&self.certificate, now);
        Ok(loaded.warnings.into_iter().chain(ends_soon).collect())
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let read = |role: Role, path: &Path| {
            let unreadable = |source| TlsError::Unreadable { role, path: path.to_owned(), source };
            std::fs::read(path).map_err(unreadable)
        };
        Ok(Contents {
            certificate: read(Role::Certificate, &self.certificate)?,
            key: read(Role::Key, &self.key)?,
            client_roots: self.client_roots.as_deref().map(|path| read(Role::ClientRoots, path)).transpose()?,
        })
    }

    fn load(&self, contents: &Contents, now: SystemTime) -> Result<Loaded, TlsError> {
        let mut warnings = Vec::new();
        let certificates = certificates(Role::Certificate, &self.certificate, &contents.certificate)?;
        let key = private_key(&self.key, &contents.key)?;
        let validity = Validity::of(Role::Certificate, &self.certificate, &certificates[0])?;
        let (role, path) = (Role::Certificate, &self.certificate);
        if now < validity.from {
            return Err(TlsError::NotYetValid { role, path: path.clone(), from: validity.from });
        }
        if now > validity.until {
            return Err(TlsError::Expired { role, path: path.clone(), until: validity.until });
        }
        for between in &certificates[1..] {
            if now > Validity::of(role, path, between)?.until {
                warnings.push(format!(
                    "a certificate between the service's and its root has expired: `{}`",
                    path.display()
                ));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let config = match self.client_roots.as_deref().zip(contents.client_roots.as_deref()) {
            None => config.with_no_client_auth(),
            Some((path, content)) => {
                let roots = client_roots(path, content, now, &mut warnings)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                let damaged = |error| damaged(Role::ClientRoots, path, error);
                config.with_client_cert_verifier(verifier.map_err(damaged)?)
            }
        };
        let mut config = config.with_single_cert(certificates, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            other => TlsError::Unusable(other),
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Loaded { config: Arc::new(config), validity, warnings })
    }
}

impl Contents {
    /// Tells one state of the files from another, without keeping the key.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [&self.certificate, &self.key].into_iter().chain(&self.client_roots) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

impl Loaded {
    fn for_connections(&self) -> RustlsConfig {
        RustlsConfig::from_config(Arc::clone(&self.config))
    }
}

impl Validity {
    fn of(role: Role, path: &Path, certificate: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|_| damaged(role, path, "it is no X.509 certificate"))?;
        let validity = parsed.validity();
        // Times before 1970 are as good as 1970.
        let time = |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or(0));
        Ok(Self { from: time(validity.not_before.timestamp()), until: time(validity.not_after.timestamp()) })
    }

    /// From when on its end is warned of. Those that live for days only are renewed late: at their last third.
    fn warn_from(&self) -> SystemTime {
        let third = self.until.duration_since(self.from).unwrap_or_default() / 3;
        self.until - WARN_BEFORE.min(third)
    }

    fn warning(&self, path: &Path, now: SystemTime) -> Option<String> {
        let (path, until) = (path.display(), error::date(self.until));
        let left = self.until.duration_since(now).unwrap_or_default().as_secs();
        match (now >= self.warn_from(), left / (24 * 60 * 60)) {
            (false, _) => None,
            (true, _) if left == 0 => Some(format!("the certificate `{path}` has expired on {until}: renew it")),
            (true, 0) => Some(format!("the certificate `{path}` expires within a day, on {until}: renew it")),
            (true, days) => Some(format!("the certificate `{path}` expires in {days} days, on {until}: renew it")),
        }
    }
}

fn client_roots(
    path: &Path,
    content: &[u8],
    now: SystemTime,
    warnings: &mut Vec<String>,
) -> Result<RootCertStore, TlsError> {
    let role = Role::ClientRoots;
    let (mut roots, mut last_end) = (RootCertStore::empty(), None);
    for root in certificates(role, path, content)? {
        // rustls does not look at a root's time: who trusts an expired one does not know it.
        let until = Validity::of(role, path, &root)?.until;
        if now > until {
            warnings.push(format!(
                "a root of callers' certificates in `{}` has expired on {} and is left out",
                path.display(),
                error::date(until)
            ));
            last_end = last_end.max(Some(until));
        } else {
            roots.add(root).map_err(|error| damaged(role, path, error))?;
        }
    }
    match last_end {
        Some(until) if roots.is_empty() => Err(TlsError::Expired { role, path: path.to_owned(), until }),
        _ => Ok(roots),
    }
}

fn certificates(role: Role, path: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    check_pem(role, path, content)?;
    let found = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| damaged(role, path, error))?;
    if found.is_empty() { Err(TlsError::Absent { role, path: path.to_owned() }) } else { Ok(found) }
}

fn private_key(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let role = Role::Key;
    check_pem(role, path, content)?;
    // Before and since PKCS #8.
    let encrypted: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];
    if encrypted.iter().any(|&mark| content.windows(mark.len()).any(|window| window == mark)) {
        return Err(TlsError::EncryptedKey(path.to_owned()));
    }
    match PrivateKeyDer::pem_slice_iter(content).next() {
        Some(key) => key.map_err(|error| damaged(role, path, error)),
        None => Err(TlsError::Absent { role, path: path.to_owned() }),
    }
}

fn check_pem(role: Role, path: &Path, content: &[u8]) -> Result<(), TlsError> {
    let mark = b"-----BEGIN ";
    if content.trim_ascii().is_empty() {
        Err(TlsError::Empty { role, path: path.to_owned() })
    } else if !content.windows(mark.len()).any(|window| window == mark) {
        Err(TlsError::NoPem { role, path: path.to_owned() })
    } else {
        Ok(())
    }
}

fn damaged(role: Role, path: &Path, reason: impl ToString) -> TlsError {
    TlsError::Damaged { role, path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn an_end_is_warned_of_three_weeks_before_or_at_the_last_third() {
        let said = |days: u32, left: Duration| {
            let from = SystemTime::UNIX_EPOCH + 20_000 * DAY;
            let validity = Validity { from, until: from + days * DAY };
            validity.warning(Path::new("service.pem"), validity.until - left).unwrap_or_default()
        };
        assert_eq!(said(90, 22 * DAY), "");
        assert_eq!(
            said(90, 21 * DAY),
            "the certificate `service.pem` expires in 21 days, on 2025-01-02 00:00 UTC: renew it"
        );
        assert_eq!(said(6, 3 * DAY), "");
        assert_eq!(
            said(6, 2 * DAY),
            "the certificate `service.pem` expires in 2 days, on 2024-10-10 00:00 UTC: renew it"
        );
        assert!(said(90, DAY / 2).contains("within a day"));
        assert!(said(90, Duration::ZERO).contains("has expired"));
    }

    #[test]
    fn states_of_the_files_are_told_apart() {
        let digest = |certificate: &str, key: &str, client_roots: Option<&str>| {
            let (certificate, key) = (certificate.into(), key.into());
            Contents { certificate, key, client_roots: client_roots.map(Into::into) }.digest()
        };
        assert_eq!(digest("a", "b", None), digest("a", "b", None));
        assert_ne!(digest("a", "b", None), digest("ab", "", None));
        assert_ne!(digest("a", "b", None), digest("a", "b", Some("")));
    }
}
