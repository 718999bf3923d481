//! Takes connections, and serves each on a task of its own.
//!
//! Not axum-server's loop: with that one a single connection cannot be told to end.

use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::Accept;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower_http::normalize_path::NormalizePath;

use super::connections::{Guard, WRITE_PAUSE};
use super::drain::{OfConnection, Peer, Sockets};
use super::gate::Service;

/// After a connection could not be taken, such as for want of files.
const PAUSE: Duration = Duration::from_millis(50);
/// The same trouble is not told again before.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What is done with each connection. Cheap to clone.
#[derive(Clone)]
pub(super) struct Serving<A> {
    pub(super) guard: Guard<A>,
    pub(super) http: Arc<Builder<TokioExecutor>>,
    /// A path with a slash at its end means the same as without, as with the reference service.
    pub(super) service: NormalizePath<Service>,
    /// How long a connection of HTTP/2 may have no request in flight; `http` has the limit of HTTP/1.
    pub(super) keep_alive: Duration,
}

impl<A> Serving<A>
where
    A: Accept<TcpStream, (), Service = (), Stream: AsyncRead + AsyncWrite + Unpin + Send, Future: Send>,
    A: Clone + Send + Sync + 'static,
    A::Future: 'static,
    A::Stream: 'static,
{
    /// Serves what comes until `end` says how long the connections that are there then may still take.
    pub(super) async fn until(self, end: impl Future<Output = Duration>, sockets: Sockets) {
        let (told, ending) = watch::channel(());
        let (mut end, mut connections) = (pin!(end), JoinSet::new());
        let mut told_at = None;
        let grace = loop {
            tokio::select! {
                biased;
                grace = &mut end => break grace,
                Some(_) = connections.join_next() => {}
                taken = sockets.accept() => match taken {
                    Ok((stream, peer)) => {
                        connections.spawn(self.clone().connection(stream, peer, ending.clone()));
                    }
                    // Only that caller is gone.
                    Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionReset) => {}
                    Err(error) => {
                        if told_at.is_none_or(|at: Instant| at.elapsed() >= TELL_AGAIN) {
                            told_at = Some(Instant::now());
                            tracing::error!(
                                "no connection can be taken, callers have to wait: {error}; when files are missing, \
                                 raise `LimitNOFILE=` of the unit, or `ulimit -n`"
                            );
                        }
                        sleep(PAUSE).await;
                    }
                },
            }
        };
        // From now on new ones are refused, or wait for the next process.
        drop((sockets, told));
        let _ = timeout(grace, async { while connections.join_next().await.is_some() {} }).await;
        connections.shutdown().await;
    }

    async fn connection(self, stream: TcpStream, peer: Peer, mut ending: watch::Receiver<()>) {
        let Ok((stream, ())) = self.guard.accept(stream, ()).await else { return };
        let activity = stream.activity().clone();
        let service = OfConnection::new(self.service, peer, activity.clone());
        let mut http = pin!(self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        tokio::select! {
            biased;
            _ = &mut http => return,
            // It fails when the sender is gone, which is the sign.
            _ = ending.changed() => {}
            () = activity.idle_for(self.keep_alive) => {}
        }
        http.as_mut().graceful_shutdown();
        tokio::select! {
            _ = &mut http => {}
            // It does not take the last of an answer, or does not go.
            () = activity.idle_for(WRITE_PAUSE) => {}
        }
    }
}
