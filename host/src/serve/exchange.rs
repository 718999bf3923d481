//! A request and its answer from the first byte to the last: the log's line about both, and the numbers.
//!
//! Written are method, path, status, sizes, times and the caller's address; never a query, a header or a body.

use std::cell::OnceCell;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tracing::Span;

use super::client_address::Address;
use super::endpoint::Endpoint;
use super::metrics::Metrics;
use crate::telemetry::RequestSpan;

tokio::task_local! {
    /// Made by the first call of a request: many an answer needs none.
    static PLUGIN_TIME: OnceCell<PluginTime>;
}

/// How long the plugin's code ran for a request. Calls take it along to their threads, and the rest of a long
/// answer beyond the request's end.
#[derive(Clone, Default)]
pub(super) struct PluginTime(Arc<AtomicU64>);

impl PluginTime {
    /// That of the request that is being answered; one of its own for a call that no request waits for.
    pub(super) fn current() -> Self {
        PLUGIN_TIME.try_with(|own| own.get_or_init(Self::default).clone()).unwrap_or_default()
    }

    pub(super) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A request that is being answered. Dropped when its answer has been handed over, or will never be: then
/// its line is written, and it is counted.
pub(super) struct Exchange {
    metrics: Arc<Metrics>,
    begun: Instant,
    address: Address,
    method: Method,
    uri: Uri,
    endpoint: Endpoint,
    plugin_time: Option<PluginTime>,
    answer: Progress,
    /// A long answer ends after the request's span has; its line belongs to it still.
    span: Option<Span>,
    trace: RequestSpan,
}

/// How far the answer has got.
#[derive(Clone, Copy)]
enum Progress {
    /// Nothing is answered yet.
    None,
    /// The head is out, and so much of the body.
    Begun(StatusCode, u64),
    /// All of it.
    Whole(StatusCode, u64),
}

impl Progress {
    /// The status that the caller has got, how many bytes of a body, and whether more should have come.
    fn outcome(self) -> (Option<StatusCode>, u64, bool) {
        match self {
            Self::None => (None, 0, true),
            Self::Begun(status, bytes) => (Some(status), bytes, true),
            Self::Whole(status, bytes) => (Some(status), bytes, false),
        }
    }
}

impl Exchange {
    pub(super) fn begin(metrics: &Arc<Metrics>, address: Address, request: &Request) -> Self {
        metrics.begin();
        let endpoint = Endpoint::of(request.uri().path());
        // Not asked with `tracing::enabled!` whether anybody wants the line: with a filter for each output
        // that takes the next event on this thread from those outputs that did not want this one.
        Self {
            metrics: Arc::clone(metrics),
            begun: Instant::now(),
            address,
            method: request.method().clone(),
            uri: request.uri().clone(),
            endpoint,
            plugin_time: None,
            answer: Progress::None,
            span: None,
            trace: RequestSpan::begin(request, endpoint.route()),
        }
    }

    /// What `answering` asks of the plugin counts for this request.
    pub(super) async fn timing<F: Future>(&mut self, answering: F) -> F::Output {
        let mut answering = pin!(PLUGIN_TIME.scope(OnceCell::new(), self.trace.around(answering)));
        let answer = answering.as_mut().await;
        self.plugin_time = answering.take_value().and_then(OnceCell::into_inner);
        answer
    }

    fn plugin_time(&self) -> Duration {
        self.plugin_time.as_ref().map_or(Duration::ZERO, PluginTime::total)
    }

    /// The answer is known. The end of one of known size is not waited for: it is in the hands of the
    /// system soon, and watching it would cost each small answer a box.
    pub(super) fn answered(mut self, response: Response) -> Response {
        let status = response.status();
        if let Some(size) = response.body().size_hint().exact() {
            self.answer = Progress::Whole(status, size);
            return response;
        }
        self.answer = Progress::Begun(status, 0);
        self.span = Some(Span::current());
        response.map(|body| Body::new(Watched { body, exchange: self }))
    }

    fn write_line(&self, duration: Duration) {
        let (status, bytes, broken_off) = self.answer.outcome();
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let operation = self.endpoint.operation();
        tracing::info!(
            target: "defect_host::access",
            address = %self.address,
            method = %self.method,
            path = self.uri.path(),
            status = status.map(|status| status.as_u16()),
            bytes,
            duration_ms = milliseconds(duration),
            operation = operation.map(|operation| operation.name()),
            plugin_ms = operation.map(|_| milliseconds(self.plugin_time())),
            broken_off,
            "{}",
            Line { exchange: self, duration }
        );
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.begun.elapsed();
        let (status, bytes, is_broken_off) = self.answer.outcome();
        self.metrics.end(self.endpoint, status, duration, bytes, is_broken_off);
        self.trace.end(status, is_broken_off);
        let _of_the_request = self.span.as_ref().map(Span::enter);
        self.write_line(duration);
    }
}

/// The line as text.
struct Line<'a> {
    exchange: &'a Exchange,
    duration: Duration,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { address, method, uri, endpoint, answer, .. } = self.exchange;
        let (status, bytes, is_broken_off) = answer.outcome();
        write!(f, "{address} {method} {} ", uri.path())?;
        match status {
            Some(status) => write!(f, "{}", status.as_u16())?,
            None => f.write_str("-")?,
        }
        write!(f, " {bytes} B {:.1} ms", self.duration.as_secs_f64() * 1e3)?;
        if let Some(operation) = endpoint.operation() {
            write!(f, ", {} {:.1} ms", operation.name(), self.exchange.plugin_time().as_secs_f64() * 1e3)?;
        }
        f.write_str(if is_broken_off { ", broken off" } else { "" })
    }
}

/// The body of a long answer, watched until it ends or nobody takes it any more.
struct Watched {
    body: Body,
    exchange: Exchange,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Progress::Begun(status, bytes) = this.exchange.answer {
            match &frame {
                Some(Ok(frame)) => {
                    let more = frame.data_ref().map_or(0, |data| data.len() as u64);
                    this.exchange.answer = Progress::Begun(status, bytes + more);
                }
                Some(Err(_)) => {}
                None => this.exchange.answer = Progress::Whole(status, bytes),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
