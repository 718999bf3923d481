//! Time and chance, which tests replace: no test waits, and each knows how long would have been waited.

use std::time::{Duration, Instant, SystemTime};

/// What the transport knows of time. Called from many threads at once.
pub(crate) trait Clock: Send + Sync {
    /// Now, for deadlines.
    fn now(&self) -> Instant;
    /// Now by the calendar, for dates that servers and configurations name.
    fn wall(&self) -> SystemTime;
    /// Blocks this thread.
    fn sleep(&self, time: Duration);
    /// A random factor of 0.7 to 1.3: clients that were refused together do not come back together.
    fn spread(&self) -> f64;
}

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn spread(&self) -> f64 {
        0.7 + 0.6 * fastrand::f64()
    }
}
