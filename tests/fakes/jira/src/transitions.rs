//! The workflow.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::createmeta;
use crate::edit::{self, Values};
use crate::face::Face;
use crate::http::{Answer, Reply, error, field_errors};
use crate::state::{Issue, State, Transition};

fn ways<'a>(state: &'a State, issue: &'a Issue) -> impl Iterator<Item = &'a Transition> {
    let all = state.projects[issue.project].transitions.iter();
    all.filter(|way| way.from.is_empty() || way.from.contains(&issue.status))
}

/// What can be done with an issue now.
pub(crate) fn reachable(state: &State, face: &Face, issue: &Issue, with_fields: bool) -> Value {
    let shown = |way: &Transition| {
        let mut shown = json!({"id": way.id, "name": way.name, "to": state.show_status(face, &way.to)});
        if face.cloud() {
            shown["hasScreen"] = (!way.fields.is_empty()).into();
            shown["isAvailable"] = true.into();
            shown["isGlobal"] = way.from.is_empty().into();
            shown["isInitial"] = false.into();
            shown["isConditional"] = false.into();
        }
        if with_fields {
            shown["fields"] = createmeta::by_id(state, face, issue.project, &way.fields).into();
        }
        shown
    };
    ways(state, issue).map(shown).collect()
}

pub(crate) fn list(call: &mut Call<'_>, issue: &str) -> Reply {
    let query = call.query(if call.face.cloud() {
        &["expand", "transitionId", "skipRemoteOnlyCondition", "includeUnavailableTransitions", "sortByOpsBarAndStatus"]
    } else {
        &["expand", "transitionId"]
    });
    let id = call.issue(issue)?;
    let fields = query.list("expand").is_some_and(|parts| parts.iter().any(|part| part == "transitions.fields"));
    let mut all = reachable(call.state, &call.face, &call.state.issues[&id], fields);
    if let (Some(wanted), Some(all)) = (query.text("transitionId"), all.as_array_mut()) {
        all.retain(|way| way["id"] == wanted);
    }
    Answer::ok(&json!({"expand": "transitions", "transitions": all}))
}

pub(crate) fn perform(call: &mut Call<'_>, issue: &str) -> Reply {
    let id = call.issue(issue)?;
    let body = call.body(&["transition", "fields", "update", "properties", "historyMetadata"])?;
    let set = edit::object(call, &body, "fields")?;
    let update = edit::object(call, &body, "update")?;
    let wanted = match &body.get("transition").unwrap_or(&Value::Null)["id"] {
        Value::String(id) => id.clone(),
        // The Python package sends numbers, and Jira takes them.
        Value::Number(id) => id.to_string(),
        _ => return Err(error(400, "Missing 'transition' identifier")),
    };
    let issue = call.state.issues[&id].clone();
    let Some(way) = ways(call.state, &issue).find(|way| way.id == wanted).cloned() else {
        // Data Center's document has 500 for an id that is none of the project's at all.
        let known = call.state.projects[issue.project].transitions.iter().any(|way| way.id == wanted);
        let said = "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.";
        let status = if known || call.face.cloud() { 400 } else { 500 };
        return Err(error(status, said));
    };
    let mut errors = Map::new();
    let mut values = Values::default();
    let before: &BTreeMap<String, Value> = &issue.fields;
    edit::fields(call, issue.project, &way.fields, &set, &mut values, &mut errors);
    edit::operations(call, issue.project, &way.fields, before, &update, &set, &mut values, &mut errors);
    for (field, required) in &way.fields {
        if *required && values.fields.get(field).is_none_or(Value::is_null) && !errors.contains_key(field) {
            let name = call.state.field(field).map_or(field.as_str(), |field| field.name.as_str());
            errors.insert(field.clone(), format!("{name} is required.").into());
        }
    }
    if !errors.is_empty() {
        return Err(field_errors(errors));
    }
    let category = |id: &str| call.state.status(id).map(|status| status.category.clone());
    // Out of the done statuses the resolution goes.
    if category(&issue.status).as_deref() == Some("done") && category(&way.to).as_deref() != Some("done") {
        values.fields.insert("resolution".into(), Value::Null);
    }
    edit::apply(call, id, values, Some(("status", way.to)));
    Ok(Answer::no_content())
}
