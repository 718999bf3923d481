//! How many wrong passwords a caller may try, and how fast. Knows no clock: the time comes with each call.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::client_address::Caller;

/// So many failures are forgiven at once: a tool with several settings to correct, a hand that slips.
const BURST: u32 = 10;

/// After each such time one more failure is forgiven. Also the longest that somebody who knows the password waits
/// behind the address of somebody who does not. It leaves 17,280 guesses a day.
const FORGIVEN_AFTER: Duration = Duration::from_secs(5);

/// From the fourth failure on, the answer comes later by so much for each.
const SLOWED_BY: Duration = Duration::from_millis(500);
const NOT_SLOWED: u32 = 3;

/// How many callers are remembered; in all less than a megabyte.
const MOST_CALLERS: usize = 4096;

/// Callers with failures that are not forgiven yet, and when all of them will be.
#[derive(Debug, Default)]
pub(super) struct FailedLogins(HashMap<Caller, Instant>);

/// A caller may try, and how many failures it has that are not forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Try {
    pub(super) failures: u32,
}

impl Try {
    /// How long the answer to this try is held back when it was wrong.
    pub(super) fn pause(self) -> Duration {
        SLOWED_BY * (self.failures + 1).saturating_sub(NOT_SLOWED)
    }
}

impl FailedLogins {
    /// Counts a try as a failure until [`FailedLogins::take_back`] says otherwise: of many at once each counts.
    ///
    /// # Errors
    /// The caller has no try left; how long until it has one.
    pub(super) fn begin(&mut self, caller: Caller, now: Instant) -> Result<Try, Duration> {
        let ahead = self.0.get(&caller).map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if let Some(wait) = (ahead + FORGIVEN_AFTER).checked_sub(BURST * FORGIVEN_AFTER).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        if self.0.len() >= MOST_CALLERS && !self.0.contains_key(&caller) {
            self.make_room(now);
        }
        self.0.insert(caller, now + ahead + FORGIVEN_AFTER);
        // At most BURST.
        let failures = ahead.as_nanos().div_ceil(FORGIVEN_AFTER.as_nanos());
        Ok(Try { failures: failures.try_into().unwrap_or(BURST) })
    }

    /// The try was no failure.
    pub(super) fn take_back(&mut self, caller: Caller, now: Instant) {
        if let Some(until) = self.0.get_mut(&caller) {
            *until = until.checked_sub(FORGIVEN_AFTER).unwrap_or(now);
            if *until <= now {
                self.0.remove(&caller);
            }
        }
    }

    /// Forgets who is forgiven, else who has the fewest failures: whoever has many addresses pushes out his own.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= MOST_CALLERS {
            let fewest = self.0.iter().min_by_key(|(_, until)| **until).map(|(caller, _)| *caller);
            fewest.map(|caller| self.0.remove(&caller));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn caller(number: u32) -> Caller {
        Caller::from(IpAddr::from(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn ten_tries_then_one_in_five_seconds() {
        let (mut failed, start) = (FailedLogins::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let failures: Vec<_> = (0..10).map(|_| failed.begin(caller(1), at(0)).unwrap().failures).collect();
        assert_eq!(failures, (0..10).collect::<Vec<_>>());
        assert_eq!(failed.begin(caller(1), at(0)), Err(Duration::from_secs(5)));
        assert_eq!(failed.begin(caller(1), at(4)), Err(Duration::from_secs(1)), "being refused costs nothing");
        assert_eq!(failed.begin(caller(2), at(4)), Ok(Try { failures: 0 }), "another caller");
        assert!(failed.begin(caller(1), at(5)).is_ok());
        assert_eq!(failed.begin(caller(1), at(5)), Err(Duration::from_secs(5)));
        assert_eq!(failed.begin(caller(1), at(55)), Ok(Try { failures: 0 }), "all is forgiven");
    }

    #[test]
    fn the_answers_to_more_than_three_failures_come_later_and_later() {
        let pauses: Vec<_> = (0..10).map(|failures| Try { failures }.pause().as_millis()).collect();
        assert_eq!(pauses, [0, 0, 0, 500, 1000, 1500, 2000, 2500, 3000, 3500]);
    }

    #[test]
    fn right_passwords_cost_no_try() {
        let (mut failed, now) = (FailedLogins::default(), Instant::now());
        for _ in 0..100 {
            failed.begin(caller(1), now).unwrap();
            failed.take_back(caller(1), now);
        }
        assert!(failed.0.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let caller = |text: &str| Caller::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(caller("2001:db8:0:1::1"), caller("2001:db8:0:1:ffff::2"));
        assert_ne!(caller("2001:db8:0:1::1"), caller("2001:db8:0:2::1"));
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
    }

    #[test]
    fn many_callers_push_out_each_other_and_not_the_worst() {
        let (mut failed, now) = (FailedLogins::default(), Instant::now());
        while failed.begin(caller(0), now).is_ok() {}
        for number in 1..20_000 {
            failed.begin(caller(number), now).unwrap();
        }
        assert_eq!(failed.0.len(), MOST_CALLERS);
        assert!(failed.begin(caller(0), now).is_err());
        failed.begin(caller(30_000), now + BURST * FORGIVEN_AFTER).unwrap();
        assert_eq!(failed.0.len(), 1, "the others are forgiven");
    }

    proptest! {
        /// In any time, nobody fails more often than the burst and what is forgiven in that time.
        #[test]
        fn no_rhythm_gets_more_tries(pauses in prop::collection::vec(0u64..12_000, 1..200)) {
            let (mut failed, start) = (FailedLogins::default(), Instant::now());
            let (mut now, mut tries) = (start, 0);
            for pause in pauses {
                now += Duration::from_millis(pause);
                tries += u128::from(failed.begin(caller(1), now).is_ok());
                prop_assert!(tries <= 10 + (now - start).as_millis() / 5_000);
            }
        }

        /// What is said to wait is enough, and a millisecond less is not.
        #[test]
        fn the_wait_is_as_long_as_said(steps in prop::collection::vec(0u64..3_000, 30..60)) {
            let (mut failed, mut now) = (FailedLogins::default(), Instant::now());
            for step in steps {
                now += Duration::from_millis(step);
                if let Err(wait) = failed.begin(caller(1), now) {
                    prop_assert!(failed.begin(caller(1), now + wait - Duration::from_nanos(1)).is_err());
                    now += wait;
                    prop_assert!(failed.begin(caller(1), now).is_ok());
                }
            }
        }
    }
}
