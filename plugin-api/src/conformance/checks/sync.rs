//! Synchronisations: the hooks and what `correct_sync_results` leaves.

use crate::conformance::call::Answered;
use crate::conformance::report::Failure;
use crate::conformance::samples::State;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Verdict, all};
use crate::model::{
    Defect, DefectWithId, DefectWithLocalPk, KnownDefect, LocalSyncActions, RemoteSyncActions, Results,
};
use crate::operation::Operation;

pub(in super::super) fn hook(tracker: &Tracker<'_>, operation: Operation) -> Verdict {
    // The last is one that a later tool may say.
    let types = [None, Some("scheduled"), Some("manual"), Some("partial"), Some("conformance")];
    all(types.map(|sync_type| -> Result<(), Failure> {
        let protocol = tracker.sync(operation, tracker.project(), sync_type).answered()?;
        if protocol.errors.is_empty() && protocol.general_errors.is_empty() {
            return Ok(());
        }
        let to_do = "acknowledge types that there is nothing to do for; test without commands that fail";
        Err(protocol.fails("a protocol without errors", to_do))
    }))
}

/// Every action on both sides, with these defects.
fn results(defects: &[Defect]) -> Results {
    let named = |prefix: &str, number: usize| format!("{prefix}-{number}");
    let numbered = || defects.iter().cloned().enumerate();
    let known = |prefix: &str| {
        let known = |(number, defect)| {
            let (id, local_pk) = (named(prefix, number), named("PK", number));
            KnownDefect { defect, id, local_pk }
        };
        Some(numbered().map(known).collect())
    };
    let new = |(number, defect)| DefectWithId { defect, id: named("NEW", number) };
    let local = |(number, defect)| DefectWithLocalPk { defect, local_pk: named("PK", number) };
    Results {
        local: Some(LocalSyncActions {
            delete: known("LD"),
            update: known("LU"),
            create: Some(numbered().map(new).collect()),
        }),
        remote: Some(RemoteSyncActions {
            delete: known("RD"),
            update: known("RU"),
            create: Some(numbered().map(local).collect()),
        }),
    }
}

/// Each list of actions under its name, each action as the JSON that the caller gets. Absent lists are
/// empty: the API makes no difference.
fn actions(results: &Results) -> [(&'static str, Vec<serde_json::Value>); 6] {
    fn texts<T: serde::Serialize>(list: Option<&Vec<T>>) -> Vec<serde_json::Value> {
        list.into_iter().flatten().map(|action| serde_json::json!(action)).collect()
    }
    let (local, remote) = (results.local.as_ref(), results.remote.as_ref());
    [
        ("local.delete", texts(local.and_then(|side| side.delete.as_ref()))),
        ("local.update", texts(local.and_then(|side| side.update.as_ref()))),
        ("local.create", texts(local.and_then(|side| side.create.as_ref()))),
        ("remote.delete", texts(remote.and_then(|side| side.delete.as_ref()))),
        ("remote.update", texts(remote.and_then(|side| side.update.as_ref()))),
        ("remote.create", texts(remote.and_then(|side| side.create.as_ref()))),
    ]
}

pub(in super::super) fn correct_keeps(tracker: &Tracker<'_>) -> Verdict {
    let defects = [State::Created, State::Changed].map(|state| tracker.defect(state));
    let sent = results(&defects);
    let corrected = tracker.correct(tracker.project(), &sent).answered()?;
    for ((name, sent), (_, kept)) in actions(&sent).into_iter().zip(actions(&corrected)) {
        if let Some(missing) = sent.iter().find(|action| !kept.contains(action)) {
            let wanted = format!("`{name}` still has `{}`, as it was: the tracker takes such a defect", key(missing));
            let to_do = "leave out only what the tracker would refuse, and give back the rest as it is";
            return Err(corrected.fails(wanted, to_do).into());
        }
    }
    Ok(())
}

fn key(action: &serde_json::Value) -> &str {
    action["id"].as_str().or_else(|| action["localPk"].as_str()).unwrap_or_default()
}

pub(in super::super) fn correct_adds_nothing(tracker: &Tracker<'_>) -> Verdict {
    let mut refused = tracker.defect(State::Created);
    (refused.status, refused.priority) = (String::new(), "no such priority".to_owned());
    let sent = results(&[tracker.defect(State::Created), refused]);
    let empty = Results::default();
    let is_subset = |sent: &Results, corrected: &Answered<Results>| -> Result<(), Failure> {
        for ((name, sent), (_, kept)) in actions(sent).into_iter().zip(actions(corrected)) {
            let mut rest = sent;
            for action in &kept {
                // Each once: an action that is there twice would be done twice.
                let Some(place) = rest.iter().position(|sent| sent == action) else {
                    let wanted =
                        format!("`{name}` has only what was sent, unchanged, each once; not `{}`", key(action));
                    let to_do = "filter the lists, as with `retain`; what a synchronisation did not plan it cannot do";
                    return Err(corrected.fails(wanted, to_do));
                };
                rest.remove(place);
            }
        }
        Ok(())
    };
    all([sent, empty].map(|sent| {
        let corrected = tracker.correct(tracker.project(), &sent).answered()?;
        is_subset(&sent, &corrected)
    }))
}
