//! HTTPS, callers' certificates, and new certificates without a restart; seen by curl and openssl.

use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};
use insta::assert_snapshot;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::metrics::page;

/// A certificate authority for one test.
struct Authority(Issuer<'static, KeyPair>, CertificateDer<'static>, String);

/// When a certificate begins and ends, in years.
type Years = (i32, i32);
const VALID: Years = (2020, 4096);

impl Authority {
    fn new() -> Self {
        Self::with_years(VALID)
    }

    fn with_years(years: Years) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // By the names openssl tells a root from what it signed.
        params.distinguished_name.push(DnType::CommonName, "root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        set_years(&mut params, years);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let (der, pem) = (root.der().clone(), root.pem());
        Self(Issuer::new(params, key), der, pem)
    }

    /// Certificate and key for this machine, in PEM.
    fn issue(&self) -> (String, String) {
        self.issue_with_years(VALID)
    }

    fn issue_with_years(&self, years: Years) -> (String, String) {
        self.issue_with(|params| set_years(params, years))
    }

    /// One that ends in so many days, of those that live for years.
    fn issue_ending_in(&self, days: u64) -> (String, String) {
        let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_hours(24 * days);
        self.issue_with(|params| {
            set_years(params, VALID);
            params.not_after = date_time_ymd(1970, 1, 1) + end;
        })
    }

    fn issue_with(&self, set: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        set(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// GET of `/projects` by curl, with or without a certificate of `callers`.
    fn get(&self, host: &TestHost, callers: Option<&Self>) -> Result<u16, String> {
        let certificate = callers.map(Self::issue);
        self.get_with(host, certificate.as_ref(), &[])
    }

    fn get_with(&self, host: &TestHost, own: Option<&(String, String)>, flags: &[&str]) -> Result<u16, String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
        write("root.pem", &self.2);
        let mut curl = Command::new("curl");
        curl.current_dir(folder.path()).args(["-sS", "-u", "tester:correct horse", "-o", "body", "-w", "%{http_code}"]);
        curl.args(["--noproxy", "*", "--cacert", "root.pem"]).args(flags);
        if let Some((certificate, key)) = own {
            write("own.pem", certificate);
            write("own.key", key);
            curl.args(["--cert", "own.pem", "--key", "own.key"]);
        }
        let output = run(curl.arg(format!("https://{}/projects", host.address())));
        match String::from_utf8_lossy(&output.stdout).parse() {
            Ok(status) if output.status.success() => Ok(status),
            _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// A connection that stays open.
    fn connect(&self, host: &TestHost) -> Connection<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.1.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let session = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
        Connection::over(StreamOwned::new(session, TcpStream::connect(host.address()).unwrap()))
    }
}

fn set_years(params: &mut CertificateParams, (from, until): Years) {
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// openssl in the folder; what it said.
fn openssl(folder: &HostFolder, arguments: &[&str]) -> String {
    let output = run(Command::new("openssl").current_dir(folder.path()).args(arguments));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const TLS: &str = "ssl_cert = \"service.pem\"\nssl_key = \"service.key\"";

/// A folder with a certificate of the authority.
fn folder(authority: &Authority, service: &str) -> HostFolder {
    let folder = HostFolder::faulty_with(&format!("{TLS}\n{service}"), "");
    put(&folder, &authority.issue());
    folder
}

fn put(folder: &HostFolder, (certificate, key): &(String, String)) {
    folder.write("service.pem", certificate);
    folder.write("service.key", key);
}

#[test]
fn with_a_certificate_and_a_key_it_speaks_https() {
    let authority = Authority::new();
    let host = folder(&authority, "").start();
    host.wait_for_log("listening on https://127.0.0.1:");
    assert_eq!(authority.get(&host, None), Ok(200));
    assert_eq!(authority.get_with(&host, None, &["--http1.1"]), Ok(200));
    // A caller who trusts somebody else does not get through, and leaves the service alone.
    Authority::new().get(&host, None).unwrap_err();
    let line = host.wait_for_log("WARNING: no TLS with 127.0.0.1: it gave up");
    assert!(line.contains("(received fatal alert: "), "{line}");
    assert_eq!(authority.get(&host, None), Ok(200));
}

#[test]
fn it_speaks_tls_1_2_and_1_3_and_nothing_older() {
    let authority = Authority::new();
    let host = folder(&authority, "").start();
    let said = |flags: &[&str]| {
        let arguments = ["s_client", "-brief", "-connect", host.address()];
        openssl(host.folder(), &[&arguments, flags].concat())
    };
    for (flag, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = said(&[flag]);
        assert!(said.contains(&format!("Protocol version: {version}")), "{said}");
    }
    // Without the lower security level openssl itself would refuse it.
    let said = said(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(said.contains("SSL alert number") && !said.contains("CONNECTION ESTABLISHED"), "{said}");
    assert_eq!(authority.get_with(&host, None, &["--tlsv1.2", "--tls-max", "1.2"]), Ok(200));
}

#[test]
fn plain_http_is_not_answered_there() {
    let authority = Authority::new();
    let host = folder(&authority, "").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("GET", "/projects", &[])).unwrap();
    assert!(connection.head().is_err());
    host.wait_for_log("WARNING: no TLS with 127.0.0.1: what it sends is not TLS; addresses of this service begin with");
    assert_eq!(authority.get(&host, None), Ok(200));
    assert_eq!(host.stderr(), "");
}

#[test]
fn callers_need_a_certificate_when_their_root_is_configured() {
    let (authority, callers) = (Authority::new(), Authority::new());
    let folder = folder(&authority, "ssl_ca_cert = \"callers.pem\"\nmetrics_addr = \"127.0.0.1:0\"");
    folder.write("callers.pem", &callers.2);
    let host = folder.start();
    let expired = callers.issue_with_years((2020, 2021));
    for flags in [&["--tlsv1.3"][..], &["--tls-max", "1.2"]] {
        let get = |own: Option<&(String, String)>| authority.get_with(&host, own, flags);
        get(None).expect_err("without a certificate");
        get(Some(&authority.issue())).expect_err("with one of another root");
        get(Some(&expired)).expect_err("with an expired one");
        assert_eq!(get(Some(&callers.issue())), Ok(200));
    }
    // Each twice, and warned of once.
    for (cause, words) in [
        ("no_certificate", "it shows no certificate, and `ssl_ca_cert` demands one (peer sent no certificates)"),
        (
            "unknown_authority",
            "its certificate is not signed by an authority in `ssl_ca_cert` (invalid peer certificate: ",
        ),
        ("bad_certificate", "its certificate cannot be used (invalid peer certificate: certificate expired: "),
    ] {
        host.wait_for_log(&format!("WARNING: no TLS with 127.0.0.1: {words}"));
        let count = format!("defect_host_tls_handshakes_failed_total{{cause=\"{cause}\"}} 2\n");
        while !page(&host).text().contains(&count) {}
        assert_eq!(host.log().matches(words).count(), 1, "{}", host.log());
    }
}

#[test]
fn the_flags_stand_in_for_the_keys() {
    let authority = Authority::new();
    let folder = HostFolder::faulty("");
    put(&folder, &authority.issue());
    folder.write("callers.pem", &authority.2);
    let flags = ["--ssl-cert", "service.pem", "--ssl-key", "service.key", "--ssl-ca-cert", "callers.pem"];
    let host = folder.start_with(&flags, &[]);
    authority.get(&host, None).unwrap_err();
    assert_eq!(authority.get(&host, Some(&authority)), Ok(200));
}

#[test]
fn half_a_configuration_ends_the_start() {
    let authority = Authority::new();
    for (given, other) in [("ssl_cert", "ssl_key"), ("ssl_key", "ssl_cert")] {
        let folder = HostFolder::faulty_with(&format!("{given} = \"file.pem\""), "");
        folder.write("file.pem", &authority.2);
        let refused = folder.run(&["start"]);
        assert_eq!(refused.code(), Some(2));
        assert!(refused.stderr.contains(&format!("`{other}`")), "{}", refused.stderr);
    }
    let folder = HostFolder::faulty_with("ssl_ca_cert = \"file.pem\"", "");
    folder.write("file.pem", &authority.2);
    let refused = folder.run(&["start"]);
    assert_eq!(refused.code(), Some(2), "callers' certificates without TLS would check nobody");
    assert!(refused.stderr.contains("over HTTP no caller's certificate is checked"), "{}", refused.stderr);
}

#[test]
fn files_that_cannot_be_used_end_the_start_and_the_check_with_one_sentence() {
    let authority = Authority::new();
    let folder = folder(&authority, "ssl_ca_cert = \"callers.pem\"");
    folder.write("callers.pem", &authority.2);
    let good = (folder.read("service.pem"), folder.read("service.key"));
    let mut all = String::new();
    let mut said = |name: &str, content: &str| {
        let before = folder.read(name);
        folder.write(name, content);
        let (refused, checked) = (folder.run(&["start"]), folder.run(&["check"]));
        assert_eq!((refused.code(), checked.code()), (Some(2), Some(2)), "{name}: {content:?}");
        assert_eq!(refused.stderr, checked.stderr);
        all.push_str(&refused.stderr.replace("\n\nhint:", "\nhint:"));
        folder.write(name, before);
    };
    said("service.pem", "\n");
    said("service.pem", "hello");
    said("service.pem", &good.1);
    said("service.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    said("service.pem", &authority.issue_with_years((2020, 2021)).0);
    said("service.pem", &authority.issue_with_years((4095, 4096)).0);
    said("service.key", "hello");
    said("service.key", &good.0);
    said("service.key", &authority.issue().1);
    openssl(&folder, &["pkey", "-in", "service.key", "-aes256", "-passout", "pass:x", "-out", "pkcs8.key"]);
    said("service.key", &folder.read("pkcs8.key"));
    openssl(&folder, &["genrsa", "-traditional", "-aes128", "-passout", "pass:x", "-out", "old.key", "2048"]);
    said("service.key", &folder.read("old.key"));
    said("callers.pem", "");
    said("callers.pem", &Authority::with_years((2020, 2021)).2);
    assert_snapshot!(all, @r#"
    error: the certificate `service.pem` is an empty file
    hint: copy it anew; it begins with `-----BEGIN …` and ends with `-----END …`
    error: the certificate `service.pem` is no PEM file
    hint: `openssl x509 -inform der -in FILE -out service.pem` makes PEM of DER
    error: the certificate `service.pem` is a PEM file without a certificate
    hint: are the files of `ssl_cert`, `ssl_key` and `ssl_ca_cert` exchanged?
    error: the certificate `service.pem` is damaged: it is no X.509 certificate
    hint: copy it anew; it begins with `-----BEGIN …` and ends with `-----END …`
    error: the certificate `service.pem` has expired on 2021-01-01 00:00 UTC
    hint: renew it, and check the clock of this machine
    error: the certificate `service.pem` is not valid before 4095-01-01 00:00 UTC
    hint: check the clock of this machine, or wait
    error: the private key `service.key` is no PEM file
    hint: `openssl pkey -inform der -in FILE -out service.key` makes PEM of DER
    error: the private key `service.key` is a PEM file without a private key
    hint: are the files of `ssl_cert`, `ssl_key` and `ssl_ca_cert` exchanged?
    error: the private key `service.key` is not that of the certificate `service.pem`
    hint: the service's own certificate has to be the first in its file; `openssl x509 -pubkey -noout -in CERT` and `openssl pkey -pubout -in KEY` print the same when they belong together
    error: the private key `service.key` is encrypted with a passphrase
    hint: `openssl pkey -in FILE -out service.key` writes it without; let nobody but the service's user read that
    error: the private key `service.key` is encrypted with a passphrase
    hint: `openssl pkey -in FILE -out service.key` writes it without; let nobody but the service's user read that
    error: the root of callers' certificates `callers.pem` is an empty file
    hint: copy it anew; it begins with `-----BEGIN …` and ends with `-----END …`
    error: the root of callers' certificates `callers.pem` has expired on 2021-01-01 00:00 UTC
    hint: ask the authority for its new root, or remove `ssl_ca_cert`
    "#);
    assert_eq!(folder.run(&["check"]).code(), Some(0), "all files are as they were");
}

#[test]
fn a_missing_file_and_a_folder_in_its_place_are_named() {
    let folder = folder(&Authority::new(), "");
    std::fs::remove_file(folder.path().join("service.key")).unwrap();
    assert_snapshot!(folder.run(&["check"]).stderr, @r#"
    error: the file that `ssl_key` names does not exist
     --> config.toml:7:11
      |
    7 | ssl_key = "service.key"
      |           ^^^^^^^^^^^^^ expected an existing file
      |
      = help: a relative path starts at the working directory
    "#);
    std::fs::create_dir(folder.path().join("service.key")).unwrap();
    assert_snapshot!(folder.run(&["check"]).stderr, @r#"
    error: the file that `ssl_key` names is a folder
     --> config.toml:7:11
      |
    7 | ssl_key = "service.key"
      |           ^^^^^^^^^^^^^ expected an existing file
      |
      = help: a relative path starts at the working directory
    "#);
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let authority = Authority::new();
    let folder = folder(&authority, "");
    put(&folder, &authority.issue_ending_in(30));
    let checked = folder.run(&["check"]);
    assert_eq!((checked.code(), checked.stderr.as_str()), (Some(0), ""));
    put(&folder, &authority.issue_ending_in(20));
    let warning = "the certificate `service.pem` expires in 19 days, on ";
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code(), Some(0));
    assert!(checked.stderr.starts_with(&format!("warning: {warning}")), "{}", checked.stderr);
    folder.start().wait_for_log(&format!("WARNING: {warning}"));
}

#[test]
fn new_files_are_used_without_a_restart_and_bad_ones_are_not() {
    let (before, after) = (Authority::new(), Authority::new());
    let host = folder(&before, "").start();
    let mut open = before.connect(&host);
    let mut ask = || {
        open.send(head_of("GET", "/check-login", &[])).unwrap();
        let head = open.head().unwrap();
        open.body(head.header("content-length").parse().unwrap()).unwrap();
        head.status
    };
    assert_eq!(ask(), 200);
    put(host.folder(), &after.issue());
    host.wait_for_log("new TLS files are in use: the certificate `service.pem` is valid until 4096-01-01 00:00 UTC");
    assert_eq!(after.get(&host, None), Ok(200));
    before.get(&host, None).unwrap_err();
    assert_eq!(ask(), 200, "on the connection from before");

    host.folder().write("service.key", before.issue().1);
    let line = host.wait_for_log("the new TLS files are not used");
    assert_snapshot!(line.split_once("ERROR: ").unwrap().1, @"the new TLS files are not used, those from before stay in use: the private key `service.key` is not that of the certificate `service.pem`; the service's own certificate has to be the first in its file; `openssl x509 -pubkey -noout -in CERT` and `openssl pkey -pubout -in KEY` print the same when they belong together");
    assert_eq!(after.get(&host, None), Ok(200));
    std::fs::remove_file(host.folder().path().join("service.pem")).unwrap();
    host.wait_for_log("the certificate `service.pem` cannot be read");
    assert_eq!(after.get(&host, None), Ok(200));
    put(host.folder(), &before.issue_ending_in(20));
    host.wait_for_log("WARNING: the certificate `service.pem` expires in 19 days");
    assert_eq!(before.get(&host, None), Ok(200));
}

/// As Kubernetes mounts a secret, and certbot keeps what it renewed.
#[cfg(unix)]
#[test]
fn links_that_are_swapped_are_noticed() {
    use std::os::unix::fs::symlink;
    let (before, after, callers, stranger) = (Authority::new(), Authority::new(), Authority::new(), Authority::new());
    let keys = "ssl_cert = \"live/service.pem\"\nssl_key = \"live/service.key\"\nssl_ca_cert = \"live/callers.pem\"";
    let folder = HostFolder::faulty_with(keys, "");
    let version = |name: &str, authority: &Authority, callers: &Authority| {
        let (certificate, key) = authority.issue();
        for (file, content) in [("service.pem", &certificate), ("service.key", &key), ("callers.pem", &callers.2)] {
            folder.write(&format!("{name}/{file}"), content);
        }
    };
    version("..1", &before, &stranger);
    version("..2", &after, &callers);
    let at = |name: &str| folder.path().join(name);
    symlink("..1", at("..data")).unwrap();
    std::fs::create_dir(at("live")).unwrap();
    for file in ["service.pem", "service.key", "callers.pem"] {
        symlink(format!("../..data/{file}"), at("live").join(file)).unwrap();
    }
    let next = at("..next");
    let live = at("..data");
    let host = folder.start();
    assert_eq!(before.get(&host, Some(&stranger)), Ok(200));
    symlink("..2", &next).unwrap();
    std::fs::rename(next, live).unwrap();
    host.wait_for_log("new TLS files are in use");
    assert_eq!(after.get(&host, Some(&callers)), Ok(200));
    after.get(&host, Some(&stranger)).unwrap_err();
}
