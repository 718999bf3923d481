//! From an address to answered connections, with or without TLS, until it is told to stop.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tower_http::normalize_path::NormalizePath;

use super::gate::Service;

/// What a connection holds of an answer that its reader does not take, and of a request's head. With
/// hyper's own 400 KiB, forty readers that stand still would hold 16 MB.
const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;

/// Why no connection can be accepted.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The host's name cannot be resolved.
    #[error("the host `{host}` is no address of this machine: {source}")]
    Host {
        /// As configured.
        host: String,
        /// The resolver's reason.
        source: std::io::Error,
    },
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of the TLS configuration is not what it should be.
    #[error("`{}` cannot be used as {what}: {reason}", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Its role.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not go together.
    #[error("certificate and key cannot be used: {0}")]
    Tls(rustls::Error),
    /// A connection could not be served any more.
    #[error("the service ended: {0}")]
    Serve(std::io::Error),
}

impl ListenError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Host { .. } => {
                Some("use an address of this machine, such as `127.0.0.1`, or `0.0.0.0` for all of them")
            }
            Self::Address { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("another program listens there: stop it, or choose another `port`")
            }
            Self::Address { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need a privilege: choose another `port`")
            }
            Self::Address { .. } => Some("check `host` and `port`"),
            Self::TlsFile { .. } | Self::Tls(_) => Some("`ssl_cert`, `ssl_key` and `ssl_ca_cert` name PEM files"),
            Self::Serve(_) => None,
        }
    }
}

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

impl Tls {
    /// Reads the files and finds out whether they can be used.
    ///
    /// # Errors
    /// [`ListenError::TlsFile`] and [`ListenError::Tls`].
    pub fn check(&self) -> Result<(), ListenError> {
        tls_config(self).map(drop)
    }
}

/// A bound address, ready to serve.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
}

impl Listener {
    /// Binds the address. From then on connections queue until [`Listener::serve`].
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn bind(host: &str, port: u16, tls: Option<&Tls>) -> Result<Self, ListenError> {
        let tls = tls.map(tls_config).transpose()?;
        let unknown = |source| ListenError::Host { host: host.to_owned(), source };
        let mut addresses = (host, port).to_socket_addrs().map_err(unknown)?;
        let address = addresses.next().ok_or_else(|| unknown(std::io::ErrorKind::AddrNotAvailable.into()))?;
        let failed = |source| ListenError::Address { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, tls })
    }

    /// The bound address, with the port that port 0 became.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// True when the service speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until `stop` is ready, then answers what was accepted, for `grace` at most.
    /// `keep_alive` is how long an idle connection is kept.
    ///
    /// # Errors
    /// [`ListenError::Serve`].
    pub async fn serve(
        self,
        service: Service,
        keep_alive: Duration,
        grace: Duration,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ListenError> {
        let handle = Handle::new();
        tokio::spawn({
            let handle = handle.clone();
            async move {
                stop.await;
                handle.graceful_shutdown(Some(grace));
            }
        });
        // A path with a slash at its end means the same as without, as with the reference service.
        let service = ServiceExt::<axum::extract::Request>::into_make_service_with_connect_info::<SocketAddr>(
            NormalizePath::trim_trailing_slash(service),
        );
        let mut server = axum_server::from_tcp(self.listener).map_err(ListenError::Serve)?.handle(handle);
        // The keep-alive time is also the limit for a request's head, so that a caller who sends none keeps
        // no connection.
        let http1 = &mut server.http_builder().http1();
        http1.timer(TokioTimer::new()).header_read_timeout(keep_alive).max_buf_size(CONNECTION_BUFFER_BYTES);
        server.http_builder().http2().timer(TokioTimer::new()).keep_alive_interval(keep_alive);
        match self.tls {
            Some(tls) => server.acceptor(RustlsAcceptor::new(tls)).serve(service).await,
            None => server.acceptor(NoDelayAcceptor::new()).serve(service).await,
        }
        .map_err(ListenError::Serve)
    }
}

fn tls_config(tls: &Tls) -> Result<RustlsConfig, ListenError> {
    let certificates = certificates(&tls.certificate, "the certificate")?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| ListenError::TlsFile {
        path: tls.key.clone(),
        what: "the private key",
        reason: error.to_string(),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(ListenError::Tls)?;
    let config = match &tls.client_roots {
        None => config.with_no_client_auth(),
        Some(path) => {
            let unusable = |reason: String| ListenError::TlsFile {
                path: path.clone(),
                what: "the root of clients' certificates",
                reason,
            };
            let mut roots = RootCertStore::empty();
            for root in self::certificates(path, "the root of clients' certificates")? {
                roots.add(root).map_err(|error| unusable(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.map_err(|error| unusable(error.to_string()))?)
        }
    };
    let mut config = config.with_single_cert(certificates, key).map_err(ListenError::Tls)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    let unusable = |reason: String| ListenError::TlsFile { path: path.to_owned(), what, reason };
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("it holds no certificate".to_owned())) } else { Ok(found) }
}
