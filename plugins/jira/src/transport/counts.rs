//! What the transport counts for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since the process began.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Tries, redirects among them.
    sent: AtomicU64,
    repeated: AtomicU64,
    limited: AtomicU64,
}

impl Counts {
    pub(super) fn add_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_repeated(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that were sent, each try by itself.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Tries after the first.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Answers that say that there were too many requests.
    pub(crate) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }
}
