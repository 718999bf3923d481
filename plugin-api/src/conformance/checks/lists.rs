//! Lists as the bytes that the host sends on.

use serde_json::Value;

use crate::conformance::call::{Answered, Refusal};
use crate::conformance::json;
use crate::conformance::report::Failure;
use crate::conformance::samples::State;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Verdict, all};
use crate::model::ProtocolledDefectSet;
use crate::operation::Operation;

pub(in super::super) fn shape(tracker: &Tracker<'_>) -> Verdict {
    if tracker.can(Operation::CreateDefect) {
        tracker.samples()?;
    }
    let project = tracker.project();
    let listed = tracker.list(project).answered()?;
    let ids: Vec<&String> = listed.value.iter().take(3).map(|defect| &defect.id).collect();
    let batch = tracker.batch(project, &[&ids[..], &[&tracker.scratch.unknown_id]].concat()).answered()?;
    all([is_its_models(&listed), is_its_models(&batch)])
}

/// Whether the JSON is what the model would be written as, up to the order of keys, white space and
/// the digits of fractions of a second.
fn is_its_models(set: &Answered<ProtocolledDefectSet>) -> Result<(), Failure> {
    let to_do = "hand out what `serde_json` makes of the models; `from_json` passes on what it is given";
    let fails = |wanted: String| Err(set.fails(wanted, to_do));
    let mut sent = match json::with_each_key_once(set.json()) {
        Ok(sent) => sent,
        Err(error) => return fails(format!("each key once, but: {error}")),
    };
    let model = serde_json::json!(**set);
    for (sent, model) in sent["value"].as_array_mut().into_iter().flatten().zip(&set.value) {
        let instant = model.defect.last_edited.to_string();
        if sent["lastEdited"].as_str().is_some_and(|text| without_fraction(text) == without_fraction(&instant)) {
            sent["lastEdited"] = instant.into();
        }
    }
    match first_difference(&sent, &model, "") {
        None => Ok(()),
        Some((path, wanted)) => fails(format!("JSON of the model: `{path}` has to be {wanted}")),
    }
}

/// An instant up to its digits behind the second: they may be more or fewer.
fn without_fraction(instant: &str) -> String {
    let (before, behind) = instant.split_once('.').unwrap_or((instant, ""));
    format!("{before}{}", behind.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

/// Where two values part, and what the second is there.
fn first_difference(sent: &Value, model: &Value, path: &str) -> Option<(String, String)> {
    match (sent, model) {
        (Value::Object(sent), Value::Object(model)) => {
            let below = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let extra = sent.keys().find(|key| !model.contains_key(*key));
            if let Some(key) = extra {
                return Some((below(key), "absent".to_owned()));
            }
            model.iter().find_map(|(key, model)| match sent.get(key) {
                Some(sent) => first_difference(sent, model, &below(key)),
                None => Some((below(key), format!("there, such as {model}"))),
            })
        }
        (Value::Array(sent), Value::Array(model)) if sent.len() == model.len() => {
            let pairs = sent.iter().zip(model).enumerate();
            pairs.into_iter().find_map(|(at, (sent, model))| first_difference(sent, model, &format!("{path}.{at}")))
        }
        _ if sent == model => None,
        _ => Some((path.to_owned(), model.to_string())),
    }
}

/// So many bytes that three such defects make a list of several pieces, and that hold in most trackers.
const LONG: usize = 24 * 1024;

pub(in super::super) fn long(tracker: &Tracker<'_>) -> Verdict {
    let mut made = Vec::new();
    for _ in 0..3 {
        let mut defect = tracker.defect(State::Created);
        let beginning = defect.description.take().unwrap_or_default();
        defect.description = Some(format!("{beginning} {}", "long ".repeat(LONG / 5)));
        made.push(tracker.created(defect)?);
    }
    let whole = || -> Result<(), Failure> {
        let listed = tracker.list(tracker.project()).answered()?;
        let missing = made.iter().find(|sample| listed.value.iter().all(|defect| defect.id != sample.id));
        missing.map_or(Ok(()), |missing| {
            let wanted = format!("the defect `{}`, also after lists were dropped half-way", missing.id);
            Err(listed.fails(wanted, "a list that is dropped takes nothing with it: keep its state in its iterator"))
        })
    };
    whole()?;
    let (exchange, pieces) = tracker.open_list();
    let count = match pieces.map(|pieces| pieces.count()) {
        Some(Ok(count)) => count,
        Some(Err(refusal)) => return Err(broken_off(exchange, refusal).into()),
        None => return exchange.answered().map(drop).map_err(Into::into),
    };
    for read in 0..=count {
        let (exchange, pieces) = tracker.open_list();
        match pieces.map(|pieces| pieces.drop_after(read)) {
            Some(Ok(())) => {}
            Some(Err(refusal)) => return Err(broken_off(exchange, refusal).into()),
            None => return exchange.answered().map(drop).map_err(Into::into),
        }
    }
    Ok(whole()?)
}

fn broken_off(mut exchange: crate::conformance::call::Exchange<ProtocolledDefectSet>, refusal: Refusal) -> Failure {
    exchange.outcome = Err(refusal);
    let to_do = "pieces are pulled from changing threads, and a list is dropped early when its reader goes away: let \
                 neither the iterator nor its `Drop` fail then";
    exchange.fails("a list that can be read piece by piece and dropped after any of them", to_do)
}
