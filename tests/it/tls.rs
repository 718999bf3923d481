//! HTTPS, and callers' certificates.

use std::net::TcpStream;
use std::sync::Arc;

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};
use insta::assert_snapshot;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate authority for one test.
struct Authority(Issuer<'static, KeyPair>, CertificateDer<'static>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self(Issuer::new(params, key), root)
    }

    /// Certificate and key for this machine, in PEM and in DER.
    fn issue(&self) -> (String, String, CertificateDer<'static>, PrivateKeyDer<'static>) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (certificate.pem(), key.serialize_pem(), certificate.der().clone(), private)
    }

    fn pem(&self) -> String {
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &self.1);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }

    /// GET of `/projects` by a caller with or without a certificate of `callers`.
    fn get(&self, host: &TestHost, callers: Option<&Authority>) -> std::io::Result<u16> {
        let mut roots = RootCertStore::empty();
        roots.add(self.1.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match callers.map(Authority::issue) {
            Some((_, _, certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let name = "127.0.0.1".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = StreamOwned::new(session, TcpStream::connect(host.address())?);
        let mut connection = Connection::over(stream);
        connection.send(head_of("GET", "/projects", &[]))?;
        connection.head().map(|head| head.status)
    }
}

const TLS: &str = "ssl_cert = \"service.pem\"\nssl_key = \"service.key\"";

/// A folder with a certificate of the authority.
fn folder(authority: &Authority, service: &str) -> HostFolder {
    let folder = HostFolder::faulty_with(&format!("{TLS}\n{service}"), "");
    let (certificate, key, ..) = authority.issue();
    folder.write("service.pem", certificate);
    folder.write("service.key", key);
    folder
}

#[test]
fn with_a_certificate_and_a_key_it_speaks_https() {
    let authority = Authority::new();
    let host = folder(&authority, "").start();
    host.wait_for_log("listening on https://127.0.0.1:");
    assert_eq!(authority.get(&host, None).unwrap(), 200);
    // A caller who trusts somebody else does not get through, and leaves the service alone.
    assert!(Authority::new().get(&host, None).is_err());
    assert_eq!(authority.get(&host, None).unwrap(), 200);
}

#[test]
fn plain_http_is_not_answered_there() {
    let authority = Authority::new();
    let host = folder(&authority, "").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("GET", "/projects", &[])).unwrap();
    assert!(connection.head().is_err());
    assert_eq!(authority.get(&host, None).unwrap(), 200);
    assert_eq!(host.stderr(), "");
}

#[test]
fn callers_need_a_certificate_when_their_root_is_configured() {
    let (authority, callers) = (Authority::new(), Authority::new());
    let folder = folder(&authority, "ssl_ca_cert = \"callers.pem\"");
    folder.write("callers.pem", callers.pem());
    let host = folder.start();
    assert!(authority.get(&host, None).is_err(), "without one");
    assert!(authority.get(&host, Some(&authority)).is_err(), "with one of another root");
    assert_eq!(authority.get(&host, Some(&callers)).unwrap(), 200);
}

#[test]
fn half_a_configuration_ends_the_start() {
    let authority = Authority::new();
    for (given, other) in [("ssl_cert", "ssl_key"), ("ssl_key", "ssl_cert")] {
        let folder = HostFolder::faulty_with(&format!("{given} = \"file.pem\""), "");
        folder.write("file.pem", authority.pem());
        let refused = folder.run(&["start"]);
        assert_eq!(refused.code(), Some(2));
        assert!(refused.stderr.contains(&format!("`{other}`")), "{}", refused.stderr);
    }
    let folder = HostFolder::faulty_with("ssl_ca_cert = \"file.pem\"", "");
    folder.write("file.pem", authority.pem());
    let refused = folder.run(&["start"]);
    assert_eq!(refused.code(), Some(2), "callers' certificates without TLS would check nobody");
    assert_snapshot!(refused.stderr, @r#"
        error: `ssl_ca_cert` is set without `ssl_cert` and `ssl_key`: over HTTP no caller's certificate is checked

        hint: set those two as well, or remove it
        "#);
}

#[test]
fn files_that_do_not_fit_are_named() {
    let authority = Authority::new();
    let said = |folder: &HostFolder| {
        let refused = folder.run(&["start"]);
        assert_eq!(refused.code(), Some(2));
        refused.stderr
    };
    let folder = folder(&authority, "");
    let certificate = folder.read("service.pem");
    folder.write("service.pem", "hello");
    assert_snapshot!(said(&folder), @r#"
        error: `service.pem` cannot be used as the certificate: it holds no certificate

        hint: `ssl_cert`, `ssl_key` and `ssl_ca_cert` name PEM files
        "#);
    folder.write("service.pem", &certificate);
    folder.write("service.key", authority.issue().1);
    assert_snapshot!(said(&folder), @r#"
        error: certificate and key cannot be used: keys may not be consistent: KeyMismatch

        hint: `ssl_cert`, `ssl_key` and `ssl_ca_cert` name PEM files
        "#);
    folder.write("service.key", &certificate);
    assert_snapshot!(said(&folder), @r#"
        error: `service.key` cannot be used as the private key: no items found

        hint: `ssl_cert`, `ssl_key` and `ssl_ca_cert` name PEM files
        "#);
}
