//! HTTP Basic authentication, before anything else of a request is looked at.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Uri};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::ApiError;
use crate::credentials::Verifier;
use crate::credentials::basic_auth::{self, Credentials};

/// How many credentials may wait for the expensive check. More are answered with 503 at once.
const MAX_WAITING: usize = 64;

/// Checks credentials, one unknown pair at a time: whoever guesses passwords waits for himself, and
/// one core stays free for everybody whose credentials are known.
pub struct Authenticator {
    verifier: Arc<Verifier>,
    waiting: Arc<Semaphore>,
    checking: Arc<Semaphore>,
}

impl Authenticator {
    /// Checks against these credentials.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier: Arc::new(verifier),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            checking: Arc::new(Semaphore::new(1)),
        }
    }

    /// Lets a request pass when its credentials are right or it needs none. Its body is not read before.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`]; [`ApiError::Busy`] when too many wait for the check.
    pub(super) async fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        if is_open(uri.path()) {
            return Ok(());
        }
        let header = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let credentials = basic_auth::parse(header).map_err(|error| ApiError::Unauthorized(error.to_string()))?;
        self.check(credentials).await
    }

    async fn check(&self, credentials: Credentials) -> Result<(), ApiError> {
        let accepted = match self.verifier.check_cached(&credentials.username, &credentials.password) {
            Some(verdict) => verdict,
            None => self.check_slowly(credentials).await?,
        };
        if accepted { Ok(()) } else { Err(ApiError::Unauthorized("Invalid credentials".to_owned())) }
    }

    async fn check_slowly(&self, credentials: Credentials) -> Result<bool, ApiError> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        let checking = self.checking.clone().acquire_owned().await.map_err(|_| ApiError::Host)?;
        let verifier = Arc::clone(&self.verifier);
        let verdict = spawn_blocking(move || {
            let _places = (waiting, checking);
            verifier.verify_and_remember(&credentials.username, &credentials.password)
        });
        verdict.await.map_err(|_| ApiError::Host)
    }
}

/// What everybody may see: the settings, the documents and the health of the service.
fn is_open(path: &str) -> bool {
    matches!(path, "/" | "/favicon.ico" | "/settings" | "/openapi.yaml" | "/healthz" | "/readyz" | "/docs")
        || path.starts_with("/docs/")
}
