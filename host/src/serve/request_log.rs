//! Whom a request comes from, and an id that ties all lines of the log about it together.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use tracing::Span;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a caller.
const MAX_ID_BYTES: usize = 128;

/// What ties an answer to the lines of the log about it.
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's own where it sent a sensible one, else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(&REQUEST_ID).filter(|id| is_sensible(id)).cloned().unwrap_or_else(fresh_id))
    }

    /// What is logged within it shows the id.
    pub(super) fn span(&self) -> Span {
        tracing::info_span!("request", request_id = self.0.to_str().unwrap_or_default())
    }

    pub(super) fn put_into(self, response: &mut Response) {
        response.headers_mut().insert(REQUEST_ID, self.0);
    }
}

/// Letters, digits and `-_.`: nothing that could forge a line of the log.
fn is_sensible(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    !id.is_empty()
        && id.len() <= MAX_ID_BYTES
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// A number of this process' own and one that counts: unique enough to find a request in the logs of
/// several hosts, and cheaper than asking for random bytes each time.
fn fresh_id() -> HeaderValue {
    static PROCESS: LazyLock<u32> = LazyLock::new(|| {
        let mut random = [0; 4];
        // Ids only tell requests apart: without randomness they still do within one host.
        let _ = getrandom::fill(&mut random);
        u32::from_ne_bytes(random)
    });
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = u64::from(*PROCESS) << 32 | u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
    // By hand: `format!` was a visible part of a small answer's time.
    let id: [u8; 16] = std::array::from_fn(|place| b"0123456789abcdef"[(number >> (60 - 4 * place) & 15) as usize]);
    HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("0"))
}

/// Where the caller's address is found when proxies stand between.
#[derive(Debug, Clone, Default)]
pub struct ClientAddress(Arc<Sources>);

#[derive(Debug, Default)]
struct Sources {
    real_ip_header: Option<HeaderName>,
    proxies_count: usize,
    forwarded_secret: Option<String>,
}

impl ClientAddress {
    /// As the reference service does: the element of `Forwarded` that has the secret, else
    /// `real_ip_header`, else as many entries of `X-Forwarded-For` from its end as there are proxies,
    /// else the connection's other end. The address is for the log only.
    #[must_use]
    pub fn new(real_ip_header: Option<HeaderName>, proxies_count: usize, forwarded_secret: Option<String>) -> Self {
        Self(Arc::new(Sources { real_ip_header, proxies_count, forwarded_secret }))
    }

    pub(super) fn of_request(&self, request: &Request) -> Address {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        self.of(request.headers(), peer)
    }

    fn of(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Address {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let by_secret = || {
            let secret = self.0.forwarded_secret.as_deref()?;
            forwarded_for(text(&HeaderName::from_static("forwarded"))?, secret)
        };
        let by_header = || text(self.0.real_ip_header.as_ref()?).map(|address| address.trim().to_owned());
        let by_count = || {
            let hops: Vec<_> = text(&HeaderName::from_static("x-forwarded-for"))?.split(',').map(str::trim).collect();
            let index = hops.len().checked_sub(self.0.proxies_count.max(1))?;
            (self.0.proxies_count > 0).then(|| hops[index].to_owned())
        };
        let claimed = by_secret().or_else(by_header).or_else(by_count);
        // What a header claims is shown only when it is an address.
        let claimed = claimed.filter(|address| address.trim_matches(['[', ']']).parse::<IpAddr>().is_ok());
        claimed.map_or(Address::Peer(peer), Address::Claimed)
    }
}

/// A caller's address, as text only when somebody wants to see it.
pub(super) enum Address {
    Claimed(String),
    Peer(Option<SocketAddr>),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed(address) => f.write_str(address),
            Self::Peer(Some(peer)) => peer.ip().fmt(f),
            Self::Peer(None) => f.write_str("-"),
        }
    }
}

/// `for` of the element of a `Forwarded` header (RFC 7239) that holds the secret.
fn forwarded_for(header: &str, secret: &str) -> Option<String> {
    header.split(',').find_map(|element| {
        let pairs: Vec<_> = element.split(';').filter_map(|pair| pair.trim().split_once('=')).collect();
        let value = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            pair.map(|(_, value)| value.trim_matches('"'))
        };
        (value("secret")? == secret).then(|| value("for").map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(settings: &ClientAddress, headers: &[(&'static str, &str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        settings.of(&headers.collect(), Some("192.0.2.1:9".parse().unwrap())).to_string()
    }

    #[test]
    fn headers_count_only_as_configured() {
        let all = [
            ("x-real-ip", "198.51.100.1"),
            ("x-forwarded-for", "203.0.113.1, 203.0.113.2, 203.0.113.3"),
            ("forwarded", "for=198.51.100.8;secret=other, for=\"198.51.100.9\";Secret=s"),
        ];
        assert_eq!(address(&ClientAddress::default(), &all), "192.0.2.1");
        let real_ip = || Some(HeaderName::from_static("x-real-ip"));
        assert_eq!(address(&ClientAddress::new(real_ip(), 0, None), &all), "198.51.100.1");
        assert_eq!(address(&ClientAddress::new(None, 2, None), &all), "203.0.113.2");
        assert_eq!(address(&ClientAddress::new(None, 4, None), &all), "192.0.2.1");
        assert_eq!(address(&ClientAddress::new(None, 0, Some("s".to_owned())), &all), "198.51.100.9");
        assert_eq!(address(&ClientAddress::new(real_ip(), 0, None), &[("x-real-ip", "me\" evil")]), "192.0.2.1");
    }

    #[test]
    fn ids_that_could_forge_a_line_are_not_taken_over() {
        for (id, sensible) in [("a-B_9.", true), ("", false), ("a b", false), ("a\"", false), (&"a".repeat(129), false)]
        {
            assert_eq!(is_sensible(&HeaderValue::from_str(id).unwrap()), sensible, "{id}");
        }
    }
}
