//! From an address to answered connections, with or without TLS, until it is told to stop.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tower_http::normalize_path::NormalizePath;

use super::accept::Serving;
use super::connections::Connections;
use super::drain::{Drain, Sockets};
use super::gate::Service;
use super::tls::{Handshakes, Tls, TlsError, Watch};

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
    /// The files of the TLS configuration cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
            Self::Tls(error) => Some(error.hint()),
            Self::Serve(_) => None,
        }
    }
}

/// Bound addresses, ready to serve.
pub struct Listener {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    outlive_us: bool,
    tls: Option<Watch>,
}

impl Listener {
    /// Binds the address. From then on connections queue until [`Listener::serve`].
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn bind(host: &str, port: u16, tls: Option<&Tls>) -> Result<Self, ListenError> {
        let tls = tls.map(Watch::begin).transpose()?;
        let unknown = |source| ListenError::Host { host: host.to_owned(), source };
        let mut addresses = (host, port).to_socket_addrs().map_err(unknown)?;
        let address = addresses.next().ok_or_else(|| unknown(std::io::ErrorKind::AddrNotAvailable.into()))?;
        let failed = |source| ListenError::Address { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listeners: vec![listener], addresses: vec![address], outlive_us: false, tls })
    }

    /// Listening sockets that somebody else has opened and keeps open, for the next process that serves them.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn on(listeners: Vec<TcpListener>, tls: Option<&Tls>) -> Result<Self, ListenError> {
        let tls = tls.map(Watch::begin).transpose()?;
        let addresses: Result<_, _> = listeners
            .iter()
            .map(|listener| {
                listener.set_nonblocking(true)?;
                listener.local_addr()
            })
            .collect();
        Ok(Self { listeners, addresses: addresses.map_err(ListenError::Serve)?, outlive_us: true, tls })
    }

    /// The bound addresses, with the port that port 0 became.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// True when the service speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until `stop` is ready, then answers what was accepted, for `grace` at most. Sockets that outlive this
    /// process give idle connections their time, too: `grace` and `keep_alive` together at most.
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
        let Self { listeners, outlive_us, tls, .. } = self;
        let drain = Drain::new();
        let sockets = Sockets::new(listeners, drain.clone()).map_err(ListenError::Serve)?;
        let end = async {
            stop.await;
            if !outlive_us {
                return grace;
            }
            let (begun, longest) = (Instant::now(), keep_alive.saturating_add(grace));
            // What is left then is HTTP/2, or does not end.
            let _ = tokio::time::timeout(longest, drain.close(keep_alive)).await;
            longest.saturating_sub(begun.elapsed())
        };
        let connections = Connections::new(service.is_behind_proxies());
        let metrics = service.metrics();
        let http = Arc::new(http(keep_alive));
        let service = NormalizePath::trim_trailing_slash(service);
        match tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls.config()).acceptor(NoDelayAcceptor::new());
                let guard = connections.guard(Handshakes::of(acceptor, metrics), keep_alive);
                tokio::select! {
                    () = Serving { guard, http, service, keep_alive }.until(end, sockets) => {}
                    () = tls.run() => {}
                }
            }
            None => {
                let guard = connections.guard(NoDelayAcceptor::new(), keep_alive);
                Serving { guard, http, service, keep_alive }.until(end, sockets).await;
            }
        }
        Ok(())
    }
}

fn http(keep_alive: Duration) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    // The keep-alive time is also the limit for a request's head, so that a caller who sends none keeps
    // no connection.
    let http1 = &mut http.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(keep_alive).max_buf_size(CONNECTION_BUFFER_BYTES);
    http.http2().timer(TokioTimer::new()).keep_alive_interval(keep_alive);
    http
}
