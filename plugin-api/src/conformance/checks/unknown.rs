//! Projects and ids that there are none of, some of which look like paths or patterns.

use serde::de::DeserializeOwned;

use super::defects::are_untouched;
use crate::conformance::call::{Exchange, Refusal};
use crate::conformance::report::Failure;
use crate::conformance::samples::State;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Verdict, all};
use crate::error::ClientError;
use crate::model::{
    ControlFields, DefectWithAttributes, Protocol, ProtocolCode, ProtocolledDefectSet, ProtocolledString, Results,
    UserDefinedAttribute,
};
use crate::operation::Operation;

/// How a name came to be unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// There is nothing of that name.
    Plain,
    /// It cannot be a name of anything: the caller may be told so.
    Odd,
}

fn is_refused<T>(exchange: &Exchange<T>, unknown: Unknown) -> bool {
    match &exchange.outcome {
        Err(Refusal::Error(ClientError::NotFound(_))) => true,
        Err(Refusal::Error(ClientError::InvalidInput { .. })) => unknown == Unknown::Odd,
        _ => false,
    }
}

const NOTHING_READ: &str = "`ClientError::NotFound`, or no defect and a general error with the code PROJECT_NOT_FOUND";
const NOTHING_WRITTEN: &str = "`ClientError::NotFound`, or no success and a general error with the code \
                               PROJECT_NOT_FOUND";
const TO_DO: &str = "look the project up before you use it: compare it with what `get_projects` gives";

fn says_so(protocol: &Protocol) -> bool {
    protocol.successes.is_empty()
        && protocol.general_errors.iter().any(|entry| entry.code == ProtocolCode::ProjectNotFound)
}

/// Whether an answer about a project that there is none of is an error or says so.
fn refuses<T: DeserializeOwned>(
    exchange: Exchange<T>,
    unknown: Unknown,
    wanted: &str,
    says_so: impl FnOnce(&T) -> bool,
) -> Result<(), Failure> {
    if is_refused(&exchange, unknown) {
        return Ok(());
    }
    if matches!(exchange.outcome, Err(Refusal::Error(_))) {
        return Err(exchange.fails(wanted, TO_DO));
    }
    let answer = exchange.answered()?;
    if says_so(&answer) { Ok(()) } else { Err(answer.fails(wanted, TO_DO)) }
}

fn reads_nothing(exchange: Exchange<ProtocolledDefectSet>, unknown: Unknown) -> Result<(), Failure> {
    refuses(exchange, unknown, NOTHING_READ, |set| set.value.is_empty() && says_so(&set.protocol))
}

fn extends_nothing(exchange: Exchange<DefectWithAttributes>, unknown: Unknown) -> Result<(), Failure> {
    refuses(exchange, unknown, "`ClientError::NotFound`", |_| false)
}

fn creates_nothing(exchange: Exchange<ProtocolledString>, unknown: Unknown) -> Result<(), Failure> {
    let is_nothing = |created: &ProtocolledString| created.value.as_ref().is_none_or(String::is_empty);
    refuses(exchange, unknown, NOTHING_WRITTEN, |created| is_nothing(created) && says_so(&created.protocol))
}

fn changes_nothing(exchange: Exchange<Protocol>) -> Result<(), Failure> {
    refuses(exchange, Unknown::Plain, NOTHING_WRITTEN, says_so)
}

/// An id that exists in the scratch project, where that can be known: the worst one to find elsewhere.
fn known_id(tracker: &Tracker<'_>) -> String {
    let known = tracker.known_ids().ok().and_then(|ids| ids.into_iter().next());
    known.unwrap_or_else(|| tracker.scratch.unknown_id.clone())
}

pub(in super::super) fn project_reads(tracker: &Tracker<'_>) -> Verdict {
    let (project, id) = (tracker.scratch.unknown_project.as_str(), known_id(tracker));
    all([
        reads_nothing(tracker.list(project), Unknown::Plain),
        reads_nothing(tracker.batch(project, &[&id]), Unknown::Plain),
        extends_nothing(tracker.extended(project, &id), Unknown::Plain),
    ])
}

pub(in super::super) fn project_writes(tracker: &Tracker<'_>) -> Verdict {
    let project = tracker.scratch.unknown_project.as_str();
    let (samples, defect) = (tracker.samples()?, tracker.defect(State::Changed));
    let id = samples[0].id.as_str();
    all([
        creates_nothing(tracker.create(project, &defect), Unknown::Plain),
        changes_nothing(tracker.update(project, id, &defect)),
        changes_nothing(tracker.delete(project, id, &defect)),
        are_untouched(tracker, &samples, "writes to an unknown project"),
    ])
}

pub(in super::super) fn project_questions(tracker: &Tracker<'_>) -> Verdict {
    let project = tracker.scratch.unknown_project.as_str();
    fn answered<T: DeserializeOwned>(exchange: Exchange<T>) -> Result<(), Failure> {
        if is_refused(&exchange, Unknown::Plain) {
            return Ok(());
        }
        if let Err(Refusal::Error(_)) = exchange.outcome {
            return Err(exchange.fails("an answer, or `ClientError::NotFound`", TO_DO));
        }
        exchange.answered().map(drop)
    }
    use Operation as Ask;
    let asked = |operation| match operation {
        Ask::GetControlFields => answered(tracker.about::<ControlFields>(operation, Some(project))),
        Ask::GetUserDefinedAttributes => answered(tracker.about::<Vec<UserDefinedAttribute>>(operation, Some(project))),
        Ask::BeforeSync | Ask::AfterSync => answered(tracker.sync(operation, project, Some("manual"))),
        Ask::CorrectSyncResults => answered(tracker.correct(project, &Results::default())),
        _ => answered(tracker.about::<bool>(operation, Some(project))),
    };
    let questions = [
        Ask::CheckLogin,
        Ask::SupportsChangesTimestamps,
        Ask::GetControlFields,
        Ask::GetUserDefinedAttributes,
        Ask::BeforeSync,
        Ask::AfterSync,
        Ask::CorrectSyncResults,
    ];
    all(questions.into_iter().filter(|operation| tracker.can(*operation)).map(asked))
}

/// Names that are `name` to who takes them for a path or a pattern, and none to who compares.
fn odd_forms(name: &str, folder: &str) -> Vec<String> {
    let mut forms: Vec<String> =
        ["", ".", "..", "/", "*", "%", "_", "..\\..", "C:\\", "\u{0}", "~", "' OR '1'='1"].map(str::to_owned).to_vec();
    forms.extend([
        format!("./{name}"),
        format!("{name}/"),
        format!("{name}/."),
        format!("x/../{name}"),
        format!("../{folder}/{name}"),
        format!("../{name}"),
        format!("{name}\u{0}"),
        format!("{name}*"),
        format!("{name}?x=1"),
        format!("{name}#x"),
        format!("{name}' OR '1'='1"),
        format!("{name}\" OR \"1\"=\"1"),
        name.repeat(1 + 5_000 / name.len().max(1)),
    ]);
    forms
}

pub(in super::super) fn odd_projects(tracker: &Tracker<'_>) -> Verdict {
    let there: Exchange<Vec<String>> = tracker.about(Operation::GetProjects, None);
    let there = there.answered()?;
    let (id, defect) = (known_id(tracker), tracker.defect(State::Created));
    let forms = odd_forms(tracker.project(), "x").into_iter().filter(|form| !there.contains(form));
    all(forms.flat_map(|project| {
        let created = tracker.can(Operation::CreateDefect).then(|| tracker.create(&project, &defect));
        [
            reads_nothing(tracker.list(&project), Unknown::Odd),
            extends_nothing(tracker.extended(&project, &id), Unknown::Odd),
            created.map_or(Ok(()), |created| creates_nothing(created, Unknown::Odd)),
        ]
    }))
}

const AS_A_WHOLE: &str = "compare ids as a whole before they become part of a path, an address or a query";

pub(in super::super) fn odd_ids(tracker: &Tracker<'_>) -> Verdict {
    let known = tracker.known_ids()?;
    let is_odd = |id: &String| !known.contains(id);
    let odd: Vec<String> = odd_forms(&known[0], tracker.project()).into_iter().filter(is_odd).collect();
    let extended = odd.iter().map(|id| {
        let extended = tracker.extended(tracker.project(), id);
        if is_refused(&extended, Unknown::Odd) {
            return Ok(());
        }
        Err(extended.fails("`ClientError::NotFound` (or `InvalidInput`): there is no such defect", AS_A_WHOLE))
    });
    let batch = || -> Result<(), Failure> {
        let batch = tracker.batch(tracker.project(), &odd);
        if is_refused(&batch, Unknown::Odd) {
            return Ok(());
        }
        let batch = batch.answered()?;
        if batch.value.is_empty() { Ok(()) } else { Err(batch.fails("no defect has such an id", AS_A_WHOLE)) }
    };
    all(extended.chain([batch()]))
}

pub(in super::super) fn odd_ids_written(tracker: &Tracker<'_>) -> Verdict {
    let samples = tracker.samples()?;
    let defect = tracker.defect(State::Changed);
    let refused = |exchange: Exchange<Protocol>| -> Result<(), Failure> {
        if is_refused(&exchange, Unknown::Odd) {
            return Ok(());
        }
        let protocol = exchange.answered()?;
        if protocol.successes.is_empty() {
            return Ok(());
        }
        Err(protocol.fails("no success: there is no such defect", AS_A_WHOLE))
    };
    let writes = odd_forms(&samples[0].id, tracker.project()).into_iter().flat_map(|id| {
        [
            refused(tracker.update(tracker.project(), &id, &defect)),
            refused(tracker.delete(tracker.project(), &id, &defect)),
        ]
    });
    let writes: Vec<_> = writes.collect();
    all(writes.into_iter().chain([are_untouched(tracker, &samples, "writes of ids that look like paths")]))
}
