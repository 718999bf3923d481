//! Calls the plugin off the async threads: bounded in number, each with a time limit, so that a slow
//! backend or sync command delays nobody else.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use defect_plugin_api::Operation;
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::error::ApiError;
use super::supply::Supply;
use crate::plugin::{Answer, CallError, Client};

/// How many calls run in the plugin at once. A call that never returns keeps its place: when all are
/// taken, requests are answered with 503 until one is given back.
pub const MAX_CALLS: usize = 64;

/// The plugin's client with the limits under which it is called.
#[derive(Clone)]
pub struct Backend {
    client: Arc<Client>,
    places: Arc<Semaphore>,
    call_timeout: Duration,
}

impl Backend {
    /// A client whose calls may take `call_timeout` each.
    #[must_use]
    pub fn new(client: Client, call_timeout: Duration) -> Self {
        Self { client: Arc::new(client), places: Arc::new(Semaphore::new(MAX_CALLS)), call_timeout }
    }

    /// True when a call would have to wait for another one's end.
    pub(super) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// Runs an operation. `request` makes its bytes on the calling thread of the pool, where a large
    /// body costs the other requests nothing.
    ///
    /// # Errors
    /// What `request` refuses; the plugin's own errors; [`ApiError::TimedOut`] and [`ApiError::Busy`].
    pub(super) async fn call(
        &self,
        operation: Operation,
        request: impl FnOnce() -> Result<Vec<u8>, ApiError> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        let client = Arc::clone(&self.client);
        let answer = self
            .run(operation, move || {
                let request = request()?;
                client.call(operation, &request).map_err(|error| failed(&client, operation, error))
            })
            .await?;
        Ok(Reply { backend: self.clone(), operation, answer })
    }

    /// The plugin's client, to be called in [`Backend::run`] only.
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// Runs the plugin's code on a thread that may block.
    ///
    /// # Errors
    /// Those of `code`; [`ApiError::TimedOut`] and [`ApiError::Busy`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        code: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let deadline = Instant::now() + self.call_timeout;
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => match timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await {
                Ok(Ok(place)) => place,
                _ => {
                    tracing::error!("all {MAX_CALLS} calls of the plugin are taken; the backend hangs or is too slow");
                    return Err(ApiError::Busy);
                }
            },
        };
        let span = Span::current();
        let call = spawn_blocking(move || {
            let _place = place;
            span.in_scope(code)
        });
        match timeout_at(deadline, call).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(join)) => {
                tracing::error!("the host's own code failed in `{}`: {join}", operation.name());
                Err(ApiError::Host)
            }
            Err(_) => {
                let seconds = self.call_timeout.as_secs_f64();
                let plugin = self.client.plugin();
                tracing::error!("plugin `{plugin}` did not answer `{}` within {seconds} s", operation.name());
                Err(ApiError::TimedOut { plugin: plugin.to_owned(), operation: operation.name(), seconds })
            }
        }
    }
}

/// A failed call as the caller is told it. The log is told more.
pub(super) fn failed(client: &Client, operation: Operation, error: CallError) -> ApiError {
    match error {
        CallError::Client(error) => ApiError::Client(error),
        CallError::Panicked(report) => {
            // Here and not in the answer: what a panic says may be anything.
            tracing::error!("plugin `{}`, operation `{}`: {report}", client.plugin(), operation.name());
            ApiError::Panicked { plugin: client.plugin().to_owned(), operation: operation.name() }
        }
    }
}

/// A plugin's answer, whole or still coming.
pub(super) struct Reply {
    backend: Backend,
    operation: Operation,
    answer: Answer,
}

impl Reply {
    /// The whole answer. For operations whose answers are small.
    ///
    /// # Errors
    /// As [`Backend::call`].
    pub(super) async fn whole(self) -> Result<Bytes, ApiError> {
        if self.answer.rest.is_none() {
            return Ok(self.answer.first);
        }
        axum::body::to_bytes(self.into_body(), usize::MAX).await.map_err(|_| ApiError::Host)
    }

    /// The answer as a body. Of a long one, the rest is made while its reader takes it, see [`Supply`].
    pub(super) fn into_body(self) -> Body {
        let Self { backend, operation, answer } = self;
        let Some(rest) = answer.rest else {
            return Body::from(answer.first);
        };
        let first = stream::once(async move { Ok(answer.first) });
        Body::from_stream(first.chain(Supply::new(backend, operation, rest)))
    }
}
