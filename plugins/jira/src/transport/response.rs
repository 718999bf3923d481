//! What comes back.

use serde_json::Value;
use ureq::http::HeaderMap;

use super::TransportError;
use super::refusal::describe_page;

/// A success (2xx), read as a whole.
#[derive(Debug)]
pub(crate) struct Response {
    pub(super) call: String,
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The first header of this name, if it is plain ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`TransportError::NotJson`] when it is empty, cut, or a page.
    pub(crate) fn json(&self) -> Result<Value, TransportError> {
        serde_json::from_slice(&self.body).map_err(|fault| {
            let what = match self.body.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => "empty".to_owned(),
                Some(b'{' | b'[' | b'"') => format!("broken in line {}, column {}", fault.line(), fault.column()),
                Some(_) => match describe_page(&self.body) {
                    Some(page) if page.starts_with("an HTML page") => page,
                    _ => "a text of another kind".to_owned(),
                },
            };
            TransportError::NotJson { call: self.call.clone(), what }
        })
    }
}
