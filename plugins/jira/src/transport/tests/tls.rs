use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::super::{ClientCertificate, Request, Response, Target, Transport, TransportConfig, TransportError};
use super::server::{Server, json};
use crate::auth::Credentials;

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, name: &str, until: Option<i32>) -> Signed {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if let Some(year) = until {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        Signed { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn server(signed: &Signed, clients_of: Option<&Authority>, answers: usize) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain: Vec<CertificateDer<'static>> = vec![signed.certificate.der().clone()];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.key.serialize_der()));
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    Server::tls(config, (0..answers).map(|_| json("1")))
}

fn get(config: &TransportConfig) -> Result<Response, TransportError> {
    let transport = Transport::new(config).unwrap();
    let deadline = transport.deadline_in(Duration::from_secs(60));
    transport.send(&Request::get(Target::new("/x"), &Credentials::Anonymous, deadline))
}

fn tls_fault(config: &TransportConfig) -> String {
    let error = get(config).unwrap_err();
    assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn only_a_known_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let server = server(&ours.sign("localhost", None), None, 2);
    let mut config = server.config();
    assert!(tls_fault(&config).contains("an authority that is not trusted here"));
    config.ca_file = Some(write(folder.path(), "theirs.pem", &theirs.certificate.pem()));
    assert!(tls_fault(&config).contains("`ssl_ca_cert_path`"));
    config.ca_file = Some(write(folder.path(), "both.pem", &(theirs.certificate.pem() + &ours.certificate.pem())));
    get(&config).unwrap();
    config.ca_file = None;
    config.verify_ssl = false;
    get(&config).unwrap();
}

#[test]
fn a_wrong_name_and_an_old_certificate_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("Ours");
    let ca_file = Some(write(folder.path(), "ca.pem", &ours.certificate.pem()));
    for (name, until, text) in
        [("jira.example.com", None, "another host name"), ("localhost", Some(2001), "has expired")]
    {
        let server = server(&ours.sign(name, until), None, 0);
        let fault = tls_fault(&TransportConfig { ca_file: ca_file.clone(), ..server.config() });
        assert!(fault.contains(text), "{fault}");
    }
}

#[test]
fn a_client_certificate_that_the_server_wants() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let server = server(&ours.sign("localhost", None), Some(&ours), 2);
    let ca_file = Some(write(folder.path(), "ca.pem", &ours.certificate.pem()));
    let mut config = TransportConfig { ca_file, max_retries: 0, ..server.config() };
    assert!(tls_fault(&config).contains("`client_cert_path`"));

    let (me, other) = (ours.sign("me", None), theirs.sign("me", None));
    let certificate = write(folder.path(), "me.pem", &me.certificate.pem());
    let key = write(folder.path(), "me.key", &me.key.serialize_pem());
    config.client_certificate = Some(ClientCertificate { certificate, key: Some(key) });
    get(&config).unwrap();
    let certificate = write(folder.path(), "one.pem", &(me.key.serialize_pem() + &me.certificate.pem()));
    config.client_certificate = Some(ClientCertificate { certificate, key: None });
    get(&config).unwrap();
    let certificate = write(folder.path(), "other.pem", &(other.key.serialize_pem() + &other.certificate.pem()));
    config.client_certificate = Some(ClientCertificate { certificate, key: None });
    assert!(tls_fault(&config).contains("or refuses this one"));
}

#[test]
fn files_that_are_no_certificates_or_keys() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("Ours");
    let (me, other) = (ours.sign("me", None), ours.sign("me", None));
    let file = |name: &str, text: &str| write(folder.path(), name, text);
    let (certificate, key) = (file("me.pem", &me.certificate.pem()), file("me.key", &me.key.serialize_pem()));
    let (wrong, empty) = (file("other.key", &other.key.serialize_pem()), file("empty", ""));
    let sealed = file("sealed", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let missing = folder.path().join("missing");
    let base = Server::play([]).config();
    let fault = |ca_file: Option<&PathBuf>, client: Option<(&PathBuf, Option<&PathBuf>)>| {
        let client_certificate =
            client.map(|(certificate, key)| ClientCertificate { certificate: certificate.clone(), key: key.cloned() });
        let config = TransportConfig { ca_file: ca_file.cloned(), client_certificate, ..base.clone() };
        let fault = Transport::new(&config).err().unwrap();
        fault.to_string().replace(folder.path().to_str().unwrap(), "")
    };
    assert!(fault(Some(&missing), None).starts_with("`ssl_ca_cert_path`: cannot read `/missing`: "));
    assert!(fault(Some(&empty), None).starts_with("`ssl_ca_cert_path`: `/empty` holds no certificate in PEM form"));
    assert!(fault(None, Some((&key, None))).starts_with("`client_cert_path`: `/me.key` holds no certificate"));
    assert!(fault(None, Some((&certificate, None))).starts_with("`client_cert_path`: `/me.pem` holds no private key"));
    assert_eq!(
        fault(None, Some((&certificate, Some(&wrong)))),
        "`client_key_path`: `/other.key` holds the key of another certificate"
    );
    assert!(
        fault(None, Some((&certificate, Some(&sealed)))).contains("holds an encrypted private key; write it without")
    );
}
