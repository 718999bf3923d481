//! What of a defect comes back as it was sent.

use crate::conformance::call::Answered;
use crate::conformance::report::Failure;
use crate::conformance::scratch::{Field, Precision};
use crate::conformance::shown;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Stop, Verdict, all};
use crate::model::{Defect, DefectWithAttributes, ProtocolledDefectSet, Timestamp, short_text};

/// A new defect as each of the operations gives it back.
pub(super) fn views(tracker: &Tracker<'_>, id: &str, check: Comparison<'_>) -> Verdict {
    let project = tracker.project();
    let set = |answered: Result<Answered<ProtocolledDefectSet>, Failure>| -> Result<(), Failure> {
        let set = answered?;
        // That it is there is another check's subject.
        let found = set.value.iter().find(|defect| defect.id == id);
        found.map_or(Ok(()), |found| check(&found.defect).map_err(|fault| fault.of(|w, t| set.fails(w, t))))
    };
    let extended = |answered: Result<Answered<DefectWithAttributes>, Failure>| -> Result<(), Failure> {
        let one = answered?;
        check(&one.defect).map_err(|fault| fault.of(|w, t| one.fails(w, t)))
    };
    all([
        set(tracker.list(project).answered()),
        set(tracker.batch(project, &[id]).answered()),
        extended(tracker.extended(project, id).answered()),
    ])
}

type Comparison<'a> = &'a dyn Fn(&Defect) -> Result<(), Fault>;

/// What is wrong with a defect.
pub(super) struct Fault {
    pub(super) wanted: String,
    pub(super) to_do: String,
}

impl Fault {
    pub(super) fn of(self, fails: impl FnOnce(String, String) -> Failure) -> Failure {
        fails(self.wanted, self.to_do)
    }
}

pub(in super::super) fn kept(tracker: &Tracker<'_>, field: Field) -> Verdict {
    let [sample, _] = tracker.samples()?;
    if field == Field::UserDefinedFields && sample.sent.user_defined_fields.is_empty() {
        let why = "the client names no user-defined attribute of type STRING: name one with `user_defined_field`";
        return Err(Stop::Skipped(why.to_owned()));
    }
    let precision = match tracker.scratch.precision {
        Precision::Microseconds | Precision::Milliseconds => Precision::Seconds,
        coarser => coarser,
    };
    views(tracker, &sample.id, &|got| same(field, &sample.sent, got, precision))
}

pub(in super::super) fn microseconds(tracker: &Tracker<'_>) -> Verdict {
    let [sample, _] = tracker.samples()?;
    views(tracker, &sample.id, &|got| same(Field::LastEdited, &sample.sent, got, Precision::Microseconds))
}

/// Whether every field that the tracker keeps is as it was sent.
pub(super) fn all_kept(tracker: &Tracker<'_>, sent: &Defect, got: &Defect) -> Result<(), Fault> {
    let mut kept = Field::ALL.into_iter().filter(|field| tracker.scratch.keeps(*field));
    kept.try_for_each(|field| same(field, sent, got, tracker.scratch.precision))
}

fn same(field: Field, sent: &Defect, got: &Defect, precision: Precision) -> Result<(), Fault> {
    let short = |text: &Option<String>| text.as_deref().map(|text| short_text::cut(text).into_owned());
    let (sent, got) = match field {
        Field::Title => (short(&sent.title), got.title.clone()),
        Field::Description => (sent.description.clone(), got.description.clone()),
        Field::Reporter => (short(&sent.reporter), got.reporter.clone()),
        Field::Status => (Some(sent.status.clone()), Some(got.status.clone())),
        Field::Classification => (Some(sent.classification.clone()), Some(got.classification.clone())),
        Field::Priority => (Some(sent.priority.clone()), Some(got.priority.clone())),
        Field::Principal => (Some(sent.principal.username.clone()), Some(got.principal.username.clone())),
        Field::UserDefinedFields => return same_user_defined_fields(sent, got),
        Field::LastEdited => return same_instant(sent.last_edited, got.last_edited, precision),
        Field::References => return same_references(sent, got),
    };
    if sent == got { Ok(()) } else { Err(fault(field, sent.as_deref(), got.as_deref())) }
}

fn fault(field: Field, sent: Option<&str>, got: Option<&str>) -> Fault {
    let difference = match (sent, got) {
        (Some(sent), Some(got)) => shown::difference(sent, got),
        (Some(_), None) => "it is absent".to_owned(),
        (None, _) => "it was sent absent".to_owned(),
    };
    fault_of(field.name(), &difference)
}

fn fault_of(name: &str, difference: &str) -> Fault {
    Fault {
        wanted: format!("`{name}` as it was sent; {difference}"),
        to_do: "keep it as it comes; if the tracker cannot, say so with `does_not_keep` or describe values that it \
                takes in the `ScratchProject`"
            .to_owned(),
    }
}

fn same_user_defined_fields(sent: &Defect, got: &Defect) -> Result<(), Fault> {
    for field in &sent.user_defined_fields {
        let found = got.user_defined_fields.iter().find(|found| found.name == field.name);
        if found.map(|found| &found.value) != Some(&field.value) {
            let got = found.and_then(|found| found.value.as_deref());
            let difference = match (&field.value, got) {
                (Some(sent), Some(got)) => shown::difference(sent, got),
                _ => "it is absent".to_owned(),
            };
            return Err(fault_of(&format!("userDefinedFields: {}", field.name), &difference));
        }
    }
    Ok(())
}

fn same_references(sent: &Defect, got: &Defect) -> Result<(), Fault> {
    let mut others = got.references.iter();
    // In their order, with whatever the tracker has between them.
    match sent.references.iter().find(|reference| !others.any(|other| other == *reference)) {
        None => Ok(()),
        Some(missing) => Err(fault_of("references", &format!("`{missing}` is missing or not in its place"))),
    }
}

fn same_instant(sent: Timestamp, got: Timestamp, precision: Precision) -> Result<(), Fault> {
    let unit = precision.in_microseconds();
    let cut = |instant: Timestamp| instant.to_chrono().timestamp_micros().div_euclid(unit);
    if cut(sent) == cut(got) {
        return Ok(());
    }
    Err(Fault {
        wanted: format!("the instant `{sent}`, as it was sent; `{got}` came back"),
        to_do: "keep all digits down to the microsecond, and the offset; if the tracker cannot, say so with \
                `precision`, or with `does_not_keep` when it sets the time itself"
            .to_owned(),
    })
}
