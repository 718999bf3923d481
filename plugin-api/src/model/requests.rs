//! The bodies of the API's requests that are more than a model of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Defect, SyncContext, null_as_default};

/// Which defects to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// The defects' ids.
    pub defect_ids: Vec<String>,
    /// How to synchronise. May be absent.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<SyncContext>")]
    pub sync_context: SyncContext,
}

/// A defect to create, to change to, or to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefectRequest {
    /// The defect.
    pub defect: Defect,
    /// How to synchronise. May be absent.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<SyncContext>")]
    pub sync_context: SyncContext,
}

/// A synchronisation that is about to begin or has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncRequest {
    /// `scheduled`, `manual` or `partial`; `null` when the tool does not say.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required, schema_with = "text_or_null")]
    pub sync_type: Option<String>,
    /// How to synchronise. May be absent.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<SyncContext>")]
    pub sync_context: SyncContext,
}

/// As a schema of its own: for a required `Option`, schemars leaves out the `null`.
fn text_or_null(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "null"] })
}
