//! What Jira, or something on the way to it, says when it refuses.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Longest text that is taken over from an answer, in characters.
const LONGEST: usize = 500;

/// Jira's `ErrorCollection`, or what came in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Messages {
    /// Sentences about the whole request.
    pub(crate) general: Vec<String>,
    /// Sentences about fields, by the field's id (`customfield_10010`, `priority`).
    pub(crate) fields: BTreeMap<String, String>,
    /// OAuth's `error`: `invalid_grant`.
    pub(crate) code: Option<String>,
}

impl Messages {
    /// Reads an answer's body, whatever it is.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut messages = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(object)) => {
                let listed = object.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
                let single = ["errorMessage", "message", "error_description"].iter().filter_map(|key| object.get(*key));
                messages.general = listed.chain(single).filter_map(Value::as_str).filter_map(shorten).collect();
                messages.code = object.get("error").and_then(Value::as_str).and_then(shorten);
                if let Some(fields) = object.get("errors").and_then(Value::as_object) {
                    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let fields =
                        fields.iter().filter_map(|(field, value)| Some((field.clone(), shorten(&text(value))?)));
                    messages.fields = fields.collect();
                }
            }
            Ok(Value::String(text)) => messages.general.extend(shorten(&text)),
            Ok(_) => {}
            Err(_) => messages.general.extend(describe_page(body)),
        }
        messages
    }

    fn is_empty(&self) -> bool {
        self.general.is_empty() && self.fields.is_empty() && self.code.is_none()
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields.iter().map(|(field, text)| format!("`{field}`: {text}"));
        let all: Vec<_> = self.code.iter().chain(&self.general).cloned().chain(fields).collect();
        f.write_str(&all.join("; "))
    }
}

/// A page or a plain text reduced to a sentence; `None` when there is nothing to say.
pub(super) fn describe_page(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    let lower = text.to_ascii_lowercase();
    if !(lower.contains("<html") || lower.trim_start().starts_with("<!doctype")) {
        return shorten(&text);
    }
    let inside = |tag: &str| {
        let start = lower.find(&format!("<{tag}"))?;
        let start = start + lower[start..].find('>')? + 1;
        let end = start + lower[start..].find(&format!("</{tag}"))?;
        shorten(&without_tags(&text[start..end]))
    };
    Some(match inside("title").or_else(|| inside("h1")) {
        Some(title) => format!("an HTML page \"{title}\""),
        None => "an HTML page without a title".to_owned(),
    })
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let kept = html.chars().filter(|&c| {
        let keep = !inside && c != '<';
        inside = if inside { c != '>' } else { c == '<' };
        keep
    });
    kept.collect()
}

/// One line of printable text, not longer than [`LONGEST`]; `None` when nothing is left.
pub(super) fn shorten(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Method and path.
    pub(crate) call: String,
    pub(crate) status: u16,
    pub(crate) messages: Messages,
    /// How long Jira asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Which limit was reached (`RateLimit-Reason`), in Jira's words.
    pub(crate) limit: Option<String>,
    /// A failure inside of Jira or of a proxy, of a request that is not idempotent: it may have been done.
    pub(crate) may_be_done: bool,
}

impl Refusal {
    fn hint(&self) -> &'static str {
        match self.status {
            400 | 409 | 422 => "change what is sent",
            401 => "check the login: user, password or token, and whether it has expired",
            403 => "give the user this permission in Jira, or the token this scope",
            404 => "it is not there, or the user may not see it",
            407 => "put the proxy's user and password into `proxy_url`",
            410 => "this Jira no longer has this function: update this plugin",
            413 => "it is larger than Jira or a proxy allows",
            429 => "try later, or ask Jira's administrator for a higher limit",
            500..=599 if self.may_be_done => "look in Jira whether it was done before you repeat it",
            500..=599 => "try later; Jira's log has the reason",
            _ => "check that `server_url` is Jira's address",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.call, self.status)?;
        let status = ureq::http::StatusCode::from_u16(self.status).ok();
        if let Some(reason) = status.and_then(|status| status.canonical_reason()) {
            write!(f, " {reason}")?;
        }
        if !self.messages.is_empty() {
            write!(f, ": {}", self.messages)?;
        }
        if let Some(limit) = &self.limit {
            write!(f, " (limit: {limit})")?;
        }
        if let Some(wait) = self.retry_after {
            write!(f, "; Jira asks to wait {} s", wait.as_secs())?;
        }
        write!(f, "; {}", self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jira_and_proxies_say() {
        for (body, text) in [
            (
                r#"{"errorMessages":["No."],"errors":{"summary":"Too\n long.","x":["a"]}}"#,
                r#"No.; `summary`: Too long.; `x`: ["a"]"#,
            ),
            (r#"{"errorMessages":[],"errors":{}}"#, ""),
            (r#"{"message":"Gone"}"#, "Gone"),
            (r#""plain""#, "plain"),
            ("", ""),
            ("Too many requests\n", "Too many requests"),
            (
                "<!DOCTYPE html><html><head><TITLE>503 <b>Service</b>\n Unavailable</TITLE></head>long",
                "an HTML page \"503 Service Unavailable\"",
            ),
            ("<html><body><h1 class='x'>Bad Gateway</h1>", "an HTML page \"Bad Gateway\""),
            ("<html>", "an HTML page without a title"),
            ("<html><title>İ</title>", "an HTML page \"İ\""),
        ] {
            assert_eq!(Messages::read(body.as_bytes()).to_string(), text, "{body}");
        }
        let long = Messages::read("ä".repeat(1000).as_bytes());
        assert_eq!(long.general[0].chars().count(), LONGEST + 1);
    }
}
