//! Serves the defect API over HTTP through a plugin's client. Knows no paths and no libraries.

mod accept;
mod auth;
mod backend;
mod body;
mod cached;
mod call_threads;
mod client_address;
mod connections;
mod document;
mod drain;
mod endpoint;
mod error;
mod exchange;
mod failed_logins;
mod gate;
mod health;
mod idle;
mod listen;
mod metrics;
mod request_log;
mod routes;
mod supply;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use aide::openapi::OpenApi;
use axum::body::Bytes;
use axum::http::{Method, Uri};
use defect_plugin_api::Operation;

pub use auth::Authenticator;
pub use backend::{Backend, MAX_CALLS};
pub use body::MAX_BODY_BYTES;
pub use client_address::{ClientAddress, Sources};
pub use document::DocumentError;
pub use gate::Service;
pub use listen::{ListenError, Listener};
pub use metrics::{MetricsError, MetricsListener};
pub use tls::{Tls, TlsError};

use cached::Cached;
use error::ApiError;

/// How long the settings are kept: they hardly ever change and are asked for all the time.
const SETTINGS_LIFETIME: Duration = Duration::from_secs(1);
/// How long the backend's state is kept, so that probes do not become load on the tracker.
const READINESS_LIFETIME: Duration = Duration::from_secs(3);

/// What the endpoints work with. Cheap to clone: every request has its own.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    backend: Backend,
    settings: Cached<Bytes>,
    ready: Cached<bool>,
}

impl Api {
    /// The API through this backend.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        let (settings, ready) = (Cached::new(SETTINGS_LIFETIME), Cached::new(READINESS_LIFETIME));
        Self(Arc::new(Shared { backend, settings, ready }))
    }

    fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// The plugin's settings as JSON.
    async fn settings(&self) -> Result<Bytes, ApiError> {
        let known = self.0.settings.last();
        if let Some(known) = &known
            && self.backend().is_full()
        {
            return Ok(known.clone());
        }
        let make = self.small_answer(Operation::GetSettings);
        match self.0.settings.get(make).await {
            // A plugin that hangs or is started again: what it said last is better than nothing.
            Err(error @ (ApiError::Busy | ApiError::TimedOut { .. } | ApiError::PluginDown(_))) => known.ok_or(error),
            outcome => outcome,
        }
    }

    async fn is_ready(&self) -> Result<bool, ApiError> {
        let make = async { Ok(self.small_answer(Operation::CheckLogin).await?.trim_ascii() == b"true") };
        self.0.ready.get(make).await
    }

    async fn small_answer(&self, operation: Operation) -> Result<Bytes, ApiError> {
        self.backend().call(operation, || Ok(b"{}".to_vec())).await?.whole().await
    }
}

/// The whole service, and its API document.
///
/// # Errors
/// See [`DocumentError`].
pub fn service(
    api: Api,
    authenticator: Authenticator,
    client_address: ClientAddress,
) -> Result<(Service, OpenApi), DocumentError> {
    let metrics = Arc::clone(api.backend().metrics());
    let mut document = document::empty();
    let routes = routes::router().finish_api_with(&mut document, document::describe);
    let router = routes
        .merge(document::routes(&document)?)
        .merge(health::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api);
    Ok((Service::new(router, authenticator, client_address, metrics), document))
}

async fn no_route(uri: Uri) -> ApiError {
    ApiError::NoRoute(uri.path().to_owned())
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::WrongMethod(method, uri.path().to_owned())
}
