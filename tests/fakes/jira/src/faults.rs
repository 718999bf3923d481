//! What goes wrong, on demand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::http::{Answer, Request};

/// One rule: which requests, and what becomes of them.
///
/// ```
/// use jira_fake::{Effect, Fault};
///
/// // The second and the third page of a search are answered 429.
/// Fault::on("POST", "/search", Effect::answer(429).with_header("Retry-After", "1")).after(1).times(2);
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; empty: every one.
    #[serde(default)]
    pub method: String,
    /// A part of the path; with a `$` at its end, the path's end.
    #[serde(default)]
    pub path: String,
    /// A part of the body.
    #[serde(default)]
    pub body: String,
    /// So many requests that match are left alone first.
    #[serde(default)]
    pub after: u32,
    /// So many are hit then. Default: 1.
    #[serde(default = "once")]
    pub times: u32,
    /// What becomes of them.
    pub effect: Effect,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The next request of this method whose path has this part.
    pub fn on(method: &str, path: &str, effect: Effect) -> Self {
        Self { method: method.into(), path: path.into(), body: String::new(), after: 0, times: 1, effect }
    }

    /// Only such whose body has this part.
    #[must_use]
    pub fn with(mut self, part: &str) -> Self {
        self.body = part.into();
        self
    }

    /// Leaves so many requests alone first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Hits so many requests instead of one.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }

    fn matches(&self, request: &Request) -> bool {
        let path = match self.path.strip_suffix('$') {
            Some(end) => request.path.ends_with(end),
            None => request.path.contains(&self.path),
        };
        let body = String::from_utf8_lossy(&request.body).contains(&self.body);
        path && body && (self.method.is_empty() || self.method.eq_ignore_ascii_case(&request.method))
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Nothing is done; this answer.
    Answer {
        /// The status.
        status: u16,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body. Default: an ErrorCollection.
        #[serde(default)]
        body: Option<String>,
    },
    /// Nothing is done, and the connection is closed without an answer.
    CutBefore,
    /// It is done, and the connection is closed without an answer.
    CutAfter,
    /// It is done, and the connection is closed after half of the answer's body.
    CutBody,
    /// It is done after so many milliseconds.
    Delay(u64),
    /// It is done, and half of the answer's body is the whole one.
    MalformedJson,
    /// Nothing is done; the HTML page of a proxy with this status.
    HtmlPage(u16),
    /// All access tokens end before it is done.
    ExpireAccessTokens,
    /// All page tokens end before it is done.
    ExpirePageTokens,
}

impl Effect {
    /// An answer with this status and an ErrorCollection.
    pub fn answer(status: u16) -> Self {
        Self::Answer { status, headers: BTreeMap::new(), body: None }
    }

    /// The answer with one header more; other effects stay as they are.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.insert(name.to_ascii_lowercase(), value.into());
        }
        self
    }

    /// The answer with another body; other effects stay as they are.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = Some(text.into());
        }
        self
    }

    /// The answer that stands for one of Jira's, if nothing is done.
    pub(crate) fn instead(&self) -> Option<Answer> {
        match self {
            Self::Answer { status, headers, body } => {
                let said = format!("the fake answers {status}, as it was told");
                let mut answer = *crate::http::error(*status, said);
                if let Some(body) = body {
                    answer.body = body.clone().into();
                }
                for (name, value) in headers {
                    answer.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                    answer = answer.with_header(name, value);
                }
                Some(answer)
            }
            Self::HtmlPage(status) => Some(Answer::html(*status, "Bad Gateway")),
            _ => None,
        }
    }
}

/// The rules that are left.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What becomes of a request: of the first rule that matches and is not used up. Rules after it do not
    /// count it.
    pub(crate) fn take(&mut self, request: &Request) -> Option<Effect> {
        let rule = self.0.iter_mut().find(|rule| rule.times > 0 && rule.matches(request))?;
        if rule.after > 0 {
            rule.after -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.effect.clone())
    }
}
