//! Time and chance, which tests replace: no test waits, and each knows how long would have been waited. And the
//! server's time, which need not be ours.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::HeaderMap;

/// Jira takes signatures of OAuth 1.0a that are this old, and certificates and tokens care less.
const CLOCKS_MAY_DIFFER: Duration = Duration::from_secs(5 * 60);

/// What time it is at the server, as its header `Date` has it.
pub(super) fn server_clock(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()
}

/// A sentence about two clocks so far apart that a login may be refused for it.
pub(super) fn clocks_apart(headers: &HeaderMap, own: SystemTime) -> Option<String> {
    let theirs = server_clock(headers)?;
    let apart = theirs.duration_since(own).unwrap_or_else(|error| error.duration());
    (apart > CLOCKS_MAY_DIFFER).then(|| {
        format!(
            "the server's clock and this machine's are {} minutes apart, and signed logins need the right time: set them",
            apart.as_secs() / 60
        )
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_whichever_of_them_is_wrong() {
        let mut headers = HeaderMap::new();
        let own = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(clocks_apart(&headers, own), None);
        for (theirs, apart) in
            [(own + Duration::from_secs(7_200), true), (own - Duration::from_secs(7_200), true), (own, false)]
        {
            headers.insert("Date", httpdate::fmt_http_date(theirs).parse().unwrap());
            let said = clocks_apart(&headers, own);
            assert_eq!(said.is_some_and(|said| said.contains("120 minutes apart")), apart);
        }
    }
}
