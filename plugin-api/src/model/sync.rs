use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timestamp::optional_or_utc;
use super::{DefectWithId, DefectWithLocalPk, KnownDefect, Timestamp};

/// Which side wins for a whole defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API document gives the names and nothing else")]
pub enum DefectSyncOption {
    UseSyncMaster,
    ForcePublish,
    ForceUpdate,
}

/// Which side wins for one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefectFieldSyncOption {
    /// The test-management tool.
    Itb,
    /// The tracker.
    Dms,
    /// Whichever changed last.
    Timestamp,
}

/// How the test-management tool is set up to synchronise. Every part may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncContext {
    /// The project's name in the test-management tool.
    #[serde(rename = "iTBProject")]
    pub itb_project: Option<String>,
    /// When the last synchronisation took place. Without an offset: UTC.
    #[serde(deserialize_with = "optional_or_utc")]
    #[schemars(schema_with = "optional_date_time")]
    pub last_sync: Option<Timestamp>,
    /// The tracker's field that holds the status.
    pub status_attribute: Option<String>,
    /// Which side's status wins.
    pub status_sync_option: Option<DefectFieldSyncOption>,
    /// The tracker's field that holds the priority.
    pub priority_attribute: Option<String>,
    /// Which side's priority wins.
    pub priority_sync_option: Option<DefectFieldSyncOption>,
    /// The tracker's field that holds the classification.
    pub class_attribute: Option<String>,
    /// Which side's classification wins.
    pub class_sync_option: Option<DefectFieldSyncOption>,
    /// The test-management server's clock. Without an offset: UTC.
    #[serde(deserialize_with = "optional_or_utc")]
    #[schemars(schema_with = "optional_date_time")]
    pub server_time: Option<Timestamp>,
    /// User-defined field to which side's value wins.
    pub uda_sync_options: Option<BTreeMap<String, DefectFieldSyncOption>>,
    /// Which side's defect wins.
    pub sync_option: Option<DefectSyncOption>,
    /// Whether the tracker's new defects are taken over.
    pub import_new_defects: Option<bool>,
}

fn optional_date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

/// What a synchronisation is about to change in the test-management tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LocalSyncActions {
    /// Defects to delete.
    pub delete: Option<Vec<KnownDefect>>,
    /// Defects to change.
    pub update: Option<Vec<KnownDefect>>,
    /// Defects to create.
    pub create: Option<Vec<DefectWithId>>,
}

/// What a synchronisation is about to change in the tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemoteSyncActions {
    /// Defects to delete.
    pub delete: Option<Vec<KnownDefect>>,
    /// Defects to change.
    pub update: Option<Vec<KnownDefect>>,
    /// Defects to create.
    pub create: Option<Vec<DefectWithLocalPk>>,
}

/// What a synchronisation is about to change on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Results {
    /// In the test-management tool.
    pub local: Option<LocalSyncActions>,
    /// In the tracker.
    pub remote: Option<RemoteSyncActions>,
}
