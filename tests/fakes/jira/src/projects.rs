//! Projects, their statuses, and the site's lists.

use serde_json::{Value, json};

use crate::call::Call;
use crate::face::Face;
use crate::http::{Answer, Reply, error};
use crate::state::Project;

/// A project as other things refer to it.
pub(crate) fn short(face: &Face, project: &Project) -> Value {
    json!({"self": face.link(&format!("project/{}", project.id)), "id": project.id, "key": project.key,
           "name": project.name, "projectTypeKey": "software"})
}

pub(crate) fn all(call: &mut Call<'_>) -> Reply {
    let cloud = ["expand", "recent", "properties"];
    call.query(if call.face.cloud() { &cloud } else { &["expand", "recent", "includeArchived", "browseArchive"] });
    Answer::ok(&call.state.projects.iter().map(|project| short(&call.face, project)).collect())
}

pub(crate) fn page(call: &mut Call<'_>) -> Reply {
    let query = call.query(&[
        "startAt",
        "maxResults",
        "orderBy",
        "id",
        "keys",
        "query",
        "typeKey",
        "categoryId",
        "action",
        "expand",
        "status",
        "properties",
        "propertyQuery",
    ]);
    let start = query.number("startAt", 0)?;
    let asked = query.number("maxResults", 50)?;
    if asked > 100 {
        return Err(error(400, "The maximum number of results is 100."));
    }
    let known =
        ["category", "issueCount", "key", "lastIssueUpdatedTime", "name", "owner", "archivedDate", "deletedDate"];
    if let Some(order) = query.text("orderBy")
        && !known.contains(&order.trim_start_matches(['+', '-', ' ']))
    {
        return Err(error(400, format!("The value '{order}' of the parameter 'orderBy' is not of the right type.")));
    }
    let (ids, keys, text) = (query.list("id"), query.list("keys"), query.text("query").map(str::to_lowercase));
    let mut found: Vec<&Project> = call
        .state
        .projects
        .iter()
        .filter(|project| {
            ids.as_ref().is_none_or(|ids| ids.contains(&project.id))
                && keys.as_ref().is_none_or(|keys| keys.contains(&project.key))
                && text.as_ref().is_none_or(|text| {
                    project.key.to_lowercase().contains(text) || project.name.to_lowercase().contains(text)
                })
        })
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let total = found.len();
    let values: Vec<Value> =
        found.into_iter().skip(start).take(asked).map(|project| short(&call.face, project)).collect();
    let end = start + values.len();
    let own = call.face.link(&format!("project/search?maxResults={asked}&startAt="));
    let mut answer = json!({"self": format!("{own}{start}"), "startAt": start, "maxResults": asked, "total": total,
                            "isLast": end >= total, "values": values});
    if end < total {
        answer["nextPage"] = format!("{own}{end}").into();
    }
    Answer::ok(&answer)
}

pub(crate) fn read(call: &mut Call<'_>, id_or_key: &str) -> Reply {
    call.query(&["expand", "properties"]);
    let project = &call.state.projects[call.project(id_or_key)?];
    let face = &call.face;
    let named = |kind: &str, list: &[(String, String)]| -> Value {
        let one =
            |(id, name): &(String, String)| json!({"self": face.link(&format!("{kind}/{id}")), "id": id, "name": name});
        list.iter().map(one).collect()
    };
    let mut shown = short(face, project);
    shown["description"] = "".into();
    shown["lead"] = call.state.show_user(face, &call.state.users[0].account_id);
    shown["issueTypes"] = project.types.iter().map(|kind| call.state.show_type(face, kind)).collect();
    shown["components"] = named("component", &project.components);
    shown["versions"] = named("version", &project.versions);
    Answer::ok(&shown)
}

pub(crate) fn statuses(call: &mut Call<'_>, id_or_key: &str) -> Reply {
    call.query(&[]);
    let project = &call.state.projects[call.project(id_or_key)?];
    let statuses: Vec<Value> = project.statuses.iter().map(|id| call.state.show_status(&call.face, id)).collect();
    let types = project.types.iter().map(|kind| {
        json!({"self": call.face.link(&format!("issuetype/{}", kind.id)), "id": kind.id, "name": kind.name,
               "subtask": kind.subtask, "statuses": statuses})
    });
    Answer::ok(&types.collect())
}

pub(crate) fn priorities(call: &mut Call<'_>) -> Reply {
    call.query(&[]);
    Answer::ok(&call.state.priorities.iter().map(|(id, _)| call.state.show_priority(&call.face, id)).collect())
}

pub(crate) fn all_statuses(call: &mut Call<'_>) -> Reply {
    call.query(&[]);
    Answer::ok(&call.state.statuses.iter().map(|status| call.state.show_status(&call.face, &status.id)).collect())
}
