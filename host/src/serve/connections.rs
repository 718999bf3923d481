//! How many connections there are, and which of them stand still for too long.
//!
//! hyper's own limits begin with a request's first byte and end with its last: a connection that never sends one, or
//! whose answer nobody reads, is found here. Between the two a connection may be silent, as long as the plugin works.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::client_address::Caller;
use super::idle::Activity;

/// How many connections are kept. Most systems let a program open 1,024 files: the rest is for the plugin's calls.
const MOST: usize = 768;

/// How many of them one caller may have, so that one machine alone cannot lock all others out.
const MOST_OF_ONE: usize = MOST / 2;

/// How long nothing of an answer may be taken by its reader. Some tools stop reading while they work on what they have.
pub(super) const WRITE_PAUSE: Duration = Duration::from_secs(120);

/// How a connection with HTTP/2 begins. Until it is told from HTTP/1 no limit of hyper's applies.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The connections' limits. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    places: Arc<Mutex<Places>>,
    /// Of one caller.
    share: usize,
}

#[derive(Default)]
struct Places {
    total: usize,
    taken: HashMap<Caller, usize>,
    /// Somebody was refused, and the log says so.
    full: bool,
}

/// One connection's; given back when dropped.
struct Place(Arc<Mutex<Places>>, Caller);

impl Connections {
    /// Without connections. `behind_proxies`: one address may be that of many callers.
    pub(super) fn new(behind_proxies: bool) -> Self {
        Self { places: Arc::default(), share: if behind_proxies { MOST } else { MOST_OF_ONE } }
    }

    /// What accepts connections through `inner`. A connection has `patience` for its first bytes.
    pub(super) fn guard<A>(self, inner: A, patience: Duration) -> Guard<A> {
        Guard { inner, connections: self, patience }
    }

    fn place(&self, address: IpAddr) -> Option<Place> {
        let caller = Caller::from(address);
        let mut places = lock(&self.places);
        let of_one = places.taken.get(&caller).copied().unwrap_or(0);
        if places.total >= MOST || of_one >= self.share {
            if !std::mem::replace(&mut places.full, true) {
                let (total, share) = (places.total, self.share);
                tracing::warn!(
                    "more connections are closed at once: there are {total} of at most {MOST}, {of_one} of them from \
                     {address}, which may have {share}"
                );
            }
            return None;
        }
        places.total += 1;
        *places.taken.entry(caller).or_default() += 1;
        Some(Place(Arc::clone(&self.places), caller))
    }
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = lock(&self.0);
        places.total -= 1;
        if let Some(of_one) = places.taken.get_mut(&self.1) {
            *of_one -= 1;
            if *of_one == 0 {
                places.taken.remove(&self.1);
            }
        }
        // Not at the first one that ends: the log would say it over and over.
        places.full &= places.total > MOST_OF_ONE / 2;
    }
}

/// Accepts connections as long as there are places.
#[derive(Clone)]
pub(super) struct Guard<A> {
    inner: A,
    connections: Connections,
    patience: Duration,
}

impl<A, S> Accept<TcpStream, S> for Guard<A>
where
    A: Accept<TcpStream, S, Future: Send + 'static>,
{
    type Stream = Guarded<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().and_then(|peer| {
            let full = || io::Error::from(io::ErrorKind::QuotaExceeded);
            self.connections.place(peer.ip()).ok_or_else(full)
        });
        let accepted = place.map(|place| (place, self.inner.accept(stream, service)));
        let patience = self.patience;
        async move {
            let (place, accepted) = accepted?;
            let (stream, service) = accepted.await?;
            Ok((Guarded::new(stream, patience, Some(place)), service))
        }
        .boxed()
    }
}

/// A connection that fails when it stands still.
pub(super) struct Guarded<S> {
    stream: S,
    /// Until it is known which HTTP is spoken: when that has to be, and how much of the preface has come.
    greeting: Option<(Pin<Box<Sleep>>, usize)>,
    /// Since nothing can be written: when that is too long.
    stalled: Option<Pin<Box<Sleep>>>,
    activity: Activity,
    _place: Option<Place>,
}

impl<S> Guarded<S> {
    fn new(stream: S, patience: Duration, place: Option<Place>) -> Self {
        let greeting = Some((Box::pin(sleep(patience)), 0));
        Self { stream, greeting, stalled: None, activity: Activity::default(), _place: place }
    }

    /// What happens on it.
    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    fn greeted(&mut self, bytes: &[u8]) {
        if let Some((_, matched)) = &mut self.greeting {
            let expected = &PREFACE[*matched..];
            if bytes.len() < expected.len() && expected.starts_with(bytes) {
                *matched += bytes.len();
            } else {
                if bytes.starts_with(expected) {
                    self.activity.speaks_http2();
                }
                self.greeting = None;
            }
        }
    }

    fn watched<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_PAUSE)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.greeted(&buffer.filled()[before..]);
        } else if let Some((patience, _)) = &mut self.greeting {
            ready!(patience.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watched(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watched(cx, ended)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, advance};

    const PATIENCE: Duration = Duration::from_secs(5);

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn one_caller_has_half_of_the_places_and_all_callers_have_all() {
        let connections = Connections::new(false);
        let mut places: Vec<_> = std::iter::from_fn(|| connections.place(address(1))).collect();
        assert_eq!(places.len(), 384);
        places.extend(std::iter::from_fn(|| connections.place(address(2))));
        assert_eq!(places.len(), 768);
        assert!(connections.place(address(3)).is_none());
        places.pop();
        assert!(connections.place(address(3)).is_some());
        places.clear();
        let places = lock(&connections.places);
        assert_eq!((places.total, places.taken.len(), places.full), (0, 0, false));
    }

    #[test]
    fn a_proxy_may_have_all_places() {
        let connections = Connections::new(true);
        assert_eq!(std::iter::from_fn(|| connections.place(address(1))).collect::<Vec<_>>().len(), 768);
    }

    fn guarded(buffer: usize) -> (DuplexStream, Guarded<DuplexStream>) {
        let (there, here) = duplex(buffer);
        (there, Guarded::new(here, PATIENCE, None))
    }

    async fn read_error(stream: &mut Guarded<DuplexStream>) -> io::ErrorKind {
        loop {
            if let Err(error) = stream.read_u8().await {
                return error.kind();
            }
        }
    }

    // In these the clock stands still while anything can happen, and jumps to the next moment that is waited for.

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_or_only_seems_to_begin_fails() {
        for sent in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let begun = Instant::now();
            let (mut there, mut here) = guarded(64);
            there.write_all(sent).await.unwrap();
            assert_eq!(read_error(&mut here).await, io::ErrorKind::TimedOut, "{sent:?}");
            assert_eq!(begun.elapsed(), PATIENCE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_has_begun_may_be_silent() {
        for sent in [&b"G"[..], b"PUT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"] {
            let (mut there, mut here) = guarded(64);
            for byte in sent {
                there.write_u8(*byte).await.unwrap();
                assert_eq!(here.read_u8().await.unwrap(), *byte);
            }
            let silent = tokio::time::timeout(100 * PATIENCE, here.read_u8()).await;
            assert!(silent.is_err(), "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_fails_and_one_that_is_read_slowly_does_not() {
        let (mut there, mut here) = guarded(1);
        for _ in 0..5 {
            here.write_all(b"x").await.unwrap();
            let reading = async {
                advance(WRITE_PAUSE - Duration::from_secs(1)).await;
                there.read_u8().await
            };
            let (written, read) = tokio::join!(here.write_all(b"y"), reading);
            written.unwrap();
            read.unwrap();
            there.read_u8().await.unwrap();
        }
        let begun = Instant::now();
        let error = here.write_all(b"nobody reads this").await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, WRITE_PAUSE));
    }
}
