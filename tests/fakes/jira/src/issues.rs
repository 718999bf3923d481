//! Issues as answers show them; reading and deleting them.

use serde_json::{Map, Value, json};

use crate::attachments;
use crate::call::Call;
use crate::comments;
use crate::createmeta;
use crate::face::{Face, date};
use crate::field;
use crate::history;
use crate::http::{Answer, Reply, error};
use crate::search::Body;
use crate::state::{Issue, State};
use crate::transitions;

/// Which parts of an issue an answer shall have.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// `*all`, `*navigable`, ids, and ids with a `-` before them.
    names: Vec<String>,
    pub(crate) expand: Vec<String>,
    pub(crate) properties: Vec<String>,
}

impl Wanted {
    pub(crate) fn of(names: &[String]) -> Self {
        Self { names: names.to_vec(), expand: Vec::new(), properties: Vec::new() }
    }

    pub(crate) fn all() -> Self {
        Self::of(&["*all".into()])
    }

    pub(crate) fn navigable() -> Self {
        Self::of(&["*navigable".into()])
    }

    pub(crate) fn nothing() -> Self {
        Self::of(&[])
    }

    fn field(&self, id: &str) -> bool {
        // Comments are the one thing of ours that is not navigable.
        let group = |name: &str| name == "*all" || (name == "*navigable" && id != "comment");
        let excluded = self.names.iter().any(|name| name.strip_prefix('-') == Some(id));
        // Nothing but exclusions: of everything.
        let only_exclusions = !self.names.is_empty() && self.names.iter().all(|name| name.starts_with('-'));
        !excluded && (only_exclusions || self.names.iter().any(|name| group(name) || name == id))
    }

    fn expands(&self, part: &str) -> bool {
        self.expand.iter().any(|expanded| expanded.split('.').next() == Some(part))
    }
}

/// An issue as an answer has it.
pub(crate) fn show(state: &State, face: &Face, issue: &Issue, wanted: &Wanted) -> Value {
    let project = &state.projects[issue.project];
    let mut fields = Map::new();
    let mut put = |id: &str, value: &dyn Fn() -> Value| {
        if wanted.field(id) {
            fields.insert(id.to_owned(), value());
        }
    };
    put("project", &|| crate::projects::short(face, project));
    put("issuetype", &|| state.issue_type(issue).map_or(Value::Null, |kind| state.show_type(face, kind)));
    put("status", &|| state.show_status(face, &issue.status));
    put("created", &|| date(issue.created).into());
    put("updated", &|| date(issue.updated).into());
    put("creator", &|| state.show_user(face, &issue.reporter));
    put("issuelinks", &|| json!([]));
    put("subtasks", &|| {
        let children = state.children(issue.id);
        children.map(|child| json!({"id": child.id.to_string(), "key": state.key(child)})).collect()
    });
    put("comment", &|| comments::page(state, face, issue, 0, issue.comments.len()));
    put("attachment", &|| {
        let own = state.attachments.values().filter(|attachment| attachment.issue == issue.id);
        own.map(|attachment| attachments::show(state, face, attachment)).collect()
    });
    let screen = state.issue_type(issue).map_or(&[][..], |kind| kind.screen.as_slice());
    for field in &state.fields {
        // A field that is on no screen of the issue and has no value is not there at all.
        let here = screen.iter().any(|(id, _)| *id == field.id) || (!field.custom() && field.id != "parent");
        let value = issue.fields.get(&field.id);
        if here || value.is_some() {
            put(&field.id, &|| match (field.id.as_str(), value) {
                ("reporter", None) => state.show_user(face, &issue.reporter),
                _ => field::show(state, face, field, value.unwrap_or(&Value::Null)),
            });
        }
    }
    let mut shown = json!({
        "expand": "renderedFields,names,schema,operations,editmeta,changelog",
        "id": issue.id.to_string(),
        "self": face.link(&format!("issue/{}", issue.id)),
        "key": state.key(issue),
        "fields": fields,
    });
    if !wanted.properties.is_empty() {
        let all = wanted.properties.iter().any(|name| name == "*all");
        let asked = issue.properties.iter().filter(|(key, _)| all || wanted.properties.contains(key));
        shown["properties"] = asked.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into();
    }
    if wanted.expands("changelog") {
        shown["changelog"] = history::newest(state, face, issue);
    }
    if wanted.expands("transitions") {
        let fields = wanted.expand.iter().any(|part| part == "transitions.fields");
        shown["transitions"] = transitions::reachable(state, face, issue, fields);
    }
    if wanted.expands("editmeta") {
        shown["editmeta"] = json!({"fields": createmeta::editable(state, face, issue)});
    }
    if wanted.expands("names") {
        let names = state.fields.iter().map(|field| (field.id.clone(), field.name.clone().into()));
        shown["names"] = names.collect::<Map<_, _>>().into();
    }
    shown
}

pub(crate) fn read(call: &mut Call<'_>, issue: &str) -> Reply {
    let cloud = ["fields", "expand", "properties", "fieldsByKeys", "updateHistory", "failFast"];
    let query =
        call.query(if call.face.cloud() { &cloud } else { &["fields", "expand", "properties", "updateHistory"] });
    let id = call.issue(issue)?;
    let mut wanted = query.list("fields").map_or_else(Wanted::all, |names| Wanted::of(&names));
    wanted.expand = query.list("expand").unwrap_or_default();
    wanted.properties = query.list("properties").unwrap_or_default();
    Answer::ok(&show(call.state, &call.face, &call.state.issues[&id], &wanted))
}

/// Issues by id or key, at most 100, in ascending order of their ids; what is not there is an entry in
/// `issueErrors` only if it is a wrong value, as on Cloud, so nothing tells what is missing.
pub(crate) fn bulk(call: &mut Call<'_>) -> Reply {
    let body = call.body(&["issueIdsOrKeys", "fields", "expand", "properties", "fieldsByKeys"])?;
    let reader = Body { call, body: &body };
    let asked = reader.list("issueIdsOrKeys")?.ok_or_else(|| call.bad_payload())?;
    if asked.len() > 100 {
        return Err(error(400, "The number of issues to fetch must not exceed 100."));
    }
    let mut wanted = reader.list("fields")?.map_or_else(Wanted::navigable, |names| Wanted::of(&names));
    wanted.expand = reader.list("expand")?.unwrap_or_default();
    wanted.properties = reader.list("properties")?.unwrap_or_default();
    let mut ids: Vec<u64> = asked.iter().filter_map(|id_or_key| call.state.find(id_or_key)).collect();
    ids.sort_unstable();
    ids.dedup();
    let issues: Vec<Value> =
        ids.iter().map(|id| show(call.state, &call.face, &call.state.issues[id], &wanted)).collect();
    Answer::ok(&json!({"issues": issues, "issueErrors": []}))
}

pub(crate) fn delete(call: &mut Call<'_>, issue: &str) -> Reply {
    let with_subtasks = call.query(&["deleteSubtasks"]).flag("deleteSubtasks", false)?;
    let id = call.issue(issue)?;
    let children: Vec<u64> = call.state.children(id).map(|child| child.id).collect();
    if !children.is_empty() && !with_subtasks {
        let key = call.state.key(&call.state.issues[&id]);
        return Err(error(
            400,
            format!(
                "The issue '{key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this issue and all its subtasks."
            ),
        ));
    }
    for id in children.into_iter().chain([id]) {
        call.state.remove(id);
    }
    Ok(Answer::no_content())
}
