//! Finding a new issue again when the answer to it was lost.
//!
//! Jira has no keys of idempotency, so each new issue is marked with an issue property that holds a number of its own:
//! both kinds take properties together with a new issue, give them back without any set-up, and show them on no page.
//! What else could be a marker is worse: a label or a text is seen by people and has to be removed by a second change,
//! and the content is the same when somebody reports the same thing twice on purpose. JQL finds properties only of
//! installed apps that declare them, so the newest issues are read instead.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Jira, JiraError, Place, Search};
use crate::jql;
use crate::mapping::text_of;
use crate::model::{Kind, Project};

/// The name of the property.
const PROPERTY: &str = "defect-host.create";
/// Among so many of the newest issues of the project it is looked for.
const NEWEST: usize = 50;
/// Data Center gives properties one issue at a time: of so many with the same summary they are asked for.
const CANDIDATES: usize = 10;
/// Before each look. Cloud's search finds a new issue only after a moment, and one whose answer was lost may still be
/// in the making.
const WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// What tells a new issue from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker(String);

impl Marker {
    /// One of 10^15, which is enough among the issues of a minute.
    pub(crate) fn new() -> Self {
        // Digits: Data Center's document has a text here, which is JSON by itself. This is both, and JSON's numbers
        // keep 15 digits.
        Self(fastrand::u64(100_000_000_000_000..1_000_000_000_000_000).to_string())
    }

    /// As a new issue has it.
    pub(super) fn properties(&self) -> Value {
        json!([{ "key": PROPERTY, "value": self.0 }])
    }

    fn is_of(&self, issue: &Value) -> bool {
        text_of(&issue["properties"][PROPERTY]) == self.0
    }
}

impl Jira {
    /// The key of the new issue with this marker and summary; `None` when it is not found, or not in time, which does
    /// not say that it is not there.
    pub(crate) fn marked(&self, project: &Project, marker: &Marker, summary: &str) -> Option<String> {
        for wait in WAITS {
            if !self.wait(wait) {
                return None;
            }
            match self.look(project, marker, summary) {
                Ok(None) => {}
                Ok(found) => return found,
                Err(error) => tracing::warn!("looking for an issue whose answer was lost: {error}"),
            }
        }
        None
    }

    fn look(&self, project: &Project, marker: &Marker, summary: &str) -> Result<Option<String>, JiraError> {
        let jql = format!("project = {} ORDER BY key DESC", jql::quoted(&project.key));
        let search = Search::new(jql, &["summary"], NEWEST).with_property(PROPERTY);
        let mut newest = self.page(&search, &Place::Beginning)?.issues;
        if let Kind::DataCenter { .. } = self.kind()? {
            newest.retain(|issue| text_of(&issue["fields"]["summary"]).trim() == summary.trim());
            newest.truncate(CANDIDATES);
            for issue in &mut newest {
                let key = text_of(&issue["key"]);
                *issue = self.get(&["issue", &key], &[("fields", "summary"), ("properties", PROPERTY)])?;
            }
        }
        let found = newest.iter().find(|issue| marker.is_of(issue));
        Ok(found.map(|issue| text_of(&issue["key"])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_known_as_a_text_and_as_a_number() {
        let marker = Marker::new();
        let sent = marker.properties()[0]["value"].clone();
        assert_eq!(sent.as_str().map(str::len), Some(15));
        let number: Value = serde_json::from_str(sent.as_str().unwrap()).unwrap();
        for value in [sent, number] {
            assert!(marker.is_of(&json!({ "properties": { PROPERTY: value } })));
        }
        for other in [json!({}), json!({ "properties": { PROPERTY: Marker::new().0 } })] {
            assert!(!marker.is_of(&other));
        }
    }
}
