use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// A value that is asked for more often than it changes: made once per `lifetime`, by one caller while
/// the others wait for it.
pub(super) struct Cached<T> {
    lifetime: Duration,
    value: RwLock<Option<(Instant, T)>>,
    making: Mutex<()>,
}

impl<T: Clone> Cached<T> {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, value: RwLock::new(None), making: Mutex::new(()) }
    }

    /// The value, made by `make` when there is none that is young enough. An error is not kept.
    pub(super) async fn get<E>(&self, make: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let _making = self.making.lock().await;
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let value = make.await?;
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    /// The last value there was, however old.
    pub(super) fn last(&self) -> Option<T> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        value.as_ref().map(|(_, value)| value.clone())
    }

    fn fresh(&self) -> Option<T> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        value.as_ref().filter(|(made, _)| made.elapsed() < self.lifetime).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_is_made_once_and_an_error_is_not_kept() {
        let cached = Cached::new(Duration::from_secs(3600));
        assert_eq!(cached.get(async { Err::<u32, _>("down") }).await, Err("down"));
        assert_eq!(cached.get(async { Ok::<_, &str>(1) }).await, Ok(1));
        assert_eq!(cached.get(async { Ok::<_, &str>(2) }).await, Ok(1));
    }
}
