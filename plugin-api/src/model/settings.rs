use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Timestamp, short_text};

/// A field's name to the values that it may have.
pub type ControlFields = BTreeMap<String, Vec<String>>;

/// What a test-management tool shows of the tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// At most 255 characters; a longer one is cut.
    #[serde(with = "short_text")]
    #[schemars(with = "String")]
    pub name: String,
    /// A sentence or two.
    pub description: String,
    /// True when nothing can be created, updated or deleted.
    pub readonly: bool,
}

/// The type of a user-defined attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ValueType {
    /// The value is in [`UserDefinedAttribute::string_value`].
    String,
    /// The value is in [`UserDefinedAttribute::boolean_value`].
    Boolean,
}

/// The definition of a field that the tracker has beyond the API's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDefinedAttribute {
    /// The field's name.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// Whether the tracker insists on a value.
    #[serde(default)]
    pub must_field: Option<bool>,
    /// When the definition was changed last.
    #[serde(default)]
    pub last_edited: Option<Timestamp>,
    /// The value that a new defect gets, for [`ValueType::String`].
    #[serde(default)]
    pub string_value: Option<String>,
    /// The value that a new defect gets, for [`ValueType::Boolean`].
    #[serde(default)]
    pub boolean_value: Option<bool>,
}
