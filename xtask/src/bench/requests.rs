//! The API's requests, ready to be sent.

use std::fmt::Write as _;

use base64::Engine as _;

use super::data::{self, PROJECT};

/// The demo's credentials: what `config.toml` at the workspace's root has a hash of.
const AUTHORIZATION: &str = "Basic ZGVtbzpkZW1v";

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AUTHORIZATION}\r\n");
    if method != "GET" {
        let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    format!("{head}\r\n{body}").into_bytes()
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    request("GET", path, "")
}

/// A request with this body.
pub(crate) fn json(method: &str, path: &str, body: &str) -> Vec<u8> {
    request(method, path, body)
}

/// With a password that is wrong.
pub(crate) fn get_with_password(path: &str, password: &str) -> Vec<u8> {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("demo:{password}"));
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {pair}\r\n\r\n").into_bytes()
}

/// The head of a request whose body is larger than any service takes.
pub(crate) fn oversized() -> Vec<u8> {
    let head = request("POST", &format!("/projects/{PROJECT}/defects"), "");
    let text = String::from_utf8_lossy(&head).replace("Content-Length: 0", "Content-Length: 100000000000");
    text.into_bytes()
}

pub(crate) fn list() -> Vec<u8> {
    request("POST", &format!("/projects/{PROJECT}/defects"), "{}")
}

pub(crate) fn create(number: u64) -> Vec<u8> {
    request("POST", &format!("/projects/{PROJECT}/defects/create"), &with_context(&data::defect(number, 1)))
}

pub(crate) fn update(id: u64, seed: u64) -> Vec<u8> {
    request("PUT", &of(id, "update"), &with_context(&data::defect(id, seed)))
}

pub(crate) fn delete(id: u64) -> Vec<u8> {
    request("POST", &of(id, "delete"), &with_context(&data::defect(id, 0)))
}

pub(crate) fn extended(id: u64) -> Vec<u8> {
    request("POST", &of(id, "extended"), "{}")
}

pub(crate) fn batch(ids: &[u64]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().map(|id| format!("\"BUG-{id}\"")).collect();
    let body = format!(r#"{{"defectIds":[{}],"syncContext":{{}}}}"#, ids.join(","));
    request("POST", &format!("/projects/{PROJECT}/defects/batch"), &body)
}

/// Runs the hook of manual synchronisations.
pub(crate) fn before_sync() -> Vec<u8> {
    let body = r#"{"syncType":"manual","syncContext":{}}"#;
    request("POST", &format!("/projects/{PROJECT}/sync/before"), body)
}

fn of(id: u64, operation: &str) -> String {
    format!("/projects/{PROJECT}/defects/BUG-{id}/{operation}")
}

/// The Python service insists on `syncContext`.
fn with_context(defect: &str) -> String {
    format!(r#"{{"defect":{defect},"syncContext":{{}}}}"#)
}
