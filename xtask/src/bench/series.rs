//! What was measured several times, and how it is shown.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Values of one kind, in the order in which they were measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl From<Vec<f64>> for Series {
    fn from(values: Vec<f64>) -> Self {
        Self(values)
    }
}

impl Series {
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(sorted[middle]),
            _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }

    /// `median (min–max, number of runs)`, each value as `show` has it.
    pub(crate) fn show(&self, show: impl Fn(f64) -> String) -> String {
        match (self.median(), self.min(), self.max()) {
            (Some(median), Some(min), Some(max)) => {
                format!("{} ({}–{}, n={})", show(median), show(min), show(max), self.0.len())
            }
            _ => "not measured".to_owned(),
        }
    }
}

/// A time in seconds.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..0.01 => format!("{:.2} ms", seconds * 1e3),
        ..0.1 => format!("{:.1} ms", seconds * 1e3),
        ..1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Times of something in a second.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}/s") } else { format!("{}/s", count(per_second.round() as u64)) }
}

/// A number with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A comparison of two values.
pub(crate) fn ratio(ratio: f64) -> String {
    match ratio {
        ..10.0 => format!("{ratio:.2}x"),
        ..100.0 => format!("{ratio:.1}x"),
        _ => format!("{}x", count(ratio.round() as u64)),
    }
}

/// What came of measuring: the values, or why there are none.
pub(crate) type Measured = std::result::Result<Series, String>;

/// Something that is measured turn by turn with others.
pub(crate) struct Turn<'a> {
    /// `None` when there is nothing to measure.
    run: Option<Box<dyn FnMut() -> Result<Vec<f64>> + 'a>>,
}

impl<'a> Turn<'a> {
    /// Each run of it gives one value or several.
    pub(crate) fn new(run: impl FnMut() -> Result<Vec<f64>> + 'a) -> Self {
        Self { run: Some(Box::new(run)) }
    }

    /// The same with a program that may not be installed.
    pub(crate) fn of<T>(program: Option<T>, mut run: impl FnMut(&mut T) -> Result<Vec<f64>> + 'a) -> Self
    where
        T: 'a,
    {
        program.map_or(Self { run: None }, |mut program| Self::new(move || run(&mut program)))
    }
}

/// Runs all of them in each round, so that whatever else the machine does meets all of them alike. Who
/// has used up the budget or failed sits out.
pub(crate) fn interleave<const N: usize>(rounds: usize, budget: Duration, turns: [Turn<'_>; N]) -> [Measured; N] {
    let mut turns = turns.map(|turn| (turn, Duration::ZERO, Ok(Series::default())));
    for _ in 0..rounds {
        for (turn, spent, measured) in &mut turns {
            let (Some(run), Ok(series)) = (&mut turn.run, &mut *measured) else { continue };
            if *spent >= budget {
                continue;
            }
            let begun = Instant::now();
            match run() {
                Ok(values) => series.0.extend(values),
                Err(error) => *measured = Err(format!("failed: {:.200}", format!("{error:#}"))),
            }
            *spent += begun.elapsed();
        }
    }
    turns.map(|(turn, _, measured)| if turn.run.is_some() { measured } else { Err("not measured".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_extremes_are_shown() {
        let series = |values: &[f64]| Series(values.to_vec());
        assert_eq!(series(&[]).median(), None);
        assert_eq!(series(&[3.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(series(&[4.0, 1.0, 2.0, 3.0]).median(), Some(2.5));
        assert_eq!(series(&[0.002, 0.001, 0.3]).show(time), "2.00 ms (1.00 ms–300 ms, n=3)");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(100), "100");
    }

    #[test]
    fn who_fails_or_takes_too_long_sits_out_and_the_others_go_on() {
        let turns = [
            Turn::new(|| Ok(vec![1.0, 2.0])),
            Turn::new(|| anyhow::bail!("broken")),
            Turn::new(|| {
                std::thread::sleep(Duration::from_millis(30));
                Ok(vec![1.0])
            }),
            Turn::of(None::<()>, |()| Ok(vec![])),
        ];
        let [all, failed, once, missing] = interleave(3, Duration::from_millis(20), turns);
        assert_eq!(all.unwrap().0.len(), 6);
        assert_eq!(failed.unwrap_err(), "failed: broken");
        assert_eq!(missing.unwrap_err(), "not measured");
        assert_eq!(once.unwrap().0.len(), 1);
    }
}
