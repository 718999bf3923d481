//! What the plugin may send, held against `contract.json`: methods, paths, query parameters and keys of bodies, with
//! their types, as Atlassian's documents have them. `cargo xtask jira-contract` holds the file against the documents;
//! where these are not, the file stands for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::face::Kind;
use crate::http::Request;

const FILE: &str = include_str!("../contract.json");

/// By method and path template, such as `GET /rest/api/3/issue/{issue}`.
pub type Rules = BTreeMap<String, Rule>;

/// What a request may have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Query parameters. One that holds an `array` may be repeated or have commas.
    pub query: BTreeMap<String, Holds>,
    /// Keys of a JSON object; none: no body.
    pub body: Option<BTreeMap<String, Holds>>,
    /// Keys of a form.
    pub form: Option<BTreeMap<String, Holds>>,
    /// Names of a multipart body's parts.
    pub parts: Option<BTreeSet<String>>,
    /// Keys that the body has to have.
    pub required: BTreeSet<String>,
}

/// The type of a value, in JSON's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "JSON's words")]
pub enum Holds {
    String,
    Integer,
    Boolean,
    Array,
    Object,
}

/// The rules for one kind of Jira.
pub struct Contract {
    kind: Kind,
    /// By method and path, in segments.
    rules: Vec<(Vec<String>, Rule)>,
}

impl Contract {
    /// What the file has for one kind.
    ///
    /// # Panics
    /// When the file cannot be read: it is compiled in.
    #[expect(clippy::expect_used, reason = "a file of the tests that is broken ends them all")]
    pub fn rules(kind: Kind) -> Rules {
        let mut all: BTreeMap<String, Rules> = serde_json::from_str(FILE).expect("`contract.json` can be read");
        let name = if kind == Kind::Cloud { "cloud" } else { "data-center" };
        all.remove(name).unwrap_or_default()
    }

    pub(crate) fn of(kind: Kind) -> Self {
        let segments = |call: &str| call.replacen(" /", "/", 1).split('/').map(str::to_owned).collect();
        Self { kind, rules: Self::rules(kind).into_iter().map(|(call, rule)| (segments(&call), rule)).collect() }
    }

    pub(crate) fn is_of_cloud(&self) -> bool {
        self.kind == Kind::Cloud
    }

    /// Why a request is not allowed; the path is below the site's address, in segments.
    pub(crate) fn violation(&self, path: &[String], request: &Request, parts: &[String]) -> Option<String> {
        let call: Vec<&str> = std::iter::once(&request.method).chain(path).map(String::as_str).collect();
        // What is a word in one path is no name in another: `createmeta` is no issue.
        let is_word =
            |at: usize| self.rules.iter().any(|(template, _)| template.get(at).is_some_and(|part| part == call[at]));
        let stands_for =
            |at: usize, part: &str| part == call[at] || (part.starts_with('{') && !call[at].is_empty() && !is_word(at));
        let fits = |template: &[String]| {
            template.len() == call.len() && template.iter().enumerate().all(|(at, part)| stands_for(at, part))
        };
        let Some((_, rule)) = self.rules.iter().find(|(template, _)| fits(template)) else {
            return Some("no such request".to_owned());
        };
        rule.violation(request, parts)
    }
}

impl Rule {
    fn violation(&self, request: &Request, parts: &[String]) -> Option<String> {
        let unknown = request.query.iter().find_map(|(name, text)| match self.query.get(name) {
            None => Some(format!("no query parameter `{name}`")),
            Some(holds) if !holds.is_in_text(text) => Some(format!("`{name}={text}` is no {holds:?}")),
            Some(_) => None,
        });
        if unknown.is_some() {
            return unknown;
        }
        let media_type = request.header("content-type").unwrap_or_default();
        if let Some(known) = &self.body {
            if !media_type.starts_with("application/json") {
                return Some(format!("the body is JSON, and no `{media_type}`"));
            }
            let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
                return Some("the body is a JSON object".to_owned());
            };
            return self.body_violation(known, &body);
        }
        if let Some(known) = &self.form {
            if !media_type.starts_with("application/x-www-form-urlencoded") {
                return Some(format!("the body is a form, and no `{media_type}`"));
            }
            let form = form_urlencoded::parse(&request.body);
            let form = form.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect();
            return self.body_violation(known, &form);
        }
        if let Some(known) = &self.parts {
            if request.header("x-atlassian-token") != Some("no-check") {
                return Some("`X-Atlassian-Token: no-check` is missing".to_owned());
            }
            let all = !parts.is_empty() && parts.iter().all(|part| known.contains(part));
            return (!all).then(|| format!("the parts {parts:?} instead of {known:?}"));
        }
        (!request.body.is_empty()).then(|| "no body".to_owned())
    }

    fn body_violation(&self, known: &BTreeMap<String, Holds>, body: &Map<String, Value>) -> Option<String> {
        if let Some(missing) = self.required.iter().find(|key| !body.contains_key(*key)) {
            return Some(format!("the body has no `{missing}`"));
        }
        body.iter().find_map(|(key, value)| match known.get(key) {
            None => Some(format!("no key `{key}` in the body")),
            Some(holds) if !holds.is_in_json(value) => Some(format!("the body's `{key}` is no {holds:?}: {value}")),
            Some(_) => None,
        })
    }
}

impl Holds {
    fn is_in_text(self, text: &str) -> bool {
        match self {
            Self::String | Self::Array => true,
            Self::Integer => text.parse::<u64>().is_ok(),
            Self::Boolean => ["true", "false"].contains(&text),
            Self::Object => false,
        }
    }

    fn is_in_json(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}
