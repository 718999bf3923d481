//! The data of the defect API, named on the wire as its OpenAPI document names it.
//!
//! Rules that hold for all of it (source: the API document and the reference service):
//! unknown keys in a request are ignored; an answer carries every key, an absent optional value as
//! `null`, an absent list as `[]`; long texts in the short fields are cut, see [`short_text`].

mod defect;
mod metric;
mod password;
mod protocol;
mod requests;
mod settings;
pub mod short_text;
mod sync;
mod timestamp;

pub use defect::{Defect, DefectWithAttributes, DefectWithId, DefectWithLocalPk, KnownDefect, Login, UserDefinedField};
pub use metric::{Metric, MetricKind};
pub use password::Password;
pub use protocol::{Protocol, ProtocolCode, ProtocolEntry, ProtocolledDefectSet, ProtocolledString};
pub use requests::{BatchRequest, DefectRequest, SyncRequest};
pub use settings::{ControlFields, Settings, UserDefinedAttribute, ValueType};
pub use sync::{DefectFieldSyncOption, DefectSyncOption, LocalSyncActions, RemoteSyncActions, Results, SyncContext};
pub use timestamp::{InvalidTimestamp, OFFSET_REQUIRED, Timestamp};

/// Reads `null` as the type's default: the API allows `null` where it means "none of these".
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de> + Default,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}
