//! Handshakes that fail: with whom, why, and how many.
//!
//! Whoever scans ports makes as many of them as he likes. So each is counted, and in the log at DEBUG; a warning there
//! is of one cause at one address, and not again within an hour.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum_server::accept::Accept;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::{CertificateError, InvalidMessage};
use tokio::net::TcpStream;

use crate::serve::client_address::Caller;
use crate::serve::metrics::Metrics;

/// After so long the same is warned of again.
const WARN_AGAIN: Duration = Duration::from_secs(60 * 60);

/// So many warnings are remembered; while there are more, further ones are not given.
const MOST_WARNINGS: usize = 100;

/// Why there is no TLS on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::serve) enum Failure {
    /// Such as HTTP.
    NotTls,
    /// The caller needs a certificate, and showed none.
    NoCertificate,
    /// The caller's certificate is not of those in `ssl_ca_cert`.
    UnknownAuthority,
    /// The caller's certificate has another fault: it has expired, for instance.
    BadCertificate,
    /// The caller gave up; most often it does not trust the service's certificate.
    GivenUp,
    /// No version or cipher that both know.
    Incompatible,
    /// The caller was gone before the end: so do checks of a load balancer.
    Left,
    TimedOut,
    Other,
}

impl Failure {
    pub(in crate::serve) const ALL: [Self; 9] = [
        Self::NotTls,
        Self::NoCertificate,
        Self::UnknownAuthority,
        Self::BadCertificate,
        Self::GivenUp,
        Self::Incompatible,
        Self::Left,
        Self::TimedOut,
        Self::Other,
    ];

    pub(in crate::serve) fn name(self) -> &'static str {
        match self {
            Self::NotTls => "not_tls",
            Self::NoCertificate => "no_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::BadCertificate => "bad_certificate",
            Self::GivenUp => "given_up",
            Self::Incompatible => "incompatible",
            Self::Left => "left",
            Self::TimedOut => "timed_out",
            Self::Other => "other",
        }
    }

    fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Self::NotTls,
            Some(rustls::Error::NoCertificatesPresented) => Self::NoCertificate,
            // A bad signature: of another authority with the same name.
            Some(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => Self::UnknownAuthority,
            Some(rustls::Error::InvalidCertificate(_)) => Self::BadCertificate,
            Some(rustls::Error::AlertReceived(_)) => Self::GivenUp,
            Some(rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol) => Self::Incompatible,
            Some(_) => Self::Other,
            None if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            None => Self::Left,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotTls => "what it sends is not TLS; addresses of this service begin with `https://`",
            Self::NoCertificate => "it shows no certificate, and `ssl_ca_cert` demands one",
            Self::UnknownAuthority => "its certificate is not signed by an authority in `ssl_ca_cert`",
            Self::BadCertificate => "its certificate cannot be used",
            Self::GivenUp => "it gave up; does it trust the authority of this service's certificate?",
            Self::Incompatible => "it needs a version or a cipher that is not there, such as TLS 1.1",
            Self::Left => "it has closed the connection",
            Self::TimedOut => "it takes too long",
            Self::Other => "it does not keep to the protocol",
        }
    }
}

/// Accepts connections through what makes TLS of them.
#[derive(Clone)]
pub(in crate::serve) struct Handshakes<A> {
    inner: A,
    metrics: Arc<Metrics>,
    warned: Arc<Mutex<Warned>>,
}

impl<A> Handshakes<A> {
    pub(in crate::serve) fn of(inner: A, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics, warned: Arc::default() }
    }

    fn failed(&self, address: IpAddr, error: &io::Error) {
        let failure = Failure::of(error);
        self.metrics.fail_handshake(failure);
        let (caller, words) = (Caller::from(address), failure.words());
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if failure != Failure::Left && warned.is_new((caller, failure), Instant::now()) {
            drop(warned);
            tracing::warn!(
                "no TLS with {address}: {words} ({error}); from there the same is logged at DEBUG for an hour"
            );
        } else {
            drop(warned);
            tracing::debug!("no TLS with {address}: {words} ({error})");
        }
    }
}

impl<A, S> Accept<TcpStream, S> for Handshakes<A>
where
    A: Accept<TcpStream, S, Future: Send + 'static> + Clone + Send + Sync + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (handshakes, peer) = (self.clone(), stream.peer_addr());
        let accepting = self.inner.accept(stream, service);
        async move {
            let accepted = accepting.await;
            if let (Err(error), Ok(peer)) = (&accepted, peer) {
                handshakes.failed(peer.ip().to_canonical(), error);
            }
            accepted
        }
        .boxed()
    }
}

/// What was warned of, and when.
#[derive(Default)]
struct Warned(HashMap<(Caller, Failure), Instant>);

impl Warned {
    /// Is a warning due? Then it counts as given.
    fn is_new(&mut self, warning: (Caller, Failure), now: Instant) -> bool {
        let is_recent = |given: &Instant| now.saturating_duration_since(*given) < WARN_AGAIN;
        if self.0.get(&warning).is_some_and(is_recent) {
            return false;
        }
        if self.0.len() >= MOST_WARNINGS {
            self.0.retain(|_, given| is_recent(given));
        }
        let has_room = self.0.len() < MOST_WARNINGS;
        if has_room {
            self.0.insert(warning, now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: u8) -> Caller {
        Caller::from(IpAddr::from([192, 0, 2, number]))
    }

    #[test]
    fn the_same_is_warned_of_once_an_hour_and_a_scan_cannot_fill_the_log() {
        let (mut warned, now) = (Warned::default(), Instant::now());
        assert!(warned.is_new((caller(0), Failure::NotTls), now));
        assert!(!warned.is_new((caller(0), Failure::NotTls), now + WARN_AGAIN / 2));
        assert!(warned.is_new((caller(0), Failure::NoCertificate), now), "another cause");
        let given = (1..=200).filter(|number| warned.is_new((caller(*number), Failure::NotTls), now)).count();
        assert_eq!(given, MOST_WARNINGS - 2);
        assert!(warned.is_new((caller(0), Failure::NotTls), now + WARN_AGAIN));
        assert!(warned.is_new((caller(201), Failure::NotTls), now + WARN_AGAIN), "there is room again");
    }

    #[test]
    fn each_failure_has_a_name_and_a_place_of_its_own() {
        let mut names: Vec<_> = Failure::ALL.map(Failure::name).into();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Failure::ALL.len());
        assert!(Failure::ALL.iter().enumerate().all(|(index, failure)| *failure as usize == index));
    }
}
