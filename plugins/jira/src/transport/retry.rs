//! Whether and when a request is sent again.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

use super::clock::server_clock;

/// First wait after a failure of the server or of the connection.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// First wait when the server is busy and does not say for how long.
const FIRST_WAIT_BUSY: Duration = Duration::from_secs(4);
/// No wait of our own choice is longer; what the server asks for may be.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a try ended with, as far as repeating it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 429, or 503 with `Retry-After`: nothing was done, whatever the method.
    Busy { retry_after: Option<Duration> },
    /// The request was never sent.
    NotSent,
    /// It was sent; whether it was done is unknown.
    Uncertain,
}

impl Trouble {
    /// `None`: an answer that a repetition does not change.
    pub(super) fn of_status(status: u16, retry_after: Option<Duration>) -> Option<Self> {
        match status {
            429 => Some(Self::Busy { retry_after }),
            503 if retry_after.is_some() => Some(Self::Busy { retry_after }),
            500 | 502 | 503 | 504 => Some(Self::Uncertain),
            _ => None,
        }
    }

    /// How long to wait before the next try, the first being number 0. `None`: never again.
    pub(super) fn wait(self, tries: u32, idempotent: bool, spread: f64) -> Option<Duration> {
        let doubled = |first: Duration| {
            let wait = first.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_WAIT);
            Some(wait.mul_f64(spread))
        };
        match self {
            // Never less than told; 0.7 to 1.3 becomes 1.0 to 1.3.
            Self::Busy { retry_after: Some(told) } => Some(told.mul_f64(1.0 + (spread - 0.7) / 2.0)),
            Self::Busy { retry_after: None } => doubled(FIRST_WAIT_BUSY),
            Self::NotSent => doubled(FIRST_WAIT),
            Self::Uncertain => idempotent.then(|| doubled(FIRST_WAIT)).flatten(),
        }
    }
}

/// The header `Retry-After`: seconds, or a date. The date is by the server's clock, which its `Date` shows; ours, or
/// the server's, may be days off.
pub(super) fn retry_after(headers: &HeaderMap, own_clock: SystemTime) -> Option<Duration> {
    /// Nobody waits that long; and such a number does not overflow what is made of it.
    const DAY: u64 = 24 * 60 * 60;
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(DAY)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let now = server_clock(headers).unwrap_or(own_clock);
    // A date has whole seconds, so its second may have begun already.
    Some(date.duration_since(now).unwrap_or_default().min(Duration::from_secs(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_never_fall_below_what_is_told() {
        let waits = |trouble: Trouble, spread| {
            (0..7).map(|n| trouble.wait(n, true, spread).unwrap().as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(waits(Trouble::NotSent, 1.0), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(waits(Trouble::Busy { retry_after: None }, 0.7), [2800, 5600, 11200, 21000, 21000, 21000, 21000]);
        let told = Trouble::Busy { retry_after: Some(Duration::from_secs(100)) };
        assert_eq!(waits(told, 0.7)[..2], [100_000, 100_000]);
        assert_eq!(waits(told, 1.3)[..1], [130_000]);
        assert_eq!(Trouble::Uncertain.wait(0, false, 1.0), None);
        assert!(Trouble::NotSent.wait(u32::MAX, false, 1.0).is_some());
    }

    #[test]
    fn retry_after_in_both_forms() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("Retry-After", text.parse().unwrap());
            retry_after(&headers, httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap())
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:00 GMT"), Some(Duration::from_secs(23)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999"), None);
        assert_eq!(read("9999999999999"), Some(Duration::from_secs(86400)));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
    }

    #[test]
    fn a_date_is_by_the_servers_clock() {
        let mut headers = HeaderMap::new();
        headers.insert("Retry-After", "Sun, 06 Nov 1994 08:50:00 GMT".parse().unwrap());
        headers.insert("Date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        for own_clock in [SystemTime::UNIX_EPOCH, SystemTime::now()] {
            assert_eq!(retry_after(&headers, own_clock), Some(Duration::from_secs(23)));
        }
    }
}
