//! What came of the checks, for people.

use std::fmt;

use super::check::Check;

/// What came of all checks. Printed, it says everything that an author needs; see the module's
/// documentation for an example.
#[derive(Debug, Clone)]
#[must_use = "a report that nobody looks at finds no fault"]
pub struct Report {
    pub(super) client: &'static str,
    pub(super) outcomes: Vec<(Check, Outcome)>,
    pub(super) left_behind: Vec<String>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The client keeps the contract.
    Passed,
    /// It does not, in these places.
    Failed(Vec<Failure>),
    /// It was not looked at, and why.
    Skipped(String),
}

/// One call that was not answered as the contract wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The operation and its request, shortened.
    pub asked: String,
    /// What came back, shortened.
    pub answered: String,
    /// What the contract wants.
    pub wanted: String,
    /// What the author can do about it.
    pub to_do: String,
}

impl Report {
    /// Every check that applies, in the order in which they ran.
    #[must_use]
    pub fn outcomes(&self) -> &[(Check, Outcome)] {
        &self.outcomes
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = (Check, &[Failure])> {
        self.outcomes.iter().filter_map(|(check, outcome)| match outcome {
            Outcome::Failed(failures) => Some((*check, failures.as_slice())),
            _ => None,
        })
    }

    /// The checks that were not made, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (Check, &str)> {
        self.outcomes.iter().filter_map(|(check, outcome)| match outcome {
            Outcome::Skipped(why) => Some((*check, why.as_str())),
            _ => None,
        })
    }

    /// The checks that passed.
    pub fn passed(&self) -> impl Iterator<Item = Check> {
        self.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).map(|(check, _)| *check)
    }

    /// The ids of the defects that were created and could not be deleted again, each with the reason.
    #[must_use]
    pub fn left_behind(&self) -> &[String] {
        &self.left_behind
    }

    /// For tests: fails with the whole report when a check failed.
    ///
    /// # Panics
    /// When a check failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, passed) = (self.failed().count(), self.passed().count());
        let verdict = if failed == 0 { "keeps" } else { "breaks" };
        writeln!(
            f,
            "`{}` {verdict} the contract of a defect client: {failed} failed, {passed} passed, {} skipped",
            self.client,
            self.skipped().count()
        )?;
        for (check, failures) in self.failed() {
            writeln!(f, "\nFAILED {}: {}", check.name(), check.rule())?;
            for failure in failures {
                for (label, text) in [
                    ("asked", &failure.asked),
                    ("answered", &failure.answered),
                    ("contract", &failure.wanted),
                    ("to do", &failure.to_do),
                ] {
                    writeln!(f, "  {:<10}{}", format!("{label}:"), text.replace('\n', "\n            "))?;
                }
            }
        }
        if self.skipped().next().is_some() {
            writeln!(f, "\nskipped:")?;
            for (check, why) in self.skipped() {
                writeln!(f, "  {:<26}{why}", check.name())?;
            }
        }
        if !self.left_behind.is_empty() {
            writeln!(f, "\nleft behind, delete by hand:")?;
            for defect in &self.left_behind {
                writeln!(f, "  {defect}")?;
            }
        }
        let passed: Vec<&str> = self.passed().map(Check::name).collect();
        write!(f, "\npassed: {}", passed.join(", "))
    }
}
