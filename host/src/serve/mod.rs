//! Serves the defect API over HTTP through a plugin's client. Knows no paths and no libraries.

mod auth;
mod backend;
mod body;
mod cached;
mod document;
mod error;
mod health;
mod listen;
mod request_log;
mod routes;
mod supply;

use std::sync::Arc;
use std::time::Duration;

use aide::openapi::OpenApi;
use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use defect_plugin_api::Operation;
use tower_http::timeout::RequestBodyTimeoutLayer;

pub use auth::Authenticator;
pub use backend::{Backend, MAX_CALLS};
pub use body::MAX_BODY_BYTES;
pub use document::DocumentError;
pub use listen::{ListenError, Listener, Tls};
pub use request_log::ClientAddress;

use cached::Cached;
use error::ApiError;

/// How long the settings are kept: they hardly ever change and are asked for all the time.
const SETTINGS_LIFETIME: Duration = Duration::from_secs(1);
/// How long the backend's state is kept, so that probes do not become load on the tracker.
const READINESS_LIFETIME: Duration = Duration::from_secs(3);
/// How long a request's body may stand still.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// What the endpoints work with.
#[derive(Clone)]
pub struct Api {
    backend: Backend,
    settings: Arc<Cached<Bytes>>,
    ready: Arc<Cached<bool>>,
}

impl Api {
    /// The API through this backend.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            settings: Arc::new(Cached::new(SETTINGS_LIFETIME)),
            ready: Arc::new(Cached::new(READINESS_LIFETIME)),
        }
    }

    /// The plugin's settings as JSON.
    async fn settings(&self) -> Result<Bytes, ApiError> {
        let known = self.settings.last();
        if let Some(known) = &known
            && self.backend.is_full()
        {
            return Ok(known.clone());
        }
        let make = self.small_answer(Operation::GetSettings);
        match self.settings.get(make).await {
            // A plugin that hangs: what it said last is better than nothing.
            Err(error @ (ApiError::Busy | ApiError::TimedOut { .. })) => known.ok_or(error),
            outcome => outcome,
        }
    }

    async fn is_ready(&self) -> Result<bool, ApiError> {
        let make = async { Ok(self.small_answer(Operation::CheckLogin).await?.trim_ascii() == b"true") };
        self.ready.get(make).await
    }

    async fn small_answer(&self, operation: Operation) -> Result<Bytes, ApiError> {
        self.backend.call(operation, || Ok(b"{}".to_vec())).await?.whole().await
    }
}

/// The service as a router, and its API document.
///
/// # Errors
/// See [`DocumentError`].
pub fn router(
    api: Api,
    authenticator: Authenticator,
    client_address: ClientAddress,
) -> Result<(Router, OpenApi), DocumentError> {
    let mut document = document::empty();
    let routes = routes::router().finish_api_with(&mut document, document::describe);
    let router = routes
        .merge(document::routes(&document)?)
        .merge(health::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api)
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn_with_state(authenticator, auth::authenticate))
        .layer(from_fn_with_state(client_address, request_log::log))
        .layer(from_fn(request_log::request_id));
    Ok((router, document))
}

async fn no_route(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::NoRoute(uri.path().to_owned())
}

async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::WrongMethod(method, uri.path().to_owned())
}
