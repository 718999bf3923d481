//! Issues: finding, reading and changing them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Jira, JiraError, Marker};
use crate::auth::Credentials;
use crate::jql;
use crate::mapping::key_and_project;
use crate::model::{Kind, Project};
use crate::transport::Method;

/// As many issues are read by one request.
const AT_ONCE: usize = 100;

impl Jira {
    /// Those of the issues that are there and of this project, in any order.
    pub(crate) fn issues(&self, project: &Project, keys: &[&str], fields: &[&str]) -> Result<Vec<Value>, JiraError> {
        let mut found = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            let mut answer = match self.kind()? {
                Kind::Cloud => {
                    self.ask(&["issue", "bulkfetch"], &json!({ "issueIdsOrKeys": keys, "fields": fields }))?
                }
                // Not validated: a key that is not there would be an error for all of them.
                Kind::DataCenter { .. } => {
                    let any = jql::Query::parse("").map_err(|fault| JiraError::Refused(fault.to_string()))?;
                    let jql = any.of_issues(&project.key, keys);
                    let body =
                        json!({ "jql": jql, "fields": fields, "maxResults": keys.len(), "validateQuery": false });
                    self.ask(&["search"], &body)?
                }
            };
            if let Value::Array(issues) = answer["issues"].take() {
                found.extend(issues.into_iter().filter(|issue| is_of(issue, project)));
            }
        }
        // Jira takes keys in any case, and gives an issue for each.
        let mut seen = HashSet::new();
        found.retain(|issue: &Value| seen.insert(issue["key"].as_str().unwrap_or_default().to_owned()));
        Ok(found)
    }

    /// The issue, if it is there and of this project.
    pub(crate) fn issue(
        &self,
        project: &Project,
        key: &str,
        fields: &str,
        expand: Option<&str>,
    ) -> Result<Option<Value>, JiraError> {
        if !is_key(key) {
            return Ok(None);
        }
        let query: Vec<_> =
            std::iter::once(("fields", fields)).chain(expand.map(|expand| ("expand", expand))).collect();
        match self.get(&["issue", key], &query) {
            Ok(issue) => Ok(Some(issue).filter(|issue| is_of(issue, project) && issue["key"] == key)),
            Err(JiraError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All changes of an issue, the newest last. `issue` was read with `expand=changelog`.
    pub(crate) fn histories(&self, key: &str, issue: &Value) -> Result<Vec<Value>, JiraError> {
        let changelog = &issue["changelog"];
        let mut histories = changelog["histories"].as_array().cloned().unwrap_or_default();
        let total = changelog["total"].as_u64().unwrap_or(0);
        if total > histories.len() as u64 && self.kind()? == Kind::Cloud {
            histories = self.pages(&["issue", key, "changelog"], &["values"])?;
        }
        histories.sort_by(|a, b| a["created"].as_str().cmp(&b["created"].as_str()));
        Ok(histories)
    }

    /// Creates an issue and gives its key.
    pub(crate) fn create(
        &self,
        fields: &Map<String, Value>,
        marker: &Marker,
        login: Option<&Credentials>,
    ) -> Result<String, JiraError> {
        let body = json!({ "fields": fields, "properties": marker.properties() });
        let answer = self.change(Method::Post, &["issue"], Some(&body), login)?;
        let key = answer["key"].as_str().map(str::to_owned);
        key.ok_or_else(|| JiraError::Unknown("Jira's answer to a new issue does not say its key".to_owned()))
    }

    pub(crate) fn edit(
        &self,
        key: &str,
        fields: &Map<String, Value>,
        login: Option<&Credentials>,
    ) -> Result<(), JiraError> {
        let body = json!({ "fields": fields });
        self.change(Method::Put, &["issue", key], Some(&body), login).map(drop)
    }

    pub(crate) fn delete(&self, key: &str, login: Option<&Credentials>) -> Result<(), JiraError> {
        self.change(Method::Delete, &["issue", key], None, login).map(drop)
    }

    /// The transitions that an issue can make now.
    pub(crate) fn transitions(&self, key: &str, login: Option<&Credentials>) -> Result<Vec<Transition>, JiraError> {
        let answer = self.get_as(&["issue", key, "transitions"], &[], login)?;
        let transitions = answer["transitions"].as_array().into_iter().flatten().filter_map(|entry| {
            let id = crate::mapping::text_of(&entry["id"]);
            Some(Transition { id, to: entry["to"]["name"].as_str()?.to_owned() })
        });
        Ok(transitions.collect())
    }

    pub(crate) fn make_transition(&self, key: &str, id: &str, login: Option<&Credentials>) -> Result<(), JiraError> {
        let body = json!({ "transition": { "id": id } });
        self.change(Method::Post, &["issue", key, "transitions"], Some(&body), login).map(drop)
    }

    /// The status that an issue has now.
    pub(crate) fn status(&self, key: &str) -> Result<Value, JiraError> {
        Ok(self.get(&["issue", key], &[("fields", "status")])?["fields"]["status"].take())
    }

    /// The value of a user field for somebody whom people call this; `None` when Jira knows no such user, or several
    /// and none of them by exactly this name.
    pub(crate) fn user(&self, name: &str) -> Result<Option<Value>, JiraError> {
        let kind = self.kind()?;
        let (parameter, id) = match kind {
            Kind::Cloud => ("query", "accountId"),
            Kind::DataCenter { .. } => ("username", "name"),
        };
        let found = self.get(&["user", "search"], &[(parameter, name), ("maxResults", "50")])?;
        let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_exactly = |user: &&Value| {
            ["displayName", "name", "emailAddress", "accountId", "key"].iter().any(|key| user[*key] == name)
        };
        let user = match found {
            [only] => Some(only),
            several => several.iter().find(is_exactly),
        };
        Ok(user.and_then(|user| user.get(id)).map(|value| json!({ id: value })))
    }
}

/// A transition and the status that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) id: String,
    pub(crate) to: String,
}

/// Whether this can be the key of an issue: anything else is never sent as one.
pub(crate) fn is_key(text: &str) -> bool {
    let Some((project, number)) = text.rsplit_once('-') else { return false };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    project.len() <= 255
        && number.len() <= 18
        && project.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && project.bytes().all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_of(issue: &Value, project: &Project) -> bool {
    key_and_project(issue).is_some_and(|(_, key)| key == project.key)
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn only_keys_are_keys() {
        for key in ["SHOP-1", "a1_B-007"] {
            assert!(is_key(key), "{key}");
        }
        for text in ["", "SHOP", "SHOP-", "-1", "1-1", "SHOP-1x", "x/../SHOP-1", "SHOP 1-1", "SHOP-1\n", "10001", "É-1"]
        {
            assert!(!is_key(text), "{text}");
        }
    }
}
