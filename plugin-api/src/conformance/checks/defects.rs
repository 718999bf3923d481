//! Creating, reading, changing and deleting.

use std::collections::BTreeSet;

use super::fields::{Fault, all_kept, views};
use crate::conformance::call::{Answered, Refusal};
use crate::conformance::report::Failure;
use crate::conformance::samples::{Sample, State};
use crate::conformance::scratch::Field;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Verdict, all};
use crate::error::ClientError;
use crate::model::{Defect, DefectWithId, Protocol, ProtocolCode, ProtocolEntry, ProtocolledDefectSet};
use crate::operation::Operation;

/// Whether a write says that it went well.
fn went_well(protocol: &Protocol) -> bool {
    !protocol.successes.is_empty() && protocol.errors.is_empty() && protocol.general_errors.is_empty()
}

fn has(entries: &[ProtocolEntry], code: ProtocolCode) -> bool {
    entries.iter().any(|entry| entry.code == code)
}

pub(in super::super) fn create(tracker: &Tracker<'_>) -> Verdict {
    let created = tracker.create(tracker.project(), &tracker.defect(State::Created)).answered()?;
    if created.value.as_ref().is_none_or(String::is_empty) {
        let to_do = "answer with the tracker's id; a defect without one cannot be synchronised";
        return Err(created.fails("`value` is the new defect's id", to_do).into());
    }
    if !went_well(&created.protocol) {
        let to_do = "add a success, such as with `Protocol::of_success(project, ProtocolCode::InsertSuccess, …)`";
        return Err(created.fails("the protocol has a success and no error", to_do).into());
    }
    Ok(())
}

pub(in super::super) fn listed(tracker: &Tracker<'_>) -> Verdict {
    let samples = tracker.samples()?;
    let list = tracker.list(tracker.project()).answered()?;
    let missing = |id: &String| {
        let wanted = format!("the defect `{id}`, which was created before, is in the list");
        let to_do = "`create_defect` answers when the defect is safe in the tracker: from then on it has to be listed";
        if list.value.iter().any(|defect| defect.id == *id) { Ok(()) } else { Err(list.fails(wanted, to_do)) }
    };
    all(samples.iter().map(|sample| missing(&sample.id)))
}

pub(in super::super) fn unique_ids(tracker: &Tracker<'_>) -> Verdict {
    if tracker.can(Operation::CreateDefect) {
        tracker.samples()?;
    }
    let list = tracker.list(tracker.project()).answered()?;
    let mut seen = BTreeSet::new();
    match list.value.iter().find(|defect| !seen.insert(&defect.id)) {
        None => Ok(()),
        Some(DefectWithId { id, .. }) => {
            let to_do = "an id has to name one defect of the project: make ids in one place, under a lock";
            Err(list.fails(format!("`{id}` is the id of one defect only"), to_do).into())
        }
    }
}

pub(in super::super) fn unused_ids(tracker: &Tracker<'_>) -> Verdict {
    let create = || tracker.created(tracker.defect(State::Created));
    let mut given = vec![create()?, create()?];
    // The first deleted is the older one, the second the newest: a count goes wrong with the one, the
    // largest number that is there with the other.
    for deleted in [0, 2] {
        tracker.delete(tracker.project(), &given[deleted].id, &given[deleted].sent).answered()?;
        let sent = tracker.defect(State::Created);
        let created = tracker.create(tracker.project(), &sent).answered()?;
        let id = created.value.clone().unwrap_or_default();
        if let Some(Sample { id, .. }) = given.iter().find(|other| other.id == id) {
            let deleted = &given[deleted].id;
            let wanted = format!("another id than `{id}`, which was given before (`{deleted}` was deleted since)");
            let to_do = "remember the largest number ever given: in a test-management tool the old id still stands \
                         for the old defect";
            return Err(created.fails(wanted, to_do).into());
        }
        given.push(Sample { id, sent });
    }
    Ok(())
}

pub(in super::super) fn batch(tracker: &Tracker<'_>) -> Verdict {
    let ids = tracker.known_ids()?;
    let wanted: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    // Also one alone: a client that gives all defects would pass where there are no others.
    let ask = |ids: &[String], wanted: BTreeSet<&str>| -> Result<(), Failure> {
        let batch = tracker.batch(tracker.project(), ids).answered()?;
        if batch.value.iter().map(|defect| defect.id.as_str()).collect::<BTreeSet<_>>() != wanted {
            let to_do = "give the defects whose ids are asked for, in any order";
            return Err(batch.fails(format!("exactly the defects {wanted:?}"), to_do));
        }
        if ids.iter().any(|id| batch.protocol.warnings.contains_key(id)) || !batch.protocol.general_errors.is_empty() {
            return Err(batch.fails("no warning and no error about defects that are there", "leave it out"));
        }
        Ok(())
    };
    all([ask(&ids, wanted), ask(&ids[..1], BTreeSet::from([ids[0].as_str()]))])
}

pub(in super::super) fn batch_unknown_ids(tracker: &Tracker<'_>) -> Verdict {
    let unknown = &tracker.scratch.unknown_id;
    let known = tracker.known_ids()?.swap_remove(0);
    let batch = tracker.batch(tracker.project(), &[unknown, &known]).answered()?;
    if !batch.protocol.warnings.get(unknown).is_some_and(|entries| has(entries, ProtocolCode::DefectNotFound)) {
        let wanted = format!("`protocol.warnings` has, under `{unknown}`, an entry with the code DEFECT_NOT_FOUND");
        let to_do = "use `protocol.add_warning(id, ProtocolCode::DefectNotFound, …)` for each id that is not there";
        return Err(batch.fails(wanted, to_do).into());
    }
    if batch.value.iter().all(|defect| defect.id != known) {
        let to_do = "an unknown id is a warning about itself: the other ids are answered all the same";
        return Err(batch.fails(format!("the defect `{known}`, which is there"), to_do).into());
    }
    Ok(())
}

pub(in super::super) fn batch_repeated_ids(tracker: &Tracker<'_>) -> Verdict {
    let known = tracker.known_ids()?.swap_remove(0);
    let batch = tracker.batch(tracker.project(), &[&known, &known]).answered()?;
    if batch.value.iter().filter(|defect| defect.id == known).count() > 1 {
        let to_do = "leave repeated ids out before you look them up, as with a `BTreeSet`";
        return Err(batch.fails(format!("the defect `{known}` once"), to_do).into());
    }
    Ok(())
}

pub(in super::super) fn batch_of_nothing(tracker: &Tracker<'_>) -> Verdict {
    let batch = tracker.batch::<&str>(tracker.project(), &[]).answered()?;
    if batch.value.is_empty() {
        return Ok(());
    }
    let to_do = "no ids are no defects; a backend's query without conditions gives all of them";
    Err(batch.fails("no defects", to_do).into())
}

pub(in super::super) fn extended(tracker: &Tracker<'_>) -> Verdict {
    let one = |id: &String| -> Result<(), Failure> {
        let extended = tracker.extended(tracker.project(), id).answered()?;
        if extended.id == *id {
            return Ok(());
        }
        Err(extended.fails(format!("the defect `{id}`"), "answer with the id that the tracker knows the defect under"))
    };
    all(tracker.known_ids()?.iter().map(one))
}

pub(in super::super) fn extended_unknown_id(tracker: &Tracker<'_>) -> Verdict {
    let exchange = tracker.extended(tracker.project(), &tracker.scratch.unknown_id);
    if matches!(exchange.error(), Some(ClientError::NotFound(_))) {
        return Ok(());
    }
    Err(exchange.fails("`ClientError::NotFound`", "return `ClientError::not_found(…)`, which becomes 404").into())
}

pub(in super::super) fn update(tracker: &Tracker<'_>) -> Verdict {
    let sample = tracker.created(tracker.defect(State::Created))?;
    let changed = tracker.defect(State::Changed);
    let updated = tracker.update(tracker.project(), &sample.id, &changed).answered()?;
    if !went_well(&updated) {
        let to_do = "add a success, such as with `Protocol::of_success(project, ProtocolCode::PublishSuccess, …)`";
        return Err(updated.fails("the protocol has a success and no error", to_do).into());
    }
    let list = tracker.list(tracker.project()).answered()?;
    if !list.value.iter().any(|defect| defect.id == sample.id) {
        let to_do = "an update replaces the fields, not the defect";
        return Err(list.fails(format!("the updated defect, under its id `{}`", sample.id), to_do).into());
    }
    views(tracker, &sample.id, &|got| {
        all_kept(tracker, &changed, got)
            .map_err(|fault| Fault { wanted: format!("after the update, {}", fault.wanted), ..fault })
    })
}

/// Whether the samples are as they were created; `after` is what was done meanwhile.
pub(super) fn are_untouched(tracker: &Tracker<'_>, samples: &[Sample; 2], after: &str) -> Result<(), Failure> {
    for sample in samples {
        let batch = tracker.batch(tracker.project(), &[&sample.id]).answered()?;
        let wanted = format!("the defect `{}` as it was before {after}", sample.id);
        let to_do = "change only the defect of that id, compared as a whole";
        // The title tells defects apart. That it comes back at all is another check's subject.
        let title = |defect: &Defect| defect.title.clone().filter(|_| tracker.scratch.keeps(Field::Title));
        let found = batch.value.iter().find(|defect| defect.id == sample.id).map(|found| title(&found.defect));
        if found.is_none_or(|title| title.is_some() && title != sample.sent.title) {
            tracker.replace_samples();
            return Err(batch.fails(wanted, to_do));
        }
    }
    Ok(())
}

pub(in super::super) fn update_others(tracker: &Tracker<'_>) -> Verdict {
    let others = tracker.samples()?;
    let sample = tracker.created(tracker.defect(State::Created))?;
    tracker.update(tracker.project(), &sample.id, &tracker.defect(State::Changed)).answered()?;
    Ok(are_untouched(tracker, &others, "another one was updated")?)
}

/// Whether the answer to a write of an unknown id is a general error of this code.
fn is_not_there(changed: &Answered<Protocol>, code: ProtocolCode, name: &str) -> Result<(), Failure> {
    if has(&changed.general_errors, code) && changed.successes.is_empty() {
        return Ok(());
    }
    let wanted = format!("no success, and in `generalErrors` an entry with the code {name}");
    let to_do = format!("return `Ok(Protocol::of_general_error(ProtocolCode::{code:?}, …))`: a tester has to see it");
    Err(changed.fails(wanted, to_do))
}

pub(in super::super) fn update_unknown_id(tracker: &Tracker<'_>) -> Verdict {
    let unknown = &tracker.scratch.unknown_id;
    let updated = tracker.update(tracker.project(), unknown, &tracker.defect(State::Changed)).answered()?;
    is_not_there(&updated, ProtocolCode::DefectNotFound, "DEFECT_NOT_FOUND")?;
    let list = tracker.list(tracker.project()).answered()?;
    if list.value.iter().any(|defect| defect.id == *unknown) {
        return Err(list.fails(format!("no defect `{unknown}`"), "an update does not create").into());
    }
    Ok(())
}

pub(in super::super) fn delete(tracker: &Tracker<'_>) -> Verdict {
    let sample = tracker.created(tracker.defect(State::Created))?;
    let deleted = tracker.delete(tracker.project(), &sample.id, &sample.sent).answered()?;
    if !went_well(&deleted) {
        let to_do = "add a success, such as with `Protocol::of_success(project, ProtocolCode::PublishSuccess, …)`";
        return Err(deleted.fails("the protocol has a success and no error", to_do).into());
    }
    let gone = |set: Answered<ProtocolledDefectSet>| -> Result<(), Failure> {
        if set.value.iter().all(|defect| defect.id != sample.id) {
            return Ok(());
        }
        let wanted = format!("no defect `{}`: its deletion was a success", sample.id);
        Err(set.fails(wanted, "answer when it is gone from the tracker, not before"))
    };
    gone(tracker.list(tracker.project()).answered()?)?;
    gone(tracker.batch(tracker.project(), &[&sample.id]).answered()?)?;
    let extended = tracker.extended(tracker.project(), &sample.id);
    match &extended.outcome {
        Err(Refusal::Error(ClientError::NotFound(_))) => Ok(()),
        _ => Err(extended.fails("`ClientError::NotFound`: the defect was deleted", "forget it everywhere").into()),
    }
}

pub(in super::super) fn delete_others(tracker: &Tracker<'_>) -> Verdict {
    let others = tracker.samples()?;
    let sample = tracker.created(tracker.defect(State::Created))?;
    tracker.delete(tracker.project(), &sample.id, &sample.sent).answered()?;
    Ok(are_untouched(tracker, &others, "another one was deleted")?)
}

pub(in super::super) fn delete_unknown_id(tracker: &Tracker<'_>) -> Verdict {
    let defect = tracker.defect(State::Created);
    let deleted = tracker.delete(tracker.project(), &tracker.scratch.unknown_id, &defect).answered()?;
    Ok(is_not_there(&deleted, ProtocolCode::NoDefectFound, "NO_DEFECT_FOUND")?)
}
