use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DefectWithId;

/// What happened, in the vocabulary that test-management tools show to their users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API document gives the names and nothing else")]
pub enum ProtocolCode {
    ReadAccessError,
    InsertAccessError,
    InsertError,
    InsertSuccess,
    PublishAccessError,
    PublishError,
    PublishSuccess,
    ImportError,
    ImportSuccess,
    UpdateError,
    UpdateSuccess,
    InvalidFields,
    InvalidAttributes,
    DefectNotFound,
    ProjectNotFound,
    NoDefectFound,
    NoValidLicense,
    NoFreeLicense,
    LicenseExpired,
    LicenseProblem,
    InsertWarning,
    ImportWarning,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolEntry {
    /// What kind of thing.
    pub code: ProtocolCode,
    /// A sentence for people.
    pub message: String,
}

impl ProtocolEntry {
    /// An entry of a code and a sentence.
    pub fn new(code: ProtocolCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Everything that happened in one operation.
///
/// The maps are keyed by a defect's id, or by the project where no single defect is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Protocol {
    /// What went well.
    pub successes: BTreeMap<String, Vec<ProtocolEntry>>,
    /// What went well but wants a look.
    pub warnings: BTreeMap<String, Vec<ProtocolEntry>>,
    /// What failed.
    pub errors: BTreeMap<String, Vec<ProtocolEntry>>,
    /// Warnings about no defect in particular.
    pub general_warnings: Vec<ProtocolEntry>,
    /// Errors about no defect in particular.
    pub general_errors: Vec<ProtocolEntry>,
}

impl Protocol {
    /// A protocol of a single success.
    pub fn of_success(key: impl Into<String>, code: ProtocolCode, message: impl Into<String>) -> Self {
        let mut protocol = Self::default();
        protocol.add_success(key, code, message);
        protocol
    }

    /// A protocol of a single general error.
    pub fn of_general_error(code: ProtocolCode, message: impl Into<String>) -> Self {
        let mut protocol = Self::default();
        protocol.add_general_error(code, message);
        protocol
    }

    /// Adds to [`Protocol::successes`].
    pub fn add_success(&mut self, key: impl Into<String>, code: ProtocolCode, message: impl Into<String>) {
        self.successes.entry(key.into()).or_default().push(ProtocolEntry::new(code, message));
    }

    /// Adds to [`Protocol::warnings`].
    pub fn add_warning(&mut self, key: impl Into<String>, code: ProtocolCode, message: impl Into<String>) {
        self.warnings.entry(key.into()).or_default().push(ProtocolEntry::new(code, message));
    }

    /// Adds to [`Protocol::errors`].
    pub fn add_error(&mut self, key: impl Into<String>, code: ProtocolCode, message: impl Into<String>) {
        self.errors.entry(key.into()).or_default().push(ProtocolEntry::new(code, message));
    }

    /// Adds to [`Protocol::general_warnings`].
    pub fn add_general_warning(&mut self, code: ProtocolCode, message: impl Into<String>) {
        self.general_warnings.push(ProtocolEntry::new(code, message));
    }

    /// Adds to [`Protocol::general_errors`].
    pub fn add_general_error(&mut self, code: ProtocolCode, message: impl Into<String>) {
        self.general_errors.push(ProtocolEntry::new(code, message));
    }
}

/// Defects and how reading them went. See [`DefectList`](crate::DefectList) for long lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolledDefectSet {
    /// The defects.
    pub value: Vec<DefectWithId>,
    /// How reading them went.
    pub protocol: Protocol,
}

/// A defect's id and how creating it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolledString {
    /// The new defect's id; `None` when it was not created.
    pub value: Option<String>,
    /// How it went.
    pub protocol: Protocol,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_on_the_wire_are_the_documents() {
        let mut protocol = Protocol::of_success("BUG-1", ProtocolCode::InsertSuccess, "created");
        protocol.add_general_warning(ProtocolCode::ImportWarning, "line 3");
        assert_eq!(
            serde_json::to_string(&protocol).unwrap(),
            r#"{"successes":{"BUG-1":[{"code":"INSERT_SUCCESS","message":"created"}]},"warnings":{},"errors":{},"generalWarnings":[{"code":"IMPORT_WARNING","message":"line 3"}],"generalErrors":[]}"#
        );
    }
}
