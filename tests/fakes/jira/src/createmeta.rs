//! What may be set: fields per issue type, in the envelopes of each Jira and age.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::face::Face;
use crate::field;
use crate::http::{Answer, Query, Reply, error};
use crate::state::{Issue, IssueType, State};

/// One field of a screen.
fn describe(state: &State, face: &Face, project: usize, id: &str, required: bool) -> Option<Value> {
    let field = state.field(id)?;
    let mut meta = json!({"required": required, "schema": field.schema(), "name": field.name, "fieldId": id,
                          "hasDefaultValue": id == "priority", "operations": field.operations()});
    if face.cloud() {
        meta["key"] = id.into();
    }
    if let Some(allowed) = field::allowed(state, face, project, field) {
        meta["allowedValues"] = allowed;
    }
    if id == "priority" {
        meta["defaultValue"] = state.show_priority(face, "3");
    }
    Some(meta)
}

/// The fields of a screen, by id.
pub(crate) fn by_id(state: &State, face: &Face, project: usize, screen: &[(String, bool)]) -> Map<String, Value> {
    let all = screen.iter().filter_map(|(id, required)| describe(state, face, project, id, *required));
    named(face, all)
}

/// Fields by their ids. Cloud has the id only as the key then.
fn named(face: &Face, all: impl Iterator<Item = Value>) -> Map<String, Value> {
    all.map(|mut meta| {
        let id = meta["fieldId"].as_str().unwrap_or_default().to_owned();
        if let (true, Some(meta)) = (face.cloud(), meta.as_object_mut()) {
            meta.remove("fieldId");
        }
        (id, meta)
    })
    .collect()
}

/// Project and issue type, which createmeta lists as fields too.
fn places(state: &State, face: &Face, project: usize, kind: &IssueType) -> [Value; 2] {
    let place = |id: &str, name: &str, allowed: Value| {
        let mut meta = json!({"required": true, "schema": {"type": id, "system": id}, "name": name, "fieldId": id,
                              "hasDefaultValue": false, "operations": ["set"], "allowedValues": [allowed]});
        if face.cloud() {
            meta["key"] = id.into();
        }
        meta
    };
    [
        place("project", "Project", crate::projects::short(face, &state.projects[project])),
        place("issuetype", "Issue Type", state.show_type(face, kind)),
    ]
}

fn all_fields(state: &State, face: &Face, project: usize, kind: &IssueType) -> Vec<Value> {
    let own = kind.screen.iter().filter_map(|(id, required)| describe(state, face, project, id, *required));
    places(state, face, project, kind).into_iter().chain(own).collect()
}

/// Cloud calls the list by its content, Data Center `values` with `isLast`.
fn envelope(call: &Call<'_>, query: &Query<'_>, name: &str, all: Vec<Value>) -> Reply {
    let longest = if call.face.cloud() { 200 } else { 1000 };
    let (start, size) = (query.number("startAt", 0)?, query.number("maxResults", 50)?.min(longest));
    let total = all.len();
    let page: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    let last = start + page.len() >= total;
    let mut answer = json!({"startAt": start, "maxResults": size, "total": total});
    if call.face.cloud() {
        answer[name] = page.into();
    } else {
        answer["isLast"] = last.into();
        answer["values"] = page.into();
    }
    Answer::ok(&answer)
}

/// The pages came with 8.4.
fn pages_exist(call: &Call<'_>) -> Result<(), Box<Answer>> {
    match call.state.version {
        version if call.face.cloud() || version >= [8, 4, 0] => Ok(()),
        // The path is then one of an issue with the key `createmeta`, and has nothing below.
        _ => Err(Box::new(Answer::html(404, "Not Found"))),
    }
}

fn project(call: &Call<'_>, id_or_key: &str) -> Result<usize, Box<Answer>> {
    let status = if call.face.cloud() { 404 } else { 400 };
    call.project(id_or_key).map_err(|_| error(status, format!("No project could be found with key '{id_or_key}'.")))
}

pub(crate) fn types(call: &mut Call<'_>, id_or_key: &str) -> Reply {
    pages_exist(call)?;
    let query = call.query(&["startAt", "maxResults"]);
    let index = project(call, id_or_key)?;
    let types = call.state.projects[index].types.iter().map(|kind| call.state.show_type(&call.face, kind)).collect();
    envelope(call, &query, "issueTypes", types)
}

pub(crate) fn type_fields(call: &mut Call<'_>, id_or_key: &str, kind: &str) -> Reply {
    pages_exist(call)?;
    let query = call.query(&["startAt", "maxResults"]);
    let index = project(call, id_or_key)?;
    let status = if call.face.cloud() { 404 } else { 400 };
    let kind = call.state.projects[index].types.iter().find(|known| known.id == kind);
    let kind = kind.ok_or_else(|| error(status, "Issue type could not be found."))?;
    envelope(call, &query, "fields", all_fields(call.state, &call.face, index, kind))
}

/// The old way, which Data Center 9 has no more and Cloud still lists.
pub(crate) fn old(call: &mut Call<'_>) -> Reply {
    if !call.face.cloud() && call.state.version >= [9, 0, 0] {
        let said = "Issue Does Not Exist";
        return Err(error(404, said));
    }
    let query = call.query(&["projectIds", "projectKeys", "issuetypeIds", "issuetypeNames", "expand"]);
    let (ids, keys) = (query.list("projectIds"), query.list("projectKeys"));
    let (type_ids, type_names) = (query.list("issuetypeIds"), query.list("issuetypeNames"));
    let with_fields =
        query.list("expand").is_some_and(|parts| parts.iter().any(|part| part == "projects.issuetypes.fields"));
    let asked =
        |list: &Option<Vec<String>>, value: &str| list.as_ref().is_some_and(|list| list.iter().any(|one| one == value));
    let (state, face) = (&*call.state, &call.face);
    let all = state.projects.iter().enumerate();
    let wanted = all.filter(|(_, project)| {
        (ids.is_none() && keys.is_none()) || asked(&ids, &project.id) || asked(&keys, &project.key)
    });
    let projects: Vec<Value> = wanted
        .map(|(index, project)| {
            let types = project.types.iter().filter(|kind| {
                (type_ids.is_none() && type_names.is_none())
                    || asked(&type_ids, &kind.id)
                    || asked(&type_names, &kind.name)
            });
            let types: Vec<Value> = types
                .map(|kind| {
                    let mut shown = state.show_type(face, kind);
                    shown["expand"] = "fields".into();
                    if with_fields {
                        shown["fields"] = named(face, all_fields(state, face, index, kind).into_iter()).into();
                    }
                    shown
                })
                .collect();
            let mut shown = crate::projects::short(face, project);
            shown["expand"] = "issuetypes".into();
            shown["issuetypes"] = types.into();
            shown
        })
        .collect();
    Answer::ok(&json!({"expand": "projects", "projects": projects}))
}

pub(crate) fn editable(state: &State, face: &Face, issue: &Issue) -> Map<String, Value> {
    let screen = state.issue_type(issue).map_or(&[][..], |kind| kind.screen.as_slice());
    let mut fields = by_id(state, face, issue.project, screen);
    let mut comment = json!({"required": false, "schema": {"type": "comments-page", "system": "comment"},
                             "name": "Comment", "operations": ["add", "edit", "remove"]});
    comment[if face.cloud() { "key" } else { "fieldId" }] = "comment".into();
    fields.insert("comment".into(), comment);
    fields
}

pub(crate) fn edit(call: &mut Call<'_>, issue: &str) -> Reply {
    call.query(if call.face.cloud() { &["overrideScreenSecurity", "overrideEditableFlag"] } else { &[] });
    let id = call.issue(issue)?;
    Answer::ok(&json!({"fields": editable(call.state, &call.face, &call.state.issues[&id])}))
}

/// All fields of the site.
pub(crate) fn fields(call: &mut Call<'_>) -> Reply {
    call.query(&[]);
    let one = |id: &str, name: &str, custom: bool, schema: Option<Value>| {
        let mut field = json!({"id": id, "name": name, "custom": custom, "orderable": true, "navigable": id != "comment",
                               "searchable": true, "clauseNames": [id]});
        if let Some(number) = id.strip_prefix("customfield_") {
            field["clauseNames"] = json!([format!("cf[{number}]"), name]);
        }
        if let Some(schema) = schema {
            field["schema"] = schema;
        }
        if call.face.cloud() {
            field["key"] = id.into();
        }
        field
    };
    let system = |id: &str, kind: &str| Some(json!({"type": kind, "system": id}));
    let places = [
        one("issuekey", "Key", false, None),
        one("project", "Project", false, system("project", "project")),
        one("issuetype", "Issue Type", false, system("issuetype", "issuetype")),
        one("status", "Status", false, system("status", "status")),
        one("created", "Created", false, system("created", "datetime")),
        one("updated", "Updated", false, system("updated", "datetime")),
        one("creator", "Creator", false, system("creator", "user")),
        one("comment", "Comment", false, system("comment", "comments-page")),
        one(
            "attachment",
            "Attachment",
            false,
            Some(json!({"type": "array", "items": "attachment", "system": "attachment"})),
        ),
    ];
    let known = call.state.fields.iter().map(|field| one(&field.id, &field.name, field.custom(), Some(field.schema())));
    Answer::ok(&places.into_iter().chain(known).collect())
}
