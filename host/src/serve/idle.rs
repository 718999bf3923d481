//! Whether a connection of HTTP/2 has anything to do.
//!
//! hyper asks those connections for a sign of life, and keeps one that gives it for ever. Of HTTP/1 it ends those that
//! bring no request itself, so that nothing is noted of them here.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::timeout;

/// What happens on one connection. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Activity(watch::Sender<State>);

#[derive(Default)]
struct State {
    is_http2: bool,
    in_flight: usize,
    /// How many requests have come so far: one may come and go unseen between two looks.
    begun: u64,
}

impl Activity {
    /// It has turned out what is spoken.
    pub(super) fn speaks_http2(&self) {
        self.0.send_modify(|state| state.is_http2 = true);
    }

    /// A request has come. It is in flight until what is returned is dropped.
    pub(super) fn begin(&self) -> InFlight {
        self.0.send_modify(|state| {
            state.in_flight += 1;
            state.begun += 1;
        });
        InFlight(self.clone())
    }

    /// Ready when for so long no request was in flight. Never with HTTP/1.
    pub(super) async fn idle_for(&self, limit: Duration) {
        let mut state = self.0.subscribe();
        loop {
            let idle = state.wait_for(|state| state.is_http2 && state.in_flight == 0).await.map(|state| state.begun);
            // Waiting fails when nobody is left to tell, and `self` can.
            let Ok(begun) = idle else { return pending().await };
            if timeout(limit, state.wait_for(|state| state.begun != begun)).await.is_err() {
                return;
            }
        }
    }
}

/// See [`Activity::begin`].
pub(super) struct InFlight(Activity);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.in_flight -= 1);
    }
}

/// An answer's body, whose request is in flight as long as it is there.
pub(super) struct Carried<B> {
    body: B,
    _request: Option<InFlight>,
}

impl<B> Carried<B> {
    /// `request` is none where nobody asks.
    pub(super) fn new(body: B, request: Option<InFlight>) -> Self {
        Self { body, _request: request }
    }
}

impl<B: HttpBody + Unpin> HttpBody for Carried<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    const LIMIT: Duration = Duration::from_secs(5);

    // The clock stands still while anything can happen, and jumps to the next moment that is waited for.

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_its_last_request_is_over_for_so_long() {
        let (activity, begun) = (Activity::default(), Instant::now());
        activity.speaks_http2();
        let requests = async {
            for _ in 0..3 {
                let (first, second) = (activity.begin(), activity.begin());
                sleep(10 * LIMIT).await;
                drop(first);
                sleep(10 * LIMIT).await;
                drop(second);
                sleep(LIMIT / 2).await;
                // Over before anybody can look.
                drop(activity.begin());
                sleep(LIMIT - Duration::from_millis(1)).await;
            }
            drop(activity.begin());
            begun.elapsed()
        };
        let ((), last) = tokio::join!(activity.idle_for(LIMIT), requests);
        assert_eq!(begun.elapsed(), last + LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_brings_a_request_is_idle_and_one_of_http_1_is_not_looked_after() {
        let (activity, begun) = (Activity::default(), Instant::now());
        assert!(timeout(100 * LIMIT, activity.idle_for(LIMIT)).await.is_err());
        activity.speaks_http2();
        activity.idle_for(LIMIT).await;
        assert_eq!(begun.elapsed(), 101 * LIMIT);
    }
}
