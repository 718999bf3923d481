//! People.

use serde_json::Value;

use crate::call::Call;
use crate::http::{Answer, Reply, error};
use crate::state::User;

/// How far the user search of Cloud reaches.
const REACH: usize = 1000;

pub(crate) fn myself(call: &mut Call<'_>) -> Reply {
    call.query(&["expand"]);
    Answer::ok(&call.state.show_user(&call.face, &call.user))
}

pub(crate) fn read(call: &mut Call<'_>) -> Reply {
    let query = call.query(if call.face.cloud() { &["accountId", "expand"] } else { &["username", "key", "expand"] });
    let found = if call.face.cloud() {
        let wanted = query.text("accountId").ok_or_else(|| error(400, "The accountId must be specified."))?;
        call.state.users.iter().find(|user| user.account_id == wanted)
    } else {
        let wanted = query.text("username").unwrap_or_default();
        call.state.users.iter().find(|user| user.name == wanted)
    };
    let user = found.ok_or_else(|| error(404, "The user does not exist."))?;
    Answer::ok(&call.state.show_user(&call.face, &user.account_id))
}

/// People whose names or addresses begin with a text, in any of their words.
fn matches(user: &User, text: &str, cloud: bool) -> bool {
    let text = text.to_lowercase();
    let begins = |words: &str| words.to_lowercase().split_whitespace().any(|word| word.starts_with(&text));
    let whole = user.display_name.to_lowercase().starts_with(&text) || user.email.to_lowercase().starts_with(&text);
    whole || begins(&user.display_name) || (!cloud && user.name.to_lowercase().starts_with(&text))
}

fn page(call: &Call<'_>, found: Vec<&User>, start: usize, size: usize) -> Reply {
    let page = found.into_iter().skip(start).take(size);
    Answer::ok(&page.map(|user| call.state.show_user(&call.face, &user.account_id)).collect::<Value>())
}

pub(crate) fn search(call: &mut Call<'_>) -> Reply {
    let cloud = call.face.cloud();
    let query = call.query(if cloud {
        &["query", "accountId", "property", "startAt", "maxResults"]
    } else {
        &["username", "startAt", "maxResults", "includeActive", "includeInactive"]
    });
    let (start, size) = (query.number("startAt", 0)?, query.number("maxResults", 50)?.min(1000));
    if cloud {
        let (text, id) = (query.text("query"), query.text("accountId"));
        if call.request.query.iter().any(|(name, _)| name == "username") {
            return Err(error(400, "The query parameter 'username' is not supported in GDPR strict mode."));
        }
        if text.is_some() == id.is_some() {
            return Err(error(400, "Either query or accountId has to be set, and not both."));
        }
        let reach = call.state.users.iter().take(REACH);
        let wanted =
            |user: &&User| id.map_or_else(|| matches(user, text.unwrap_or_default(), true), |id| user.account_id == id);
        return page(call, reach.filter(wanted).collect(), start, size);
    }
    let (active, inactive) = (query.flag("includeActive", true)?, query.flag("includeInactive", false)?);
    let Some(text) = query.text("username") else {
        return Err(error(400, "The username query parameter was not provided"));
    };
    // A dot finds everybody.
    let wanted =
        |user: &&User| (text == "." || matches(user, text, false)) && if user.active { active } else { inactive };
    page(call, call.state.users.iter().filter(wanted).collect(), start, size)
}

pub(crate) fn assignable(call: &mut Call<'_>) -> Reply {
    let cloud = call.face.cloud();
    let query = call.query(&[
        if cloud { "query" } else { "username" },
        if cloud { "accountId" } else { "issueKey" },
        "project",
        "issueKey",
        "startAt",
        "maxResults",
        "actionDescriptorId",
    ]);
    let (start, size) = (query.number("startAt", 0)?, query.number("maxResults", 50)?);
    match (query.text("project"), query.text("issueKey")) {
        (Some(project), _) => drop(call.project(project)?),
        (None, Some(issue)) => drop(call.issue(issue)?),
        (None, None) => return Err(error(400, "Either project or issueKey has to be set.")),
    }
    let text = query.text(if cloud { "query" } else { "username" }).unwrap_or_default();
    let found = call.state.users.iter().filter(|user| user.active && matches(user, text, cloud));
    page(call, found.collect(), start, size)
}
