//! An id that ties all lines of the log about a request together.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_forge_a_line_are_not_taken_over() {
        for (id, sensible) in [("a-B_9.", true), ("", false), ("a b", false), ("a\"", false), (&"a".repeat(129), false)]
        {
            assert_eq!(is_sensible(&HeaderValue::from_str(id).unwrap()), sensible, "{id}");
        }
    }
}
