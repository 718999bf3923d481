//! How long something takes, as numbers of times up to certain limits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The limits, in nanoseconds: from a small answer's time up to the usual `call_timeout`.
const LIMITS: [u64; 16] = {
    let microseconds = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
        15_000_000, 60_000_000,
    ];
    let mut limits = [0; 16];
    let mut index = 0;
    while index < limits.len() {
        limits[index] = microseconds[index] * 1_000;
        index += 1;
    }
    limits
};

/// Times, counted by size.
#[derive(Default)]
pub(super) struct Histogram {
    /// Not cumulative; the last one is for all beyond the limits.
    counts: [AtomicU64; LIMITS.len() + 1],
    nanoseconds: AtomicU64,
}

/// What a histogram holds at one moment.
pub(super) struct Snapshot {
    /// Each limit in seconds, and how many times were up to it.
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) count: u64,
    pub(super) seconds: f64,
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let time = nanoseconds(time);
        let index = LIMITS.iter().position(|limit| time <= *limit).unwrap_or(LIMITS.len());
        self.counts[index].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
    }

    /// What several histograms hold together.
    pub(super) fn sum<'a>(histograms: impl Iterator<Item = &'a Self>) -> Snapshot {
        let (mut counts, mut nanoseconds) = ([0; LIMITS.len() + 1], 0_u64);
        for histogram in histograms {
            for (sum, count) in counts.iter_mut().zip(&histogram.counts) {
                *sum += count.load(Ordering::Relaxed);
            }
            nanoseconds = nanoseconds.wrapping_add(histogram.nanoseconds.load(Ordering::Relaxed));
        }
        // From the same readings as the buckets: what is added meanwhile must not make them contradict.
        let mut count = 0;
        let mut buckets = Vec::with_capacity(LIMITS.len());
        for (limit, of_limit) in LIMITS.iter().zip(counts) {
            count += of_limit;
            buckets.push((seconds(*limit), count));
        }
        Snapshot { buckets, count: count + counts[LIMITS.len()], seconds: seconds(nanoseconds) }
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_for_its_limit_and_all_above() {
        let histograms = [Histogram::default(), Histogram::default()];
        for (index, milliseconds) in [1, 2, 70_000].into_iter().enumerate() {
            histograms[index % 2].observe(Duration::from_millis(milliseconds));
        }
        let Snapshot { buckets, count, seconds } = Histogram::sum(histograms.iter());
        let up_to = |limit: f64| buckets.iter().find(|bucket| bucket.0 == limit).unwrap().1;
        assert_eq!((up_to(0.0005), up_to(0.001), up_to(0.0025), up_to(60.0), count), (0, 1, 2, 2, 3));
        assert_eq!(seconds, 70.003);
    }
}
