//! Whom we trust and who we are.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{AlertDescription, CertificateError};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::{ClientCertificate, ConfigFault, TransportConfig};

pub(super) fn tls_config(config: &TransportConfig) -> Result<TlsConfig, ConfigFault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = config.client_certificate.as_ref().map(|files| client_certificate(files, &provider)).transpose()?;
    let roots = if config.verify_ssl { roots(config.ca_file.as_deref())? } else { RootCerts::WebPki };
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .disable_verification(!config.verify_ssl)
        .root_certs(roots)
        .client_cert(client)
        .build())
}

/// The system's authorities, which a company's administrators keep, and the configured ones. A machine that has none at
/// all, such as a small container, gets Mozilla's.
fn roots(file: Option<&Path>) -> Result<RootCerts, ConfigFault> {
    // Faults of single files are not ours to judge: what can be read is taken.
    let mut roots = rustls_native_certs::load_native_certs().certs;
    if let Some(file) = file {
        roots.extend(certificates("ssl_ca_cert_path", file)?);
    }
    if roots.is_empty() {
        return Ok(RootCerts::WebPki);
    }
    let roots: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(RootCerts::new_with_certs(&roots))
}

fn read(option: &'static str, file: &Path) -> Result<Vec<u8>, ConfigFault> {
    fs::read(file).map_err(|fault| ConfigFault::new(option, format!("cannot read `{}`: {fault}", file.display())))
}

fn certificates(option: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigFault> {
    let bytes = read(option, file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ConfigFault::new(
            option,
            format!("`{}` holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)", file.display()),
        )),
    }
}

fn client_certificate(
    files: &ClientCertificate,
    provider: &rustls::crypto::CryptoProvider,
) -> Result<ClientCert, ConfigFault> {
    let chain = certificates("client_cert_path", &files.certificate)?;
    let (option, file) = match &files.key {
        Some(file) => ("client_key_path", file),
        None => ("client_cert_path", &files.certificate),
    };
    let fault = |reason: &str| ConfigFault::new(option, format!("`{}` {reason}", file.display()));
    let bytes = read(option, file)?;
    let parsed = PrivateKeyDer::from_pem_slice(&bytes).ok().zip(PrivateKey::from_pem(&bytes).ok());
    let (key, our_key) = parsed.ok_or_else(|| {
        if String::from_utf8_lossy(&bytes).contains("ENCRYPTED") {
            fault("holds an encrypted private key; write it without a passphrase: `openssl pkey -in FILE -out NEW`")
        } else {
            fault("holds no private key in PEM form (`-----BEGIN PRIVATE KEY-----`)")
        }
    })?;
    let our_chain: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let ours = ClientCert::new_with_certs(&our_chain, our_key);
    // ureq would panic at the first request.
    match rustls::sign::CertifiedKey::from_der(chain, key, provider) {
        Ok(_) => Ok(ours),
        Err(rustls::Error::InconsistentKeys(_)) => Err(fault("holds the key of another certificate")),
        Err(_) => Err(fault("holds a private key of a kind that is not supported; use RSA, ECDSA or Ed25519")),
    }
}

/// What a failed handshake means for the person who can mend it.
pub(super) fn explain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is from an authority that is not trusted here; put the \
                                                authority's certificate into the file that `ssl_ca_cert_path` names"
                    .to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; renew it, or set this machine's clock".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; set this machine's clock".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another host name; use a name of the certificate in `server_url`".to_owned()
            }
            other => format!("its certificate is refused: {other:?}; renew it"),
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired,
        ) => "it wants a client certificate, or refuses this one; see `client_cert_path` and `client_key_path`"
            .to_owned(),
        other => format!("{other}; check that the address speaks https"),
    }
}
