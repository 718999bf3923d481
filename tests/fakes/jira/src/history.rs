//! Issues' change history.

use serde_json::{Value, json};

use crate::call::Call;
use crate::face::{Face, date};
use crate::field::{self, Field};
use crate::http::{Answer, Reply};
use crate::state::{Change, Issue, State};

/// Entries that `expand=changelog` shows on Cloud; Data Center shows all.
const EXPANDED: usize = 100;

pub(crate) fn page(call: &mut Call<'_>, issue: &str) -> Reply {
    let query = call.query(&["startAt", "maxResults"]);
    let start = query.number("startAt", 0)?;
    let size = query.number("maxResults", 100)?.min(call.state.changelog_page);
    let id = call.issue(issue)?;
    let history = &call.state.issues[&id].history;
    let values: Vec<Value> =
        history.iter().skip(start).take(size).map(|change| show(call.state, &call.face, change)).collect();
    let end = start + values.len();
    let own = call.face.link(&format!("issue/{id}/changelog?maxResults={size}&startAt="));
    let mut answer = json!({"self": format!("{own}{start}"), "startAt": start, "maxResults": size,
                            "total": history.len(), "isLast": end >= history.len(), "values": values});
    if end < history.len() {
        answer["nextPage"] = format!("{own}{end}").into();
    }
    Answer::ok(&answer)
}

/// What `expand=changelog` shows: the newest first on Cloud and not all of them, all in order on Data Center.
pub(crate) fn newest(state: &State, face: &Face, issue: &Issue) -> Value {
    let total = issue.history.len();
    let shown = |change: &Change| show(state, face, change);
    let histories: Vec<Value> = if face.cloud() {
        issue.history.iter().rev().take(EXPANDED).map(shown).collect()
    } else {
        issue.history.iter().map(shown).collect()
    };
    json!({"startAt": 0, "maxResults": histories.len(), "total": total, "histories": histories})
}

fn show(state: &State, face: &Face, change: &Change) -> Value {
    json!({"id": change.id.to_string(), "author": state.show_user(face, &change.author),
           "created": date(change.created), "items": change.items})
}

/// One field's change.
pub(crate) fn item(state: &State, face: &Face, field: &Field, old: &Value, new: &Value) -> Value {
    let words = |value: &Value| field::words(state, face, field, value);
    let id = |value: &Value| value.as_str().map(str::to_owned);
    // Text and dates have no ids.
    let has_ids = field::allowed(state, face, 0, field).is_some();
    let (from, to) = if has_ids { (id(old), id(new)) } else { (None, None) };
    let name = if field.custom() { &field.name } else { &field.id };
    let kind = if field.custom() { "custom" } else { "jira" };
    let mut item = json!({"field": name, "fieldtype": kind, "from": from, "fromString": words(old),
                          "to": to, "toString": words(new)});
    if face.cloud() {
        item["fieldId"] = field.id.clone().into();
    }
    item
}

/// A transition.
pub(crate) fn status(state: &State, old: &str, new: &str) -> Value {
    let name = |id: &str| state.status(id).map(|status| status.name.clone());
    let mut item = json!({"field": "status", "fieldtype": "jira", "from": old, "fromString": name(old),
                          "to": new, "toString": name(new)});
    if state.cloud() {
        item["fieldId"] = "status".into();
    }
    item
}
