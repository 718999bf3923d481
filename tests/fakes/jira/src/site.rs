//! From a path to the face that answers it: site or gateway, with or without a login.

use serde_json::json;

use crate::attachments::{self, Part};
use crate::auth::{self, Caller};
use crate::call::{self, Call};
use crate::face::{Face, Kind, date};
use crate::http::{Answer, Reply, Request};
use crate::state::State;

/// Where this Jira lives.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// What people use, with the context path.
    pub(crate) site: String,
    /// `/jira`, or nothing.
    pub(crate) context: String,
    pub(crate) cloud_id: String,
    pub(crate) media: String,
    /// Of the gateway, before `/ex/jira`.
    pub(crate) gateway: String,
}

pub(crate) fn answer(state: &mut State, addresses: &Addresses, request: &Request, parts: &[Part]) -> Answer {
    respond(state, addresses, request, parts).unwrap_or_else(|answer| *answer)
}

fn not_found() -> Box<Answer> {
    Box::new(Answer::html(404, "Not Found"))
}

/// A request's path below the address of the site or of its gateway, and whether it went through the gateway.
///
/// # Errors
///
/// The answer to a path that is not below them.
pub(crate) fn path_of(
    request: &Request,
    addresses: &Addresses,
    cloud: bool,
) -> Result<(Vec<String>, bool), Box<Answer>> {
    let mut segments = request.segments();
    let gateway = cloud && segments.len() >= 3 && segments[..2] == ["ex", "jira"];
    if gateway {
        if segments[2] != addresses.cloud_id {
            return Err(Box::new(Answer::json(404, &json!({"code": 404, "message": "No message available"}))));
        }
        segments.drain(..3);
    }
    for part in addresses.context.split('/').filter(|part| !part.is_empty()) {
        if segments.first().map(String::as_str) != Some(part) {
            return Err(not_found());
        }
        segments.remove(0);
    }
    Ok((segments, gateway))
}

fn respond(state: &mut State, addresses: &Addresses, request: &Request, parts: &[Part]) -> Reply {
    let cloud = state.cloud();
    let (segments, gateway) = path_of(request, addresses, cloud)?;
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["_edge", "tenant_info"]) if cloud => return Answer::ok(&json!({"cloudId": addresses.cloud_id})),
        ("POST", ["oauth", "token"]) if cloud => return auth::token(state, request),
        ("POST", ["rest", "oauth2", "latest" | "1.0", "token"]) if !cloud => return auth::token(state, request),
        ("GET", ["oauth", "token", "accessible-resources"]) if cloud => {
            return auth::resources(state, request, &addresses.site, &addresses.cloud_id);
        }
        _ => {}
    }
    let version = match path.as_slice() {
        ["rest", "api", "3", ..] if cloud => 3,
        ["rest", "api", "2", ..] => 2,
        ["rest", "api", "latest", ..] => {
            if cloud {
                3
            } else {
                2
            }
        }
        ["rest", "auth", "1", "session"] | ["secure", "attachment", ..] if !cloud => 2,
        _ => return Err(not_found()),
    };
    let face = Face {
        kind: state.kind,
        version,
        base: if gateway {
            format!("{}/ex/jira/{}", addresses.gateway, addresses.cloud_id)
        } else {
            addresses.site.clone()
        },
        site: addresses.site.clone(),
        media: addresses.media.clone(),
        gateway,
    };
    let caller = auth::caller(state, &face, request);
    if let ("GET", ["rest", "api", _, "serverInfo"]) = (request.method.as_str(), path.as_slice()) {
        // Public; but Data Center looks at credentials before anything else.
        return match caller {
            Caller::Refused if !cloud || gateway => Err(Box::new(auth::refusal(&face, &caller))),
            _ => server_info(state, &face),
        };
    }
    let Caller::Known(user) = caller else { return Err(Box::new(auth::refusal(&face, &caller))) };
    let name =
        state.users.iter().find(|known| known.account_id == user).map(|known| known.name.clone()).unwrap_or_default();
    let mut call = Call { state, request, parts, face, user };
    let reply = match path.as_slice() {
        ["rest", "api", _, rest @ ..] => call::answer(&mut call, rest),
        ["secure", "attachment", id, _] => attachments::secure(&mut call, id),
        ["rest", "auth", "1", "session"] => Answer::ok(
            &json!({"self": format!("{}/rest/api/latest/user?username={name}", call.face.site), "name": name}),
        ),
        _ => Err(not_found()),
    };
    let answer = reply.unwrap_or_else(|answer| *answer);
    Ok(if cloud { answer } else { answer.with_header("x-ausername", name) })
}

fn server_info(state: &State, face: &Face) -> Reply {
    let [major, minor, patch] = state.version;
    let (version, numbers) = match face.kind {
        Kind::Cloud => ("1001.0.0-SNAPSHOT".to_owned(), json!([1001, 0, 0])),
        Kind::DataCenter => (format!("{major}.{minor}.{patch}"), json!([major, minor, patch])),
    };
    let kind = if face.cloud() { "Cloud" } else { "Server" };
    Answer::ok(&json!({"baseUrl": face.site, "version": version, "versionNumbers": numbers, "deploymentType": kind,
                       "buildNumber": 100_300, "buildDate": "2026-01-01T00:00:00.000+0000", "serverTime": date(state.now()),
                       "scmInfo": "0000000", "serverTitle": "Jira"}))
}
