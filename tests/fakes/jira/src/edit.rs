//! Editing issues, and the checks of fields that creating and transitions share.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::field;
use crate::history;
use crate::http::{Answer, Reply, field_errors};
use crate::issues::{Wanted, show};

/// What a request sets, in the form that issues keep.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) comments: Vec<Value>,
}

pub(crate) fn edit(call: &mut Call<'_>, issue: &str) -> Reply {
    let cloud = ["notifyUsers", "returnIssue", "expand", "overrideScreenSecurity", "overrideEditableFlag"];
    let query = call.query(if call.face.cloud() { &cloud } else { &["notifyUsers"] });
    query.flag("notifyUsers", true)?;
    let return_issue = call.face.cloud() && query.flag("returnIssue", false)?;
    let id = call.issue(issue)?;
    let body = call.body(&["fields", "update", "transition", "properties", "historyMetadata"])?;
    let mut set = object(call, &body, "fields")?;
    let update = object(call, &body, "update")?;
    let issue = call.state.issues[&id].clone();
    let mut errors = Map::new();
    let kind = take_type(call, &mut set, issue.project, &mut errors);
    let screen = call.state.issue_type(&issue).map(|kind| kind.screen.clone()).unwrap_or_default();
    let mut values = Values::default();
    fields(call, issue.project, &screen, &set, &mut values, &mut errors);
    operations(call, issue.project, &screen, &issue.fields, &update, &set, &mut values, &mut errors);
    for (field, required) in &screen {
        if *required && values.fields.get(field).is_some_and(Value::is_null) && !errors.contains_key(field) {
            let name = call.state.field(field).map_or(field.as_str(), |field| field.name.as_str());
            errors.insert(field.clone(), format!("{name} is required.").into());
        }
    }
    if !errors.is_empty() {
        return Err(field_errors(errors));
    }
    apply(call, id, values, kind.map(|kind| ("issuetype", kind)));
    if return_issue {
        return Answer::ok(&show(call.state, &call.face, &call.state.issues[&id], &Wanted::all()));
    }
    Ok(Answer::no_content())
}

/// `fields` or `update` of a body; absent is empty.
pub(crate) fn object(call: &Call<'_>, body: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, Box<Answer>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(call.bad_payload()),
    }
}

/// An edit may change the issue type; the project and the status it may not.
fn take_type(
    call: &Call<'_>,
    fields: &mut Map<String, Value>,
    project: usize,
    errors: &mut Map<String, Value>,
) -> Option<String> {
    let wanted = fields.remove("issuetype")?;
    let same = |kind: &&crate::IssueType| {
        wanted["id"] == kind.id.as_str() || (wanted["id"].is_null() && wanted["name"] == kind.name.as_str())
    };
    let found = call.state.projects[project].types.iter().find(same).map(|kind| kind.id.clone());
    if found.is_none() {
        errors.insert("issuetype".into(), "The issue type selected is invalid.".into());
    }
    found
}

/// Checks and reads what a request sets.
pub(crate) fn fields(
    call: &Call<'_>,
    project: usize,
    screen: &[(String, bool)],
    set: &Map<String, Value>,
    values: &mut Values,
    errors: &mut Map<String, Value>,
) {
    for (id, value) in set {
        let on_screen = screen.iter().any(|(known, _)| known == id);
        let Some(field) = call.state.field(id).filter(|_| on_screen) else {
            let said = format!("Field '{id}' cannot be set. It is not on the appropriate screen, or unknown.");
            errors.insert(id.clone(), said.into());
            continue;
        };
        match field::read(call.state, &call.face, project, field, value) {
            Ok(value) => {
                values.fields.insert(id.clone(), value);
            }
            Err(said) => {
                errors.insert(id.clone(), said.into());
            }
        }
    }
}

/// Checks and reads `update`: per field a list of `{"add": …}`, `{"remove": …}`, `{"set": …}`.
#[expect(
    clippy::too_many_arguments,
    reason = "a request has `fields` and `update`, and both have to be checked together"
)]
pub(crate) fn operations(
    call: &Call<'_>,
    project: usize,
    screen: &[(String, bool)],
    before: &BTreeMap<String, Value>,
    update: &Map<String, Value>,
    set: &Map<String, Value>,
    values: &mut Values,
    errors: &mut Map<String, Value>,
) {
    for (id, operations) in update {
        let mut now = before.get(id).cloned().unwrap_or_default();
        let mut fail = |said: String| errors.insert(id.clone(), said.into());
        if set.contains_key(id) {
            fail(format!("Field '{id}' cannot be set in both 'fields' and 'update'."));
            continue;
        }
        let Some(operations) = operations.as_array() else {
            fail("data was not an array".into());
            continue;
        };
        if id == "comment" {
            for operation in operations {
                match crate::comments::read(call, operation["add"].get("body")) {
                    Ok(body) => values.comments.push(body),
                    Err(said) => {
                        fail(said);
                    }
                }
            }
            continue;
        }
        let on_screen = screen.iter().any(|(known, _)| known == id);
        let Some(field) = call.state.field(id).filter(|_| on_screen) else {
            fail(format!("Field '{id}' cannot be set. It is not on the appropriate screen, or unknown."));
            continue;
        };
        for operation in operations {
            let Some((verb, value)) =
                operation.as_object().filter(|one| one.len() == 1).and_then(|one| one.iter().next())
            else {
                fail("Operation must be an object with one key".into());
                continue;
            };
            if !field.operations().as_array().is_some_and(|known| known.contains(&json!(verb))) {
                fail(format!("Field with id '{id}' and name '{}' does not support operation '{verb}'", field.name));
                continue;
            }
            let list = if verb == "set" { value.clone() } else { json!([value]) };
            match field::read(call.state, &call.face, project, field, &list) {
                Err(said) => {
                    fail(said);
                }
                Ok(read) => now = combined(verb, now, read),
            }
        }
        values.fields.insert(id.clone(), now);
    }
}

fn combined(verb: &str, now: Value, read: Value) -> Value {
    let list = |value: Value| if let Value::Array(items) = value { items } else { Vec::new() };
    if verb == "set" {
        return read;
    }
    let (mut now, read) = (list(now), list(read));
    for item in read {
        now.retain(|known| *known != item);
        if verb == "add" {
            now.push(item);
        }
    }
    Value::Array(now)
}

/// Puts values into an issue and what changed into its history. `place` is a new issue type or status.
pub(crate) fn apply(call: &mut Call<'_>, id: u64, values: Values, place: Option<(&str, String)>) {
    let state = &mut *call.state;
    let Some(mut issue) = state.issues.get(&id).cloned() else { return };
    let mut items = Vec::new();
    for (field_id, new) in values.fields {
        let old = issue.fields.get(&field_id).cloned().unwrap_or_default();
        let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if old == new || (empty(&old) && empty(&new)) {
            continue;
        }
        if let Some(field) = state.field(&field_id) {
            items.push(history::item(state, &call.face, field, &old, &new));
        }
        if new.is_null() {
            issue.fields.remove(&field_id);
        } else {
            issue.fields.insert(field_id, new);
        }
    }
    match place {
        Some(("status", new)) if new != issue.status => {
            items.push(history::status(state, &issue.status, &new));
            issue.status = new;
        }
        Some(("issuetype", new)) if new != issue.issue_type => issue.issue_type = new,
        _ => {}
    }
    let now = state.now();
    if !items.is_empty() {
        let change = crate::state::Change { id: state.id(), author: call.user.clone(), created: now, items };
        issue.history.push(change);
    }
    issue.updated = now;
    state.put(issue);
    for comment in values.comments {
        crate::comments::put(state, &call.user, id, comment);
    }
}
