//! All requests, for assertions and for counting.

use serde::Serialize;
use serde_json::Value;

use crate::http::Request;

/// Keys of bodies that hold secrets.
const SECRETS: [&str; 4] = ["client_secret", "refresh_token", "code", "code_verifier"];

/// One request, without secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Logged {
    /// The method.
    pub method: String,
    /// The path as sent, with the context path or the gateway's part.
    pub path: String,
    /// The query, decoded, in the order as sent.
    pub query: Vec<(String, String)>,
    /// The headers, names in small letters; of `Authorization` only the scheme, of `Cookie` nothing.
    pub headers: Vec<(String, String)>,
    /// The body as text; binary parts of it are replaced. Secrets of token requests are `***`.
    pub body: String,
    /// Query parameters that Jira does not know, and ignores in silence.
    pub unknown_parameters: Vec<String>,
    /// Whether it went to Cloud's second host, that of attachments.
    pub media_host: bool,
    /// The answer's status; none: the connection was cut, or the answer is still to come.
    pub status: Option<u16>,
    /// The length of the answer's body.
    pub answer_bytes: usize,
}

impl Logged {
    pub(crate) fn of(request: &Request, media_host: bool) -> Self {
        let shown = |name: &str, value: &str| match name {
            "authorization" => format!("{} ***", value.split(' ').next().unwrap_or_default()),
            "cookie" => "***".into(),
            _ => value.to_owned(),
        };
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), shown(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))));
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: headers.collect(),
            body: body(request),
            unknown_parameters: Vec::new(),
            media_host,
            status: None,
            answer_bytes: 0,
        }
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The value of a header; the name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn body(request: &Request) -> String {
    let text = String::from_utf8_lossy(&request.body).into_owned();
    if !request.path.ends_with("/token") {
        return text;
    }
    if let Ok(Value::Object(mut object)) = serde_json::from_str(&text) {
        for (key, value) in &mut object {
            if SECRETS.contains(&key.as_str()) {
                *value = "***".into();
            }
        }
        return Value::Object(object).to_string();
    }
    let masked = form_urlencoded::parse(text.as_bytes()).map(|(key, value)| {
        let value = if SECRETS.contains(&key.as_ref()) { "***".into() } else { value };
        format!("{key}={value}")
    });
    masked.collect::<Vec<_>>().join("&")
}
