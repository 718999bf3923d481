//! Tables of what was measured, what it is compared with, and what was promised.

use super::series::{Measured, Series, ratio};

/// One subject.
pub(crate) struct Table {
    pub(crate) title: String,
    /// How its rows are measured, for whoever reads the document.
    pub(crate) how: String,
    pub(crate) rows: Vec<Row>,
}

/// One thing that was measured.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    /// What it is compared with, by name; empty when with nothing.
    pub(crate) other: String,
    pub(crate) ratio: String,
    pub(crate) goal: Option<Goal>,
}

/// What was promised.
pub(crate) struct Goal {
    pub(crate) text: String,
    /// `None` when it was not measured.
    pub(crate) met: Option<bool>,
}

impl Goal {
    pub(crate) fn at_most(limit: f64, unit: &str, value: Option<f64>) -> Self {
        Self { text: format!("at most {limit}{unit}"), met: value.map(|value| value <= limit) }
    }

    pub(crate) fn at_least(limit: f64, unit: &str, value: Option<f64>) -> Self {
        Self { text: format!("at least {limit}{unit}"), met: value.map(|value| value >= limit) }
    }

    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        }
    }
}

/// What a measurement is compared with.
pub(crate) struct Other<'a> {
    pub(crate) name: &'a str,
    pub(crate) measured: &'a Measured,
}

impl Row {
    /// A value alone.
    pub(crate) fn alone(what: impl Into<String>, ours: impl Into<String>, goal: Option<Goal>) -> Self {
        Self { what: what.into(), ours: ours.into(), other: String::new(), ratio: String::new(), goal }
    }

    /// Ours divided by the other's: of times, how much slower we are; of rates, how much faster.
    pub(crate) fn relative(
        what: impl Into<String>,
        ours: &Measured,
        other: &Other<'_>,
        show: impl Fn(f64) -> String + Copy,
        goal: impl FnOnce(Option<f64>) -> Option<Goal>,
    ) -> Self {
        let divided = divide(median(ours), median(other.measured));
        Self {
            what: what.into(),
            ours: self::show(ours, show),
            other: format!("{}: {}", other.name, self::show(other.measured, show)),
            ratio: divided.map(ratio).unwrap_or_default(),
            goal: judged(ours, goal(divided)),
        }
    }

    /// The other's time divided by ours: how many times faster we are.
    pub(crate) fn faster(
        what: impl Into<String>,
        ours: &Measured,
        other: &Other<'_>,
        show: impl Fn(f64) -> String + Copy,
        goal: impl FnOnce(Option<f64>) -> Option<Goal>,
    ) -> Self {
        let divided = divide(median(other.measured), median(ours));
        let text = divided.map(|value| format!("{} faster", ratio(value))).unwrap_or_default();
        Self {
            what: what.into(),
            ours: self::show(ours, show),
            other: format!("{}: {}", other.name, self::show(other.measured, show)),
            ratio: text,
            goal: judged(ours, goal(divided)),
        }
    }

    fn cells(&self) -> [String; 6] {
        let (goal, verdict) = match &self.goal {
            Some(goal) => (goal.text.clone(), goal.verdict()),
            None => (String::new(), ""),
        };
        let one_line = |text: &str| text.replace('\n', " ").replace('|', "/");
        [
            one_line(&self.what),
            one_line(&self.ours),
            one_line(&self.other),
            self.ratio.clone(),
            goal,
            verdict.to_owned(),
        ]
    }
}

/// Where ours failed, its goal is missed and not just open.
fn judged(ours: &Measured, goal: Option<Goal>) -> Option<Goal> {
    goal.map(|goal| Goal { met: if ours.is_err() { Some(false) } else { goal.met }, ..goal })
}

pub(crate) fn divide(dividend: Option<f64>, divisor: Option<f64>) -> Option<f64> {
    Some(dividend? / divisor.filter(|divisor| *divisor > 0.0)?)
}

pub(crate) fn median(measured: &Measured) -> Option<f64> {
    measured.as_ref().ok().and_then(Series::median)
}

pub(crate) fn show(measured: &Measured, show: impl Fn(f64) -> String) -> String {
    match measured {
        Ok(series) => series.show(show),
        Err(error) => error.clone(),
    }
}

impl Table {
    /// A subject that could not be measured.
    pub(crate) fn failed(title: &str, error: &anyhow::Error) -> Self {
        let goal = Goal { text: "to be measured".to_owned(), met: Some(false) };
        let rows = vec![Row::alone("all of it", format!("failed: {error:#}"), Some(goal))];
        Self { title: title.to_owned(), how: String::new(), rows }
    }

    /// As Markdown, with columns of even width: the terminal shows the same.
    pub(crate) fn render(&self) -> String {
        let head = ["", "ours", "compared with", "ratio", "goal", ""].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            for (cell, width) in line.iter().zip(widths) {
                text.push_str("| ");
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 1));
            }
            text.push_str("|\n");
            if index == 0 {
                for width in widths {
                    text.push_str("| ");
                    text.extend(std::iter::repeat_n('-', width.max(3)));
                    text.push(' ');
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_missed_or_not_measured() {
        let other = Other { name: "nginx", measured: &Err("not measured".to_owned()) };
        let ours = Ok(Series::default());
        let row = Row::relative(
            "list",
            &ours,
            &other,
            |value| format!("{value}"),
            |ratio| Some(Goal::at_most(2.0, "x", ratio)),
        );
        assert_eq!(row.cells(), ["list", "not measured", "nginx: not measured", "", "at most 2x", "not measured"]);
        assert_eq!(Goal::at_most(2.0, "", Some(2.0)).met, Some(true));
        assert_eq!(Goal::at_least(2.0, "", Some(1.9)).verdict(), "**missed**");
    }
}
