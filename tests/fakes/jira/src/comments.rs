//! Comments.

use serde_json::{Value, json};

use crate::call::Call;
use crate::face::{Face, date};
use crate::http::{Answer, Reply, field_errors};
use crate::rich_text;
use crate::state::{Comment, Issue, State};

pub(crate) fn list(call: &mut Call<'_>, issue: &str) -> Reply {
    let query = call.query(&["startAt", "maxResults", "orderBy", "expand"]);
    let (start, size) = (query.number("startAt", 0)?, query.number("maxResults", 100)?);
    let id = call.issue(issue)?;
    Answer::ok(&page(call.state, &call.face, &call.state.issues[&id], start, size))
}

pub(crate) fn page(state: &State, face: &Face, issue: &Issue, start: usize, size: usize) -> Value {
    let shown: Vec<Value> =
        issue.comments.iter().skip(start).take(size).map(|comment| show(state, face, issue.id, comment)).collect();
    json!({"comments": shown, "startAt": start, "maxResults": size, "total": issue.comments.len()})
}

fn show(state: &State, face: &Face, issue: u64, comment: &Comment) -> Value {
    let body = match &comment.body {
        document @ Value::Object(_) if !face.adf() => rich_text::plain(document).into(),
        Value::String(text) if face.adf() => rich_text::document(text),
        body => body.clone(),
    };
    let (author, created) = (state.show_user(face, &comment.author), date(comment.created));
    json!({"self": face.link(&format!("issue/{issue}/comment/{}", comment.id)), "id": comment.id.to_string(),
           "author": author, "updateAuthor": author, "created": created, "updated": created, "body": body})
}

/// # Errors
///
/// Jira's words about a body that is missing or of the wrong kind.
pub(crate) fn read(call: &Call<'_>, body: Option<&Value>) -> Result<Value, String> {
    match body {
        Some(document @ Value::Object(_)) if call.face.adf() && rich_text::is_document(document) => {
            Ok(document.clone())
        }
        Some(Value::String(text)) if !call.face.adf() && !text.is_empty() => Ok(body.cloned().unwrap_or_default()),
        None | Some(Value::Null) => Err("Comment body can not be empty!".into()),
        Some(_) if call.face.adf() => Err("Comment body is not valid!".into()),
        Some(_) => Err("Comment body can not be empty!".into()),
    }
}

pub(crate) fn add(call: &mut Call<'_>, issue: &str) -> Reply {
    call.query(&["expand"]);
    let id = call.issue(issue)?;
    let body = call.body(&["body", "visibility", "properties"])?;
    let body = read(call, body.get("body"))
        .map_err(|said| field_errors([("comment".to_owned(), said.into())].into_iter().collect()))?;
    put(call.state, &call.user, id, body);
    let issue = &call.state.issues[&id];
    let shown = issue.comments.last().map(|comment| show(call.state, &call.face, id, comment));
    Ok(Answer::json(201, &shown.unwrap_or_default()))
}

pub(crate) fn put(state: &mut State, author: &str, issue: u64, body: Value) {
    let comment = Comment { id: state.id(), author: author.into(), created: state.now(), body };
    if let Some(issue) = state.issues.get_mut(&issue) {
        issue.updated = comment.created;
        issue.comments.push(comment);
    }
    state.changed();
}
