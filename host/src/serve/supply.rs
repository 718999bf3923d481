//! The rest of a long answer, made while its reader takes it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use defect_plugin_api::Operation;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream};
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use super::backend::{Backend, failed};
use super::error::ApiError;
use super::exchange::PluginTime;
use crate::plugin::Rest;

/// How many pieces wait for the reader at most. With pieces of 64 KiB, and two of them in the connection,
/// forty readers that stand still hold 13 MB.
const WAITING: usize = 3;
/// When no more than this many are left, more are made.
const FEW: usize = 1;
/// A thread that has been making pieces for so long makes no further one: the time limit of a call is
/// then the limit of a piece.
const ROUND: Duration = Duration::from_millis(20);

/// Pieces in rounds: each runs on a blocking thread until enough pieces wait, so that no thread waits for
/// a reader, and a quick reader costs few changes of threads. An error in the middle breaks the transfer
/// off: the status is out by then.
pub(super) struct Supply {
    backend: Backend,
    operation: Operation,
    /// The body is read after the request's span has ended: what is logged then belongs to it still.
    span: Span,
    plugin_time: PluginTime,
    sender: mpsc::Sender<Bytes>,
    waiting: mpsc::Receiver<Bytes>,
    state: State,
}

enum State {
    /// Enough pieces wait.
    Paused(Held),
    /// A round is under way.
    Running(BoxFuture<'static, Result<Held, ApiError>>),
    /// No more is made: there is no more, or this is why.
    Over(Option<ApiError>),
}

impl Supply {
    pub(super) fn new(backend: Backend, operation: Operation, rest: Rest, plugin_time: PluginTime) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING);
        let state = State::Paused(Held(Some(rest)));
        Self { backend, operation, span: Span::current(), plugin_time, sender, waiting, state }
    }

    fn begin_round(&self, mut rest: Held) -> State {
        let (backend, operation, sender) = (self.backend.clone(), self.operation, self.sender.clone());
        let plugin_time = self.plugin_time.clone();
        let round = async move {
            let called = backend.clone();
            let round = move || {
                let begun = Instant::now();
                let _time = RoundTime { backend: &called, operation, plugin_time, begun };
                while let Some(source) = &mut rest.0
                    && let Ok(place) = sender.try_reserve()
                {
                    match source.next_piece().map_err(|error| failed(called.client(), operation, error))? {
                        Some(piece) => place.send(piece),
                        None => rest.0 = None,
                    }
                    if begun.elapsed() > ROUND {
                        break;
                    }
                }
                Ok(rest)
            };
            backend.run(operation, round).await
        };
        State::Running(round.instrument(self.span.clone()).boxed())
    }
}

impl Stream for Supply {
    type Item = Result<Bytes, ApiError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Paused(rest) if this.waiting.len() <= FEW => {
                    let rest = Held(rest.0.take());
                    this.state = this.begin_round(rest);
                }
                State::Running(round) => match round.poll_unpin(context) {
                    Poll::Ready(Ok(rest)) if rest.0.is_some() => this.state = State::Paused(rest),
                    Poll::Ready(Ok(_)) => this.state = State::Over(None),
                    Poll::Ready(Err(error)) => {
                        let _of_the_request = this.span.enter();
                        tracing::error!("the answer of `{}` breaks off: {error}", this.operation.name());
                        this.state = State::Over(Some(error));
                    }
                    Poll::Pending => return this.waiting.poll_recv(context).map(|piece| piece.map(Ok)),
                },
                State::Paused(_) => return Poll::Ready(this.waiting.try_recv().ok().map(Ok)),
                State::Over(error) => {
                    return Poll::Ready(this.waiting.try_recv().ok().map(Ok).or_else(|| error.take().map(Err)));
                }
            }
        }
    }
}

/// Adds a round's time to what is known of its request, however it ends.
struct RoundTime<'a> {
    backend: &'a Backend,
    operation: Operation,
    plugin_time: PluginTime,
    begun: Instant,
}

impl Drop for RoundTime<'_> {
    fn drop(&mut self) {
        let time = self.begun.elapsed();
        self.plugin_time.add(time);
        self.backend.metrics().add_pieces_time(self.operation, time);
    }
}

/// The rest of an answer, dropped on a thread that may block, since that runs the plugin's code too: in a
/// round where it is, else on another one.
struct Held(Option<Rest>);

impl Drop for Held {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(rest));
        }
    }
}
