//! One call of a handler, and the way from a path to it.

use serde_json::{Map, Value};

use crate::attachments::Part;
use crate::face::Face;
use crate::http::{Answer, Query, Reply, Request, error};
use crate::state::State;
use crate::{attachments, comments, create, createmeta, edit, history, issues, projects, search, transitions, users};

/// One call: the state, the request, who asks and by which face.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) request: &'a Request,
    /// Of a multipart body.
    pub(crate) parts: &'a [Part],
    pub(crate) face: Face,
    /// The caller's account id; empty for nobody.
    pub(crate) user: String,
}

impl<'a> Call<'a> {
    pub(crate) fn query(&self, known: &[&str]) -> Query<'a> {
        Query::of(self.request, self.face.cloud(), known)
    }

    /// The body, a JSON object with none but the known keys.
    pub(crate) fn body(&self, known: &[&str]) -> Result<Map<String, Value>, Box<Answer>> {
        let media_type = self.request.header("content-type").unwrap_or_default();
        if !media_type.starts_with("application/json") {
            return Err(error(415, "Unsupported Media Type"));
        }
        let parsed = serde_json::from_slice::<Value>(&self.request.body);
        let Ok(Value::Object(body)) = parsed else {
            return Err(error(400, "There was an error parsing JSON. Check that your request body is valid."));
        };
        if let Some(unknown) = body.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(if self.face.cloud() {
                error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
            } else {
                error(400, format!("Unrecognized field \"{unknown}\" ({} known properties: {known:?})", known.len()))
            });
        }
        Ok(body)
    }

    /// A value of another type than the document has.
    pub(crate) fn bad_payload(&self) -> Box<Answer> {
        if self.face.cloud() {
            error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        } else {
            error(400, "Can not deserialize instance of the request's type out of this JSON token")
        }
    }

    /// The issue of an id or a key.
    pub(crate) fn issue(&self, id_or_key: &str) -> Result<u64, Box<Answer>> {
        self.state.find(id_or_key).ok_or_else(|| {
            let cloud = "Issue does not exist or you do not have permission to see it.";
            error(404, if self.face.cloud() { cloud } else { "Issue Does Not Exist" })
        })
    }

    pub(crate) fn project(&self, id_or_key: &str) -> Result<usize, Box<Answer>> {
        self.state
            .project(id_or_key)
            .ok_or_else(|| error(404, format!("No project could be found with key '{id_or_key}'.")))
    }
}

/// Answers what is below `/rest/api/<version>`.
pub(crate) fn answer(call: &mut Call<'_>, path: &[&str]) -> Reply {
    let cloud = call.face.cloud();
    let method = call.request.method.as_str();
    match (method, path) {
        ("GET", ["myself"]) => users::myself(call),
        ("GET", ["user"]) => users::read(call),
        ("GET", ["user", "search"]) => users::search(call),
        ("GET", ["user", "assignable", "search"]) => users::assignable(call),
        ("GET", ["project"]) => projects::all(call),
        ("GET", ["project", "search"]) if cloud => projects::page(call),
        ("GET", ["project", project]) => projects::read(call, project),
        ("GET", ["project", project, "statuses"]) => projects::statuses(call, project),
        ("GET", ["field"]) => createmeta::fields(call),
        ("GET", ["priority"]) => projects::priorities(call),
        ("GET", ["status"]) => projects::all_statuses(call),
        ("GET" | "POST", ["search", "jql"]) if cloud => search::by_token(call),
        ("POST", ["search", "approximate-count"]) if cloud => search::count(call),
        ("GET" | "POST", ["search"]) if cloud => Err(search::removed()),
        ("GET" | "POST", ["search"]) => search::by_offset(call),
        ("GET", ["issue", "createmeta"]) => createmeta::old(call),
        ("GET", ["issue", "createmeta", project, "issuetypes"]) => createmeta::types(call, project),
        ("GET", ["issue", "createmeta", project, "issuetypes", kind]) => createmeta::type_fields(call, project, kind),
        ("POST", ["issue", "bulkfetch"]) if cloud => issues::bulk(call),
        ("POST", ["issue"]) => create::create(call),
        ("GET", ["issue", issue]) => issues::read(call, issue),
        ("PUT", ["issue", issue]) => edit::edit(call, issue),
        ("DELETE", ["issue", issue]) => issues::delete(call, issue),
        ("GET", ["issue", issue, "editmeta"]) => createmeta::edit(call, issue),
        ("GET", ["issue", issue, "transitions"]) => transitions::list(call, issue),
        ("POST", ["issue", issue, "transitions"]) => transitions::perform(call, issue),
        ("GET", ["issue", issue, "changelog"]) if cloud => history::page(call, issue),
        ("GET", ["issue", issue, "comment"]) => comments::list(call, issue),
        ("POST", ["issue", issue, "comment"]) => comments::add(call, issue),
        ("POST", ["issue", issue, "attachments"]) => attachments::add(call, issue),
        ("GET", ["attachment", "meta"]) => attachments::limits(call),
        ("GET", ["attachment", "content", id]) if cloud => attachments::content(call, id),
        ("GET", ["attachment", id]) => attachments::read(call, id),
        ("DELETE", ["attachment", id]) => attachments::remove(call, id),
        (_, ["myself" | "project" | "field" | "priority" | "status" | "search" | "issue" | "attachment", ..]) => {
            Err(Box::new(Answer::html(405, "Method Not Allowed")))
        }
        _ => Err(Box::new(Answer::html(404, "Not Found"))),
    }
}
