//! Creating issues.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::edit::{self, Values};
use crate::http::{Answer, Reply, error, field_errors};
use crate::state::Issue;

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    call.query(&["updateHistory"]).flag("updateHistory", false)?;
    let body = call.body(&["fields", "update", "transition", "properties", "historyMetadata"])?;
    let mut fields = edit::object(call, &body, "fields")?;
    let update = edit::object(call, &body, "update")?;
    let (project, kind) = place(call, &mut fields)?;
    let screen = call.state.projects[project].types[kind].screen.clone();
    let mut errors = Map::new();
    let mut values = Values::default();
    edit::fields(call, project, &screen, &fields, &mut values, &mut errors);
    edit::operations(call, project, &screen, &BTreeMap::new(), &update, &fields, &mut values, &mut errors);
    for (id, required) in &screen {
        let missing = values.fields.get(id).is_none_or(Value::is_null);
        if *required && missing && !errors.contains_key(id) {
            let name = call.state.field(id).map_or(id.as_str(), |field| field.name.as_str());
            let said = match id.as_str() {
                "summary" => "You must specify a summary of the issue.".to_owned(),
                _ => format!("{name} is required."),
            };
            errors.insert(id.clone(), said.into());
        }
    }
    if !errors.is_empty() {
        return Err(field_errors(errors));
    }
    let now = call.state.now();
    let id = call.state.id();
    let reporter = values.fields.get("reporter").and_then(Value::as_str).unwrap_or(&call.user).to_owned();
    values.fields.retain(|_, value| !value.is_null());
    let place = &call.state.projects[project];
    let issue = Issue {
        id,
        project,
        number: place.last_number + 1,
        issue_type: place.types[kind].id.clone(),
        status: place.statuses[0].clone(),
        reporter,
        created: now,
        updated: now,
        fields: values.fields,
        properties: properties(call, &body)?,
        history: Vec::new(),
        comments: Vec::new(),
    };
    let key = call.state.key(&issue);
    call.state.insert(issue);
    for comment in values.comments {
        crate::comments::put(call.state, &call.user, id, comment);
    }
    if call.state.index_stands_still {
        call.state.unindexed.insert(id);
    }
    let answer = json!({"id": id.to_string(), "key": key, "self": call.face.link(&format!("issue/{id}"))});
    Ok(Answer::json(201, &answer))
}

/// Project and issue type, taken out of the fields.
fn place(call: &Call<'_>, fields: &mut Map<String, Value>) -> Result<(usize, usize), Box<Answer>> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let wrong = |field: &str, said: &str| field_errors(Map::from_iter([(field.to_owned(), said.into())]));
    let cloud = call.face.cloud();
    let project = fields.remove("project").unwrap_or_default();
    let project = text(&project, "key")
        .and_then(|key| call.state.projects.iter().position(|known| known.key == key))
        .or_else(|| {
            let id = text(&project, "id")?;
            call.state.projects.iter().position(|known| known.id == id)
        })
        .ok_or_else(|| {
            wrong("project", if cloud { "Specify a valid project ID or key" } else { "valid project is required" })
        })?;
    let kind = fields.remove("issuetype").unwrap_or_default();
    let (id, name) = (text(&kind, "id"), text(&kind, "name"));
    let found = call.state.projects[project]
        .types
        .iter()
        .position(|known| id.as_ref().map_or_else(|| name.as_ref() == Some(&known.name), |id| *id == known.id));
    let kind = found.ok_or_else(|| {
        wrong("issuetype", if cloud { "Specify a valid issue type" } else { "valid issue type is required" })
    })?;
    Ok((project, kind))
}

fn properties(call: &Call<'_>, body: &Map<String, Value>) -> Result<BTreeMap<String, Value>, Box<Answer>> {
    let Some(list) = body.get("properties").filter(|list| !list.is_null()) else { return Ok(BTreeMap::new()) };
    let list = list.as_array().ok_or_else(|| call.bad_payload())?;
    list.iter()
        .map(|property| match (property["key"].as_str(), property.get("value")) {
            (Some(key), Some(value)) if !key.is_empty() && key.len() <= 255 => Ok((key.to_owned(), value.clone())),
            _ => Err(error(400, "The property key cannot be empty or longer than 255 characters.")),
        })
        .collect()
}
