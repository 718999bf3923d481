//! How a check ends.

use super::report::Failure;

pub(super) type Verdict = Result<(), Stop>;

/// How a check ends that does not pass.
pub(super) enum Stop {
    Failed(Vec<Failure>),
    Skipped(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(vec![failure])
    }
}

/// Goes on after a failure, so that a report shows all of them.
pub(super) fn all<E: Into<Stop>>(verdicts: impl IntoIterator<Item = Result<(), E>>) -> Verdict {
    let (mut failures, mut skipped) = (Vec::new(), None);
    for verdict in verdicts {
        match verdict.map_err(E::into) {
            Ok(()) => {}
            Err(Stop::Failed(more)) => failures.extend(more),
            Err(Stop::Skipped(why)) => skipped = Some(why),
        }
    }
    match skipped {
        _ if !failures.is_empty() => Err(Stop::Failed(failures)),
        Some(why) => Err(Stop::Skipped(why)),
        None => Ok(()),
    }
}
