//! Searches: pages by token on Cloud, by offset on Data Center.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::http::{Answer, Reply, error};
use crate::issues::{Wanted, show};
use crate::jql;

/// Searches that go on, and what tokens stand for.
#[derive(Default)]
pub(crate) struct Pages {
    last: Option<Last>,
    open: HashMap<String, Page>,
    made: u64,
}

/// The search that was made last, as long as nothing changes: a huge list is not searched page by page.
struct Last {
    jql: String,
    /// What its dates are in.
    offset_minutes: i32,
    revision: u64,
    found: Arc<Vec<u64>>,
}

#[derive(Clone)]
struct Page {
    jql: String,
    found: Arc<Vec<u64>>,
    offset: usize,
}

impl Pages {
    fn remembered(&self, jql: &str, offset_minutes: i32, revision: u64) -> Option<Arc<Vec<u64>>> {
        let last = self.last.as_ref()?;
        let same = last.jql == jql && last.offset_minutes == offset_minutes && last.revision == revision;
        same.then(|| Arc::clone(&last.found))
    }

    /// Ends all tokens that were given out.
    pub(crate) fn expire(&mut self) {
        self.open.clear();
    }

    fn token(&mut self, page: Page) -> String {
        self.made += 1;
        // Opaque, as Jira's: nobody should read an offset out of it.
        let token = format!("Ch0jU3{:016x}==", self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.open.insert(token.clone(), page);
        token
    }
}

/// What a search asks for, out of a query or a body.
struct Asked {
    jql: String,
    token: Option<String>,
    start: usize,
    size: Option<usize>,
    wanted: Option<Vec<String>>,
    expand: Vec<String>,
    properties: Vec<String>,
    reconcile: Vec<u64>,
    validate: bool,
}

pub(crate) fn removed() -> Box<Answer> {
    error(
        410,
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
    )
}

/// The ids that a query finds, and warnings of a query that is not validated.
type Found = (Arc<Vec<u64>>, Vec<String>);

fn find(call: &mut Call<'_>, jql: &str, validate: bool) -> Result<Found, Box<Answer>> {
    let user = call.state.users.iter().find(|user| user.account_id == call.user);
    let offset_minutes = user.map_or(0, |user| user.utc_offset_minutes);
    if let Some(found) = call.state.pages.remembered(jql, offset_minutes, call.state.revision) {
        return Ok((found, Vec::new()));
    }
    let query = jql::parse(jql).map_err(|said| error(400, said))?;
    if call.face.cloud() && query.restriction.is_none() {
        let said = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
        return Err(error(400, said));
    }
    if call.face.cloud() && query.order.len() > 7 {
        return Err(error(400, "The 'order by' clause has more than 7 fields."));
    }
    let mut search = jql::Search::new(call.state, offset_minutes);
    let mut found = search.run(&query).map_err(|said| error(400, said))?;
    let missing = std::mem::take(&mut search.missing);
    if validate && !missing.is_empty() {
        return Err(Box::new(Answer::json(400, &json!({"errorMessages": missing, "errors": {}}))));
    }
    if call.state.index_stands_still {
        found.retain(|id| !call.state.unindexed.contains(id));
    } else {
        call.state.unindexed.clear();
    }
    let found = Arc::new(found);
    if missing.is_empty() && !call.state.index_stands_still {
        let (jql, revision) = (jql.to_owned(), call.state.revision);
        call.state.pages.last = Some(Last { jql, offset_minutes, revision, found: Arc::clone(&found) });
    }
    Ok((found, missing))
}

pub(crate) fn by_token(call: &mut Call<'_>) -> Reply {
    let asked = if call.request.method == "POST" { cloud_body(call)? } else { cloud_query(call)? };
    // `id` and `key` come for free, so pages of these alone may be long.
    let slim = asked.wanted.iter().flatten().all(|name| ["id", "key"].contains(&name.as_str()));
    let longest = if slim { 5000 } else { call.state.largest_page };
    let size = asked.size.unwrap_or(50).min(longest);
    if size == 0 {
        return Err(error(400, "The value of 'maxResults' must be greater than zero."));
    }
    let page = match &asked.token {
        None => {
            let (found, _) = find(call, &asked.jql, true)?;
            let mut found = found;
            let late = asked.reconcile.iter().filter(|id| call.state.unindexed.contains(id)).copied();
            let late: Vec<u64> = late.collect();
            if !late.is_empty() {
                let all = late.into_iter().chain(found.iter().copied());
                found = Arc::new(all.collect());
            }
            Page { jql: asked.jql.clone(), found, offset: 0 }
        }
        Some(token) => {
            let page = call.state.pages.open.get(token).filter(|page| page.jql == asked.jql).cloned();
            page.ok_or_else(|| error(400, "The provided next page token is invalid or expired."))?
        }
    };
    let end = (page.offset + size).min(page.found.len());
    let bare = asked.wanted.is_none();
    let issues = shown(call, &page.found[page.offset..end], &asked, bare, Wanted::nothing());
    let mut answer = json!({"issues": issues, "isLast": end == page.found.len()});
    if end < page.found.len() {
        answer["nextPageToken"] = call.state.pages.token(Page { offset: end, ..page }).into();
    }
    named(call, &asked, &mut answer);
    Answer::ok(&answer)
}

pub(crate) fn by_offset(call: &mut Call<'_>) -> Reply {
    let asked = if call.request.method == "POST" { server_body(call)? } else { server_query(call)? };
    let (found, warnings) = find(call, &asked.jql, asked.validate)?;
    let size = asked.size.unwrap_or(50).min(call.state.largest_page);
    let start = asked.start.min(found.len());
    let end = (start + size).min(found.len());
    let issues = shown(call, &found[start..end], &asked, false, Wanted::navigable());
    let mut answer = json!({"expand": "schema,names", "startAt": asked.start, "maxResults": size,
                            "total": found.len(), "issues": issues});
    if !warnings.is_empty() {
        answer["warningMessages"] = warnings.into();
    }
    named(call, &asked, &mut answer);
    Answer::ok(&answer)
}

pub(crate) fn count(call: &mut Call<'_>) -> Reply {
    let body = call.body(&["jql"])?;
    let jql = body.get("jql").and_then(Value::as_str).ok_or_else(|| call.bad_payload())?.to_owned();
    let (found, _) = find(call, &jql, true)?;
    Answer::ok(&json!({"count": found.len()}))
}

/// The issues of a page. Those deleted since the search was made are left out.
fn shown(call: &Call<'_>, ids: &[u64], asked: &Asked, bare: bool, default: Wanted) -> Vec<Value> {
    let mut wanted = asked.wanted.as_deref().map_or(default, Wanted::of);
    wanted.expand.clone_from(&asked.expand);
    wanted.properties.clone_from(&asked.properties);
    let found = ids.iter().filter_map(|id| call.state.issues.get(id));
    found
        .map(
            |issue| {
                if bare { json!({"id": issue.id.to_string()}) } else { show(call.state, &call.face, issue, &wanted) }
            },
        )
        .collect()
}

fn named(call: &Call<'_>, asked: &Asked, answer: &mut Value) {
    if asked.expand.iter().any(|part| part == "names") {
        answer["names"] = call
            .state
            .fields
            .iter()
            .map(|field| (field.id.clone(), field.name.clone().into()))
            .collect::<Map<_, _>>()
            .into();
    }
    if asked.expand.iter().any(|part| part == "schema") {
        answer["schema"] =
            call.state.fields.iter().map(|field| (field.id.clone(), field.schema())).collect::<Map<_, _>>().into();
    }
}

fn cloud_query(call: &Call<'_>) -> Result<Asked, Box<Answer>> {
    let query = call.query(&[
        "jql",
        "nextPageToken",
        "maxResults",
        "fields",
        "expand",
        "properties",
        "fieldsByKeys",
        "failFast",
        "reconcileIssues",
    ]);
    let reconcile = query.list("reconcileIssues").unwrap_or_default();
    let asked = Asked {
        jql: query.text("jql").unwrap_or_default().to_owned(),
        token: query.text("nextPageToken").map(str::to_owned),
        start: 0,
        size: query.text("maxResults").map(|_| query.number("maxResults", 50)).transpose()?,
        wanted: query.list("fields"),
        expand: query.list("expand").unwrap_or_default(),
        properties: query.list("properties").unwrap_or_default(),
        reconcile: reconcile.iter().map(|id| id.parse()).collect::<Result<_, _>>().map_err(|_| call.bad_payload())?,
        validate: true,
    };
    limits(asked)
}

fn cloud_body(call: &Call<'_>) -> Result<Asked, Box<Answer>> {
    let body = call.body(&[
        "jql",
        "nextPageToken",
        "maxResults",
        "fields",
        "expand",
        "properties",
        "fieldsByKeys",
        "reconcileIssues",
    ])?;
    let reader = Body { call, body: &body };
    let reconcile = match body.get("reconcileIssues") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => {
            ids.iter().map(Value::as_u64).collect::<Option<Vec<_>>>().ok_or_else(|| call.bad_payload())?
        }
        Some(_) => return Err(call.bad_payload()),
    };
    let expand = reader.text("expand")?.unwrap_or_default();
    let asked = Asked {
        jql: reader.text("jql")?.unwrap_or_default(),
        token: reader.text("nextPageToken")?,
        start: 0,
        size: reader.number("maxResults")?,
        wanted: reader.list("fields")?,
        expand: expand.split(',').map(str::to_owned).collect(),
        properties: reader.list("properties")?.unwrap_or_default(),
        reconcile,
        validate: true,
    };
    limits(asked)
}

fn limits(asked: Asked) -> Result<Asked, Box<Answer>> {
    if asked.reconcile.len() > 50 {
        return Err(error(400, "The number of issues to reconcile must not exceed 50."));
    }
    if asked.properties.len() > 5 {
        return Err(error(400, "The number of properties must not exceed 5."));
    }
    Ok(asked)
}

fn server_query(call: &Call<'_>) -> Result<Asked, Box<Answer>> {
    let query = call.query(&["jql", "startAt", "maxResults", "fields", "expand", "validateQuery", "properties"]);
    Ok(Asked {
        jql: query.text("jql").unwrap_or_default().to_owned(),
        token: None,
        start: query.number("startAt", 0)?,
        size: query.text("maxResults").map(|_| query.number("maxResults", 50)).transpose()?,
        wanted: query.list("fields"),
        expand: query.list("expand").unwrap_or_default(),
        properties: query.list("properties").unwrap_or_default(),
        reconcile: Vec::new(),
        validate: query.flag("validateQuery", true)?,
    })
}

fn server_body(call: &Call<'_>) -> Result<Asked, Box<Answer>> {
    let body = call.body(&["jql", "startAt", "maxResults", "fields", "expand", "validateQuery"])?;
    let reader = Body { call, body: &body };
    let validate = match body.get("validateQuery") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(validate)) => *validate,
        Some(_) => return Err(call.bad_payload()),
    };
    Ok(Asked {
        jql: reader.text("jql")?.unwrap_or_default(),
        token: None,
        start: reader.number("startAt")?.unwrap_or(0),
        size: reader.number("maxResults")?,
        wanted: reader.list("fields")?,
        expand: reader.list("expand")?.unwrap_or_default(),
        properties: Vec::new(),
        reconcile: Vec::new(),
        validate,
    })
}

/// Keys of a body, each of its type or absent; null is absent.
pub(crate) struct Body<'a, 'b> {
    pub(crate) call: &'a Call<'b>,
    pub(crate) body: &'a Map<String, Value>,
}

impl Body<'_, '_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.body.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, Box<Answer>> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| self.call.bad_payload());
        self.get(key).map(text).transpose()
    }

    fn number(&self, key: &str) -> Result<Option<usize>, Box<Answer>> {
        let number =
            |value: &Value| value.as_u64().map(|number| number as usize).ok_or_else(|| self.call.bad_payload());
        self.get(key).map(number).transpose()
    }

    pub(crate) fn list(&self, key: &str) -> Result<Option<Vec<String>>, Box<Answer>> {
        let list = |value: &Value| {
            let items = value.as_array().ok_or_else(|| self.call.bad_payload())?;
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| self.call.bad_payload()))
                .collect::<Result<Vec<_>, _>>()
        };
        self.get(key).map(list).transpose()
    }
}
