//! Searches: what they find, page by page.

use serde_json::{Value, json};

use super::{Jira, JiraError};
use crate::model::Kind;

/// What is searched for, and which fields of it are wanted.
pub(crate) struct Search {
    jql: String,
    fields: Vec<String>,
    /// Issues of one page at most. Jira may give fewer.
    size: usize,
    property: Option<&'static str>,
}

/// Where a page begins.
pub(crate) enum Place {
    Beginning,
    /// After so many issues. Data Center only.
    At(usize),
    /// Where the page before it said. Cloud only.
    Token(String),
}

/// A page.
pub(crate) struct Found {
    pub(crate) issues: Vec<Value>,
    pub(crate) after: After,
}

/// What comes after a page.
pub(crate) enum After {
    Nothing,
    /// The page that this stands for. Cloud only.
    Token(String),
    /// What is missing of so many issues that there are in all. Data Center only.
    Of(usize),
}

impl Search {
    pub(crate) fn new(jql: String, fields: &[&str], size: usize) -> Self {
        Self { jql, fields: fields.iter().map(|field| (*field).to_owned()).collect(), size, property: None }
    }

    /// With an issue property. Only Cloud's searches give any.
    pub(crate) fn with_property(self, name: &'static str) -> Self {
        Self { property: Some(name), ..self }
    }
}

impl Jira {
    /// One page of what a search finds.
    pub(crate) fn page(&self, search: &Search, place: &Place) -> Result<Found, JiraError> {
        let mut body = json!({ "jql": search.jql, "fields": search.fields, "maxResults": search.size });
        let (mut answer, after) = match self.kind()? {
            Kind::Cloud => {
                if let Place::Token(token) = place {
                    body["nextPageToken"] = json!(token);
                }
                if let Some(property) = search.property {
                    body["properties"] = json!([property]);
                }
                let answer = self.ask(&["search", "jql"], &body)?;
                let token = answer["nextPageToken"].as_str().filter(|_| answer["isLast"] != true);
                let after = token.map_or(After::Nothing, |token| After::Token(token.to_owned()));
                (answer, after)
            }
            Kind::DataCenter { .. } => {
                body["startAt"] = json!(if let Place::At(start) = place { *start } else { 0 });
                let answer = self.ask(&["search"], &body)?;
                let total = answer["total"].as_u64().and_then(|total| usize::try_from(total).ok());
                (answer, total.map_or(After::Nothing, After::Of))
            }
        };
        match answer["issues"].take() {
            Value::Array(issues) => Ok(Found { issues, after }),
            _ => Err(JiraError::Unavailable("Jira's answer to a search has no issues in it".to_owned())),
        }
    }
}
