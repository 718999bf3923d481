//! Calls the plugin off the async threads: bounded in number, each with a time limit, so that a slow
//! backend or sync command delays nobody else.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use defect_plugin_api::Operation;
use futures_util::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};
use tracing::Span;

use super::call_threads::{CallThreads, Size};
use super::error::ApiError;
use super::exchange::PluginTime;
use super::metrics::{Metrics, Outcome};
use super::supply::Supply;
use crate::plugin::{Answer, CallError, Client};
use crate::telemetry::CallSpan;

/// How many calls run in the plugin at once. A call that never returns keeps its place: when all are
/// taken, requests are answered with 503 until one is given back.
pub const MAX_CALLS: usize = 64;

/// How many more may wait for a place. Of quick calls that is a moment's work; of slow ones the last would wait for
/// longer than anybody does, so it is told at once to come again.
const MAX_WAITING: usize = 256;

/// A call that has not begun by then makes others begin beside those that are slow.
const HURRY: Duration = Duration::from_millis(1);

/// The plugin's client with the limits under which it is called.
#[derive(Clone)]
pub struct Backend(Arc<Limited>);

struct Limited {
    client: Client,
    threads: CallThreads,
    places: Arc<Semaphore>,
    waiting: Semaphore,
    call_timeout: Duration,
    metrics: Arc<Metrics>,
}

impl Backend {
    /// A client whose calls may take `call_timeout` each.
    #[must_use]
    pub fn new(client: Client, call_timeout: Duration) -> Self {
        let (threads, places) = (CallThreads::new(MAX_CALLS), Arc::new(Semaphore::new(MAX_CALLS)));
        let waiting = Semaphore::new(MAX_WAITING);
        Self(Arc::new(Limited { client, threads, places, waiting, call_timeout, metrics: Arc::default() }))
    }

    /// What is counted of this service.
    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// How many calls run.
    pub(super) fn running(&self) -> usize {
        MAX_CALLS - self.0.places.available_permits()
    }

    /// True when a call would have to wait for another one's end.
    pub(super) fn is_full(&self) -> bool {
        self.0.places.available_permits() == 0
    }

    /// Ends when a call that asks the plugin nothing has had its thread, so whoever waits knows that calls are begun.
    /// At once when all places are taken: a plugin that hangs is no fault of the host.
    pub async fn beat(&self) {
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            return;
        };
        let (done, ended) = oneshot::channel::<()>();
        self.0.threads.run(Size::Large, move || drop((place, done)));
        // It is dropped without a word.
        let _ = ended.await;
    }

    /// Runs an operation. `request` makes its bytes on the thread of the call, where a large body costs
    /// the other requests nothing.
    ///
    /// # Errors
    /// What `request` refuses; the plugin's own errors; [`ApiError::TimedOut`] and [`ApiError::Busy`].
    pub(super) async fn call(
        &self,
        operation: Operation,
        request: impl FnOnce() -> Result<Vec<u8>, ApiError> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        self.call_in(self.place(), operation, request).await
    }

    /// As [`Backend::call`], but instead of waiting for a place it is [`ApiError::Busy`].
    pub(super) async fn call_if_free(
        &self,
        operation: Operation,
        request: impl FnOnce() -> Result<Vec<u8>, ApiError> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| ApiError::Busy);
        self.call_in(ready(place), operation, request).await
    }

    async fn call_in(
        &self,
        place: impl Future<Output = Result<OwnedSemaphorePermit, ApiError>>,
        operation: Operation,
        request: impl FnOnce() -> Result<Vec<u8>, ApiError> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        let (backend, plugin_time) = (self.clone(), PluginTime::current());
        let clock = plugin_time.clone();
        let trace = CallSpan::begin(operation);
        let outcome = self
            .run_in(place, operation, move || {
                let (request, client) = (request()?, backend.client());
                let begun = Instant::now();
                let outcome = client.call(operation, &request);
                let time = begun.elapsed();
                clock.add(time);
                backend.metrics().observe_call(operation, time);
                outcome.map_err(|error| failed(client, operation, error))
            })
            .await;
        let counted = self.metrics().count_call(operation, outcome.as_ref().err());
        trace.end(counted.map(Outcome::name), counted.is_some_and(Outcome::is_fault));
        Ok(Reply { backend: self.clone(), operation, answer: outcome?, plugin_time })
    }

    /// The plugin's client, to be called in [`Backend::run`] only.
    pub(super) fn client(&self) -> &Client {
        &self.0.client
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
        self.run_in(self.place(), operation, code).await
    }

    /// A place for a call, which is waited for as long as a call may take.
    async fn place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let Limited { places, waiting, call_timeout, metrics, .. } = &*self.0;
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let _waits = waiting.try_acquire().map_err(|_| ApiError::Busy)?;
        let _queued = metrics.queue();
        match timeout(*call_timeout, Arc::clone(places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                tracing::error!("all {MAX_CALLS} calls of the plugin are taken; the backend hangs or is too slow");
                Err(ApiError::Busy)
            }
        }
    }

    async fn run_in<T: Send + 'static>(
        &self,
        place: impl Future<Output = Result<OwnedSemaphorePermit, ApiError>>,
        operation: Operation,
        code: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Limited { client, threads, call_timeout, .. } = &*self.0;
        let begun = Instant::now();
        let place = place.await?;
        let (span, began) = (Span::current(), client.moment());
        let (answer, mut answered) = oneshot::channel();
        threads.run(size_of(operation), move || {
            let _place = place;
            // Nobody may be waiting any more.
            let _ = answer.send(span.in_scope(code));
        });
        let outcome = match timeout(HURRY, &mut answered).await {
            Ok(outcome) => Ok(outcome),
            Err(_) => {
                threads.hurry();
                // Not until a moment: with the longest `call_timeout` there is none so late.
                timeout(call_timeout.saturating_sub(begun.elapsed()), answered).await
            }
        };
        match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                tracing::error!("the host's own code failed in `{}`", operation.name());
                Err(ApiError::Host)
            }
            Err(_) => {
                client.give_up(began, operation, *call_timeout);
                let (plugin, seconds) = (client.plugin(), call_timeout.as_secs_f64());
                tracing::error!("plugin `{plugin}` did not answer `{}` within {seconds} s", operation.name());
                Err(ApiError::TimedOut { plugin: plugin.to_owned(), operation: operation.name(), seconds })
            }
        }
    }
}

fn size_of(operation: Operation) -> Size {
    match operation {
        Operation::CheckLogin
        | Operation::GetSettings
        | Operation::SupportsChangesTimestamps
        | Operation::GetProjects
        | Operation::GetControlFields
        | Operation::GetUserDefinedAttributes
        | Operation::GetDefectExtended
        | Operation::GetMetrics => Size::Small,
        _ => Size::Large,
    }
}

/// A failed call as the caller is told it. The log is told more.
pub(super) fn failed(client: &Client, operation: Operation, error: CallError) -> ApiError {
    match error {
        CallError::Client(error) => ApiError::Client(error),
        CallError::Ended { .. } => {
            tracing::error!("plugin `{}`, operation `{}`: {error}", client.plugin(), operation.name());
            ApiError::PluginEnded { plugin: client.plugin().to_owned(), operation: operation.name() }
        }
        CallError::Down { .. } => {
            tracing::error!("plugin `{}`, operation `{}`: {error}", client.plugin(), operation.name());
            ApiError::PluginDown(client.plugin().to_owned())
        }
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
    plugin_time: PluginTime,
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
        let Self { backend, operation, answer, plugin_time } = self;
        let Some(rest) = answer.rest else {
            return Body::from(answer.first);
        };
        let first = stream::once(async move { Ok(answer.first) });
        Body::from_stream(first.chain(Supply::new(backend, operation, rest, plugin_time)))
    }
}
