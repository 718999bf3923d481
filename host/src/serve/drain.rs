//! How a service ends whose sockets outlive it, without a lost request.
//!
//! A caller who sends a request on a kept connection while the service closes it cannot know whether the request was
//! seen. So, when the next process serves the same sockets, this one closes no connection on its own account at
//! first: it takes no new ones, which wait for the next process; it says `Connection: close` in every answer, so that
//! the caller's next request comes on a new connection; and it waits for the connections that nobody uses to reach
//! the end of their keep-alive time. HTTP/2 needs none of this: its GOAWAY says which requests were seen.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::idle::{Activity, Carried, InFlight};

/// The connections that have to end before the service may. Cheap to clone.
#[derive(Clone)]
pub(super) struct Drain(Arc<Shared>);

struct Shared {
    /// No new ones are taken, and the present ones end.
    closing: AtomicBool,
    open: watch::Sender<Open>,
}

/// How many connections there are, but for those of HTTP/2.
#[derive(Default)]
struct Open {
    /// They have brought no request yet.
    unused: usize,
    used: usize,
}

impl Drain {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared { closing: AtomicBool::new(false), open: watch::Sender::default() }))
    }

    /// From now on no connection is taken. Ends when no request can come on those that are there: a used one ends by
    /// itself, one that has brought nothing is not waited for after `keep_alive`.
    pub(super) async fn close(&self, keep_alive: Duration) {
        // Under the lock: a connection that is being taken is counted before.
        self.0.open.send_modify(|_| self.0.closing.store(true, Ordering::Relaxed));
        // Waiting fails when nobody is left to send, and `self` can.
        let mut open = self.0.open.subscribe();
        let _ = timeout(keep_alive, open.wait_for(|open| open.unused == 0)).await;
        let _ = open.wait_for(|open| open.used == 0).await;
    }

    fn poll_accept(&self, listeners: &[TcpListener], cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Peer)>> {
        let mut accepted = Poll::Pending;
        self.0.open.send_if_modified(|open| {
            if !self.0.closing.load(Ordering::Relaxed) {
                accepted = first_ready(listeners, cx);
                open.unused += usize::from(matches!(accepted, Poll::Ready(Ok(_))));
            }
            // Nobody waits for more.
            false
        });
        accepted.map_ok(|(stream, address)| {
            let counted = Counted { drain: self.clone(), is_http1: OnceLock::new() };
            (stream, Peer { address, counted: Arc::new(counted) })
        })
    }
}

fn first_ready(listeners: &[TcpListener], cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
    let mut accepted = listeners.iter().map(|listener| listener.poll_accept(cx));
    accepted.find(Poll::is_ready).unwrap_or(Poll::Pending)
}

/// A connection that counts until it is dropped.
struct Counted {
    drain: Drain,
    /// Known from its first request on.
    is_http1: OnceLock<bool>,
}

impl Counted {
    fn is_used(&self, is_http1: bool) {
        if self.is_http1.set(is_http1).is_ok() {
            self.drain.0.open.send_modify(|open| {
                open.unused -= 1;
                open.used += usize::from(is_http1);
            });
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drain.0.open.send_modify(|open| match self.is_http1.get() {
            None => open.unused -= 1,
            Some(true) => open.used -= 1,
            Some(false) => {}
        });
    }
}

/// The other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    address: SocketAddr,
    counted: Arc<Counted>,
}

/// Listening sockets that are served as one.
pub(super) struct Sockets {
    listeners: Vec<TcpListener>,
    drain: Drain,
}

impl Sockets {
    /// To be called within the runtime.
    pub(super) fn new(listeners: Vec<std::net::TcpListener>, drain: Drain) -> io::Result<Self> {
        let listeners = listeners.into_iter().map(TcpListener::from_std).collect::<Result<_, _>>()?;
        Ok(Self { listeners, drain })
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        poll_fn(|cx| self.drain.poll_accept(&self.listeners, cx)).await
    }
}

/// The service, as one connection has it: requests know where they come from.
#[derive(Clone)]
pub(super) struct OfConnection<S> {
    service: S,
    peer: Peer,
    activity: Activity,
}

impl<S> OfConnection<S> {
    pub(super) fn new(service: S, peer: Peer, activity: Activity) -> Self {
        Self { service, peer, activity }
    }
}

impl<S, B, R> tower_service::Service<Request<B>> for OfConnection<S>
where
    S: tower_service::Service<Request<B>, Response = Response<R>, Future: Unpin>,
{
    type Response = Response<Carried<R>>;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Peer { address, counted } = &self.peer;
        let is_http1 = request.version() < Version::HTTP_2;
        counted.is_used(is_http1);
        request.extensions_mut().insert(ConnectInfo(*address));
        let in_flight = (!is_http1).then(|| self.activity.begin());
        let drain = is_http1.then(|| counted.drain.clone());
        Answer { answer: self.service.call(request), drain, in_flight }
    }
}

/// An answer that ends its connection when the service is closing.
pub(super) struct Answer<F> {
    answer: F,
    /// Those of HTTP/1.
    drain: Option<Drain>,
    /// Those of HTTP/2.
    in_flight: Option<InFlight>,
}

impl<F, B, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<B>, E>> + Unpin,
{
    type Output = Result<Response<Carried<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(cx);
        answer.map_ok(|mut response| {
            if self.drain.as_ref().is_some_and(|drain| drain.0.closing.load(Ordering::Relaxed)) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response.map(|body| Carried::new(body, self.in_flight.take()))
        })
    }
}
