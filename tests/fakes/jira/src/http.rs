//! Requests as the handlers see them, answers as they give them.

use std::sync::Mutex;

use bytes::Bytes;
use hyper::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// One request, read whole.
pub(crate) struct Request {
    pub(crate) method: String,
    /// As sent, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Query parameters that Jira does not know and ignores in silence; for the log.
    pub(crate) unknown: Mutex<Vec<String>>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// The path's segments, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.path.trim_matches('/');
        if path.is_empty() {
            return Vec::new();
        }
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }
}

/// One answer. Handlers return one as an error too, so that `?` ends them early.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// What a handler returns. Boxed: most calls have no error to carry.
pub(crate) type Reply = Result<Answer, Box<Answer>>;

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json;charset=UTF-8", value.to_string())
    }

    pub(crate) fn ok(value: &Value) -> Reply {
        Ok(Self::json(200, value))
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let page = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
        Self::new(status, "text/html;charset=UTF-8", page)
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Jira's ErrorCollection with texts that belong to no field.
pub(crate) fn error(status: u16, message: impl Into<String>) -> Box<Answer> {
    Box::new(Answer::json(status, &json!({"errorMessages": [message.into()], "errors": {}})))
}

/// Jira's ErrorCollection with texts by field.
pub(crate) fn field_errors(errors: Map<String, Value>) -> Box<Answer> {
    Box::new(Answer::json(400, &json!({"errorMessages": [], "errors": errors})))
}

/// The query's parameters that a handler knows.
pub(crate) struct Query<'a> {
    request: &'a Request,
    cloud: bool,
}

impl<'a> Query<'a> {
    /// Notes every other parameter in the log: Jira ignores what it does not know, and a client that
    /// sends such a thing has a mistake that nobody sees.
    pub(crate) fn of(request: &'a Request, cloud: bool, known: &[&str]) -> Self {
        for (name, _) in &request.query {
            if !known.contains(&name.as_str()) {
                crate::server::lock(&request.unknown).push(name.clone());
            }
        }
        Self { request, cloud }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str, default: usize) -> Result<usize, Box<Answer>> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| self.wrong_type(name, text))
    }

    /// Java takes any case, and the Python package sends `True`.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Box<Answer>> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(text) => Err(self.wrong_type(name, text)),
        }
    }

    /// Values of a parameter that may be repeated, hold commas, or both.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let all: Vec<&(String, String)> = self.request.query.iter().filter(|(key, _)| key == name).collect();
        let split = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
        (!all.is_empty())
            .then(|| all.into_iter().flat_map(|(_, text)| split(text)).filter(|item| !item.is_empty()).collect())
    }

    /// Data Center's JAX-RS takes a parameter that it cannot convert for a resource that is not there.
    fn wrong_type(&self, name: &str, text: &str) -> Box<Answer> {
        if self.cloud {
            error(400, format!("The value '{text}' of the parameter '{name}' is not of the right type."))
        } else {
            Box::new(Answer::html(404, "Not Found"))
        }
    }
}
