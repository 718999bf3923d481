//! A client that must not write.

use crate::conformance::call::{Exchange, Refusal};
use crate::conformance::report::Failure;
use crate::conformance::samples::State;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Verdict, all};
use crate::error::ClientError;
use crate::model::{DefectWithId, Protocol, ProtocolledString};

/// All three writes. Of a defect that is there, where there is one: what is not there cannot be
/// written, read-only or not.
fn writes(tracker: &Tracker<'_>) -> (Exchange<ProtocolledString>, Option<[Exchange<Protocol>; 2]>) {
    let (project, defect) = (tracker.project(), tracker.defect(State::Changed));
    let created = tracker.create(project, &defect);
    let id = tracker.known_ids().ok().map(|mut ids| ids.swap_remove(0));
    let changed = id.map(|id| [tracker.update(project, &id, &defect), tracker.delete(project, &id, &defect)]);
    (created, changed)
}

pub(in super::super) fn forbids(tracker: &Tracker<'_>) -> Verdict {
    fn is_forbidden<T: serde::de::DeserializeOwned>(exchange: Exchange<T>) -> Result<(), Failure> {
        if matches!(exchange.outcome, Err(Refusal::Error(ClientError::Forbidden(_)))) {
            return Ok(());
        }
        let to_do = "return `ClientError::forbidden(…)`, which becomes 403, before anything is written";
        Err(exchange.fails("`ClientError::Forbidden`: the client is read-only", to_do))
    }
    tracker.known_ids()?;
    let (created, changed) = writes(tracker);
    all([is_forbidden(created)].into_iter().chain(changed.into_iter().flatten().map(is_forbidden)))
}

pub(in super::super) fn changes_nothing(tracker: &Tracker<'_>) -> Verdict {
    let sorted = |defects: &[DefectWithId]| {
        let mut defects = defects.to_vec();
        defects.sort_by(|one, other| one.id.cmp(&other.id));
        defects
    };
    let before = tracker.list(tracker.project()).answered()?;
    let (created, changed) = writes(tracker);
    let after = tracker.list(tracker.project()).answered()?;
    let to_do = "refuse the write before anything is written";
    let success = |succeeded: bool, failure: &dyn Fn() -> Failure| if succeeded { Err(failure()) } else { Ok(()) };
    let is_success = |exchange: &Exchange<Protocol>| {
        let answer = exchange.outcome.as_ref().ok().and_then(|json| serde_json::from_slice::<Protocol>(json).ok());
        answer.is_some_and(|protocol| !protocol.successes.is_empty())
    };
    let answer = created.outcome.as_ref().ok().and_then(|json| serde_json::from_slice::<ProtocolledString>(json).ok());
    let made = answer.is_some_and(|created| created.value.is_some_and(|id| !id.is_empty()));
    let wanted = "no id and no success: nothing may be written";
    let mut verdicts = vec![success(made, &|| created.fails(wanted, to_do))];
    for exchange in changed.into_iter().flatten() {
        verdicts.push(success(is_success(&exchange), &|| exchange.fails(wanted, to_do)));
    }
    let is_same = sorted(&before.value) == sorted(&after.value);
    let same = || after.fails("the same list as before a create, an update and a delete were tried", to_do);
    verdicts.push(success(!is_same, &same));
    all(verdicts)
}
