use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Role;

/// Why the files of a TLS configuration cannot be used. None of them shows what is in a file.
#[derive(Debug, thiserror::Error)]
#[expect(private_interfaces, reason = "outside of this module an error is shown and not taken apart")]
pub enum TlsError {
    /// Not there, no permission, a folder.
    #[error("{role} `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error("{role} `{}` is an empty file", path.display())]
    Empty {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
    },
    /// Another format.
    #[error("{role} `{}` is no PEM file", path.display())]
    NoPem {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
    },
    /// PEM, but of something else.
    #[error("{role} `{}` is a PEM file without a {}", path.display(), role.content())]
    Absent {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
    },
    /// It needs a passphrase, which nobody can enter.
    #[error("the private key `{}` is encrypted with a passphrase", .0.display())]
    EncryptedKey(PathBuf),
    /// It cannot be decoded.
    #[error("{role} `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// Each is good, together they are not.
    #[error("the private key `{}` is not that of the certificate `{}`", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Its time is over.
    #[error("{role} `{}` has expired on {}", path.display(), date(*until))]
    Expired {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
        /// When it ended.
        until: SystemTime,
    },
    /// Its time has not come.
    #[error("{role} `{}` is not valid before {}", path.display(), date(*from))]
    NotYetValid {
        /// What it is for.
        role: Role,
        /// The file.
        path: PathBuf,
        /// When it begins.
        from: SystemTime,
    },
    /// Such as a kind of key that TLS does not know.
    #[error("certificate and private key cannot be used: {0}")]
    Unusable(rustls::Error),
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "let the service's user read it, and everybody else not"
            }
            Self::Unreadable { .. } => {
                "relative paths start at the working directory; see `ssl_cert`, `ssl_key` and `ssl_ca_cert`"
            }
            Self::Empty { .. } | Self::Damaged { .. } => {
                "copy it anew; it begins with `-----BEGIN …` and ends with `-----END …`"
            }
            Self::NoPem { role: Role::Key, .. } => {
                "`openssl pkey -inform der -in FILE -out service.key` makes PEM of DER"
            }
            Self::NoPem { .. } => "`openssl x509 -inform der -in FILE -out service.pem` makes PEM of DER",
            Self::Absent { .. } => "are the files of `ssl_cert`, `ssl_key` and `ssl_ca_cert` exchanged?",
            Self::EncryptedKey(_) => {
                "`openssl pkey -in FILE -out service.key` writes it without; let nobody but the service's user read that"
            }
            Self::Mismatch { .. } => {
                "the service's own certificate has to be the first in its file; `openssl x509 -pubkey -noout -in CERT` \
                 and `openssl pkey -pubout -in KEY` print the same when they belong together"
            }
            Self::Expired { role: Role::ClientRoots, .. } => {
                "ask the authority for its new root, or remove `ssl_ca_cert`"
            }
            Self::Expired { .. } => "renew it, and check the clock of this machine",
            Self::NotYetValid { .. } => "check the clock of this machine, or wait",
            Self::Unusable(_) => "use an RSA key of 2048 bits or more, or an ECDSA key on P-256 or P-384",
        }
    }
}

impl Role {
    /// What a file for it holds.
    fn content(self) -> &'static str {
        match self {
            Self::Certificate | Self::ClientRoots => "certificate",
            Self::Key => "private key",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "the certificate",
            Self::Key => "the private key",
            Self::ClientRoots => "the root of callers' certificates",
        })
    }
}

/// A moment for people.
pub(super) fn date(moment: SystemTime) -> impl fmt::Display {
    chrono::DateTime::<chrono::Utc>::from(moment).format("%Y-%m-%d %H:%M UTC")
}
