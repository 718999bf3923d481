use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Password, Timestamp, null_as_default, short_text};

/// Who a change is made as, in the tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// The tracker's user name.
    pub username: String,
    /// The tracker's password or token. Read from requests, never given back.
    pub password: Password,
}

/// A field that the tracker has beyond the API's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDefinedField {
    /// The field's name.
    pub name: String,
    /// Its value as text.
    #[serde(default)]
    pub value: Option<String>,
    /// Whether the tracker insists on a value.
    #[serde(default = "not_required")]
    pub must_field: Option<bool>,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature that serde's `default` asks for")]
fn not_required() -> Option<bool> {
    Some(false)
}

/// A defect as a test-management tool describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Defect {
    /// One line, at most 255 characters; a longer one is cut.
    #[serde(default, with = "short_text::optional")]
    #[schemars(with = "Option<String>")]
    pub title: Option<String>,
    /// Text of any length.
    #[serde(default)]
    pub description: Option<String>,
    /// At most 255 characters.
    #[serde(default, with = "short_text::optional")]
    #[schemars(with = "Option<String>")]
    pub reporter: Option<String>,
    /// At most 255 characters.
    #[serde(with = "short_text")]
    #[schemars(with = "String")]
    pub status: String,
    /// At most 255 characters.
    #[serde(with = "short_text")]
    #[schemars(with = "String")]
    pub classification: String,
    /// At most 255 characters.
    #[serde(with = "short_text")]
    #[schemars(with = "String")]
    pub priority: String,
    /// The tracker's further fields.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<Vec<UserDefinedField>>")]
    pub user_defined_fields: Vec<UserDefinedField>,
    /// When the defect was changed last.
    pub last_edited: Timestamp,
    /// Links or paths of files.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<Vec<String>>")]
    pub references: Vec<String>,
    /// Who changes the defect.
    pub principal: Login,
}

/// A defect that the tracker knows under an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefectWithId {
    /// The defect.
    #[serde(flatten)]
    pub defect: Defect,
    /// The tracker's id.
    pub id: String,
}

/// A defect that only the test-management tool knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefectWithLocalPk {
    /// The defect.
    #[serde(flatten)]
    pub defect: Defect,
    /// The test-management tool's key.
    pub local_pk: String,
}

/// A defect that both sides know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownDefect {
    /// The defect.
    #[serde(flatten)]
    pub defect: Defect,
    /// The tracker's id.
    pub id: String,
    /// The test-management tool's key.
    pub local_pk: String,
}

/// A defect with those of the tracker's own attributes that the plugin is configured to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefectWithAttributes {
    /// The defect.
    #[serde(flatten)]
    pub defect: Defect,
    /// The tracker's id.
    pub id: String,
    /// Attribute name to its value as text.
    pub attributes: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_every_key_and_no_password() {
        let defect: Defect = serde_json::from_str(
            r#"{"status":"open","classification":"bug","priority":"high","userDefinedFields":null,
                "lastEdited":"2026-01-31T12:00:00Z","principal":{"username":"ann","password":"hunter2"},"extra":1}"#,
        )
        .unwrap();
        let answer = serde_json::to_string(&DefectWithId { defect, id: "BUG-1".to_owned() }).unwrap();
        assert_eq!(
            answer,
            r#"{"title":null,"description":null,"reporter":null,"status":"open","classification":"bug","priority":"high","userDefinedFields":[],"lastEdited":"2026-01-31T12:00:00Z","references":[],"principal":{"username":"ann","password":""},"id":"BUG-1"}"#
        );
    }
}
