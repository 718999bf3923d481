//! What the service counts, and how it is shown.
//!
//! A request costs a handful of additions to numbers that are there from the start: no lock, no allocation, no
//! look-up by text, and no number that another core writes at the same time. That is why this is no crate:
//! prometheus-client takes a lock for each histogram's value, and both it and prometheus find a series by its
//! labels' texts.

mod exposition;
mod histogram;
mod page;
mod plugin;
mod report;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use defect_plugin_api::{ClientError, Operation};

pub use page::{MetricsError, MetricsListener};

use self::histogram::Histogram;
use self::plugin::PluginNumbers;
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::tls::Failure;

/// The statuses that are counted apart; `0` stands for no answer at all.
const STATUSES: [u16; 21] =
    [0, 200, 204, 301, 304, 307, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 501, 502, 503, 504];

/// The operations, and three more endpoints.
const ENDPOINTS: usize = OPERATIONS + 3;
const OPERATIONS: usize = Operation::ALL.len();

/// How a call of the plugin went, as its caller saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// The plugin says that the request is at fault.
    Refused,
    /// The plugin says that it or its backend is at fault.
    Failed,
    Panicked,
    TimedOut,
    /// Its process ended during the call.
    Ended,
    /// Its process was not there.
    Down,
    /// All places were taken.
    Busy,
}

impl Outcome {
    const ALL: [Self; 8] =
        [Self::Ok, Self::Refused, Self::Failed, Self::Panicked, Self::TimedOut, Self::Ended, Self::Down, Self::Busy];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Ended => "ended",
            Self::Down => "down",
            Self::Busy => "busy",
        }
    }

    /// The request was in order, and yet there is no answer.
    pub(super) fn is_fault(self) -> bool {
        !matches!(self, Self::Ok | Self::Refused)
    }

    /// `None` when the plugin was not asked: the request's body was at fault.
    fn of(error: Option<&ApiError>) -> Option<Self> {
        Some(match error {
            None => Self::Ok,
            Some(ApiError::Client(ClientError::Unavailable(_) | ClientError::Internal(_))) => Self::Failed,
            Some(ApiError::Client(_)) => Self::Refused,
            Some(ApiError::Panicked { .. }) => Self::Panicked,
            Some(ApiError::TimedOut { .. }) => Self::TimedOut,
            Some(ApiError::PluginEnded { .. }) => Self::Ended,
            Some(ApiError::PluginDown(_)) => Self::Down,
            Some(ApiError::Busy) => Self::Busy,
            Some(ApiError::Host) => Self::Failed,
            Some(_) => return None,
        })
    }
}

/// What is counted of requests for one endpoint.
#[derive(Default)]
struct Requests {
    by_status: [AtomicU64; STATUSES.len()],
    other_statuses: AtomicU64,
    broken_off: AtomicU64,
    bytes: AtomicU64,
    duration: Histogram,
}

/// What is counted of calls of one operation.
#[derive(Default)]
struct Calls {
    by_outcome: [AtomicU64; Outcome::ALL.len()],
    duration: Histogram,
    pieces_nanoseconds: AtomicU64,
}

/// The threads that serve connections have so many sets of numbers. Each adds to its own: one set for all
/// would travel between the cores' caches with every request.
const SHARDS: usize = 8;

/// What is counted of requests on some of the threads. A request may end on another thread than it began on:
/// only the sum over all shards is the number of those in flight.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    requests: [Requests; ENDPOINTS],
    in_flight: AtomicU64,
}

/// The numbers of one service.
#[derive(Default)]
pub(super) struct Metrics {
    shards: [Shard; SHARDS],
    calls: [Calls; OPERATIONS],
    calls_queued: AtomicU64,
    logins_failed: AtomicU64,
    handshakes_failed: [AtomicU64; Failure::ALL.len()],
    plugin: PluginNumbers,
}

impl Metrics {
    /// The numbers that this thread adds to.
    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        &self.shards[OWN.with(|own| *own)]
    }

    /// A request has come.
    pub(super) fn begin(&self) {
        self.shard().in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request's answer is over.
    pub(super) fn end(
        &self,
        endpoint: Endpoint,
        status: Option<StatusCode>,
        duration: Duration,
        bytes: u64,
        is_broken_off: bool,
    ) {
        let shard = self.shard();
        let requests = &shard.requests[index_of(endpoint)];
        let status = status.map_or(0, |status| status.as_u16());
        let known = STATUSES.iter().position(|known| *known == status);
        add(known.map_or(&requests.other_statuses, |index| &requests.by_status[index]), 1);
        add(&requests.broken_off, is_broken_off.into());
        add(&requests.bytes, bytes);
        requests.duration.observe(duration);
        shard.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request is not let in.
    pub(super) fn refuse(&self, error: &ApiError) {
        add(&self.logins_failed, matches!(error, ApiError::Unauthorized(_)).into());
    }

    /// A connection is closed, since there is no TLS on it.
    pub(super) fn fail_handshake(&self, failure: Failure) {
        add(&self.handshakes_failed[failure as usize], 1);
    }

    /// The plugin has come back from a call, whether or not somebody still waits for it.
    pub(super) fn observe_call(&self, operation: Operation, time: Duration) {
        self.calls[operation as usize].duration.observe(time);
    }

    /// Pieces of a long answer were made.
    pub(super) fn add_pieces_time(&self, operation: Operation, time: Duration) {
        add(&self.calls[operation as usize].pieces_nanoseconds, histogram::nanoseconds(time));
    }

    /// A call is over for its caller. Gives what came of it; `None` when the plugin was not asked.
    pub(super) fn count_call(&self, operation: Operation, error: Option<&ApiError>) -> Option<Outcome> {
        let outcome = Outcome::of(error)?;
        add(&self.calls[operation as usize].by_outcome[outcome as usize], 1);
        Some(outcome)
    }

    /// A call waits for a place until what is returned is dropped.
    pub(super) fn queue(&self) -> Queued<'_> {
        self.calls_queued.fetch_add(1, Ordering::Relaxed);
        Queued(self)
    }
}

/// See [`Metrics::queue`].
pub(super) struct Queued<'a>(&'a Metrics);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.calls_queued.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(number: &AtomicU64, more: u64) {
    // Most of what may be added is usually nothing, and to look costs less.
    if more > 0 {
        number.fetch_add(more, Ordering::Relaxed);
    }
}

fn index_of(endpoint: Endpoint) -> usize {
    match endpoint {
        Endpoint::Api(operation) => operation as usize,
        Endpoint::Health => OPERATIONS,
        Endpoint::Documents => OPERATIONS + 1,
        Endpoint::Other => OPERATIONS + 2,
    }
}
