//! `/metrics`, on an address of its own: whoever may call the API need not see the numbers, and whoever reads
//! the numbers needs no password.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper_util::rt::TokioTimer;

use super::{exposition, report};
use crate::serve::Api;

/// How long a request's head may take, and an idle connection is kept.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the numbers cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address cannot be had.
    #[error("cannot listen on {address} for the metrics: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl MetricsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bind { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another `metrics_addr`"
            }
            Self::Bind { .. } => "choose another `metrics_addr`, or remove it to serve no metrics",
        }
    }
}

/// A bound address for the metrics.
pub struct MetricsListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsListener {
    /// Binds the address; port 0 takes any free one.
    ///
    /// # Errors
    /// [`MetricsError::Bind`].
    pub fn bind(address: SocketAddr) -> Result<Self, MetricsError> {
        let failed = |source| MetricsError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The bound address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the numbers until it is dropped.
    pub async fn serve(self, api: Api) {
        report::note_start();
        let routes = Router::new().route("/metrics", get(numbers)).with_state(api);
        let ended = match axum_server::from_tcp(self.listener) {
            Ok(mut server) => {
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
                server.serve(routes.into_make_service()).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::error!("the metrics are not served any more: {error}");
        }
    }
}

async fn numbers(State(api): State<Api>) -> impl IntoResponse {
    let mut text = exposition::Exposition::default();
    let backend = api.backend();
    report::write(backend, &mut text);
    report::write_plugins(backend, &mut text).await;
    ([(CONTENT_TYPE, exposition::CONTENT_TYPE), (CACHE_CONTROL, "no-store")], text.into_text())
}
