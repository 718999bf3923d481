//! What Jira said a while ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Metadata is asked for again after this.
const LIFETIME: Duration = Duration::from_secs(600);

/// Answers by what was asked. Errors are not kept. Two threads may ask at the same time: the last answer stays.
pub(crate) struct Cached<K, V>(Mutex<HashMap<K, (Instant, Arc<V>)>>, AtomicU64);

impl<K, V> Default for Cached<K, V> {
    fn default() -> Self {
        Self(Mutex::default(), AtomicU64::new(0))
    }
}

impl<K: Eq + Hash, V> Cached<K, V> {
    pub(crate) fn get<E>(&self, key: K, ask: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        if let Some((asked, value)) = self.known().get(&key)
            && asked.elapsed() < LIFETIME
        {
            self.1.fetch_add(1, Ordering::Relaxed);
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(ask()?);
        self.known().insert(key, (Instant::now(), Arc::clone(&value)));
        Ok(value)
    }

    /// How often nothing had to be asked.
    pub(crate) fn hits(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    /// When it was asked for last.
    pub(crate) fn age(&self, key: &K) -> Option<Duration> {
        self.known().get(key).map(|(asked, _)| asked.elapsed())
    }

    /// All of it is asked for again.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<K, (Instant, Arc<V>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_and_an_error_is_not() {
        let cached = Cached::default();
        assert_eq!(cached.get("a", || Err::<u8, _>("down")), Err("down"));
        assert_eq!(cached.get("a", || Ok::<_, &str>(1)).as_deref(), Ok(&1));
        assert_eq!(cached.get("a", || Ok::<_, &str>(2)).as_deref(), Ok(&1));
        assert_eq!(cached.hits(), 1);
        assert_eq!(cached.get("b", || Ok::<_, &str>(2)).as_deref(), Ok(&2));
        cached.forget();
        assert_eq!(cached.get("a", || Ok::<_, &str>(2)).as_deref(), Ok(&2));
    }
}
