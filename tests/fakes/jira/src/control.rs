//! The control endpoint, for a fake in another process: `/__fake__/…`, outside of Jira's paths.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::faults::Fault;
use crate::http::{Answer, Request};
use crate::server::{Shared, lock};

pub(crate) const PREFIX: &str = "/__fake__/";

pub(crate) fn answer(shared: &Shared, command: &str, request: &Request) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let bad = |said: &str| Answer::json(400, &json!({"error": said}));
    match (request.method.as_str(), command) {
        ("GET", "requests") => Answer::json(
            200,
            &json!({
                "count": lock(&shared.log).len(),
                "mostAtOnce": shared.most_at_once.load(Ordering::Relaxed),
                "requests": *lock(&shared.log),
            }),
        ),
        ("GET", "count") => Answer::json(200, &json!({ "count": lock(&shared.log).len() })),
        ("DELETE", "requests") => {
            shared.clear_log();
            Answer::no_content()
        }
        ("POST", "faults") => match serde_json::from_value::<Fault>(body) {
            Ok(fault) => {
                lock(&shared.faults).add(fault);
                Answer::no_content()
            }
            Err(error) => bad(&error.to_string()),
        },
        ("DELETE", "faults") => {
            lock(&shared.faults).clear();
            Answer::no_content()
        }
        ("PUT", "latency") => match body["milliseconds"].as_u64() {
            Some(milliseconds) => {
                *lock(&shared.latency) = Duration::from_millis(milliseconds);
                Answer::no_content()
            }
            None => bad("`milliseconds` is missing"),
        },
        ("POST", "expire") => {
            let mut state = lock(&shared.state);
            state.logins.expire_access_tokens();
            state.pages.expire();
            Answer::no_content()
        }
        ("POST", "issues") => match (body["project"].as_str(), body["count"].as_u64()) {
            (Some(project), Some(count)) => {
                let mut state = lock(&shared.state);
                if state.project(project).is_none() {
                    return bad("no such project");
                }
                state.add_issues(project, count);
                Answer::no_content()
            }
            _ => bad("`project` or `count` is missing"),
        },
        _ => Answer::json(
            404,
            &json!({"error": "GET count; GET or DELETE requests; POST or DELETE faults; PUT latency; POST expire; POST issues"}),
        ),
    }
}
