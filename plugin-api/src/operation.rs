//! The operations by name, and the envelope that their requests travel in.

use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// An operation of a [`DefectClient`](crate::DefectClient), known to both sides by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation { $($(#[$doc])* $variant),* }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Operation] = &[$(Operation::$variant),*];

            /// The name that crosses the boundary. A name once published never changes its meaning.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Operation::$variant => $name),* }
            }

            /// The operation of that name, if this version of the API has it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Operation::$variant),)* _ => None }
            }
        }
    };
}

operations! {
    /// [`check_login`](crate::DefectClient::check_login)
    CheckLogin = "check_login",
    /// [`get_settings`](crate::DefectClient::get_settings)
    GetSettings = "get_settings",
    /// [`supports_changes_timestamps`](crate::DefectClient::supports_changes_timestamps)
    SupportsChangesTimestamps = "supports_changes_timestamps",
    /// [`get_projects`](crate::DefectClient::get_projects)
    GetProjects = "get_projects",
    /// [`get_control_fields`](crate::DefectClient::get_control_fields)
    GetControlFields = "get_control_fields",
    /// [`get_user_defined_attributes`](crate::DefectClient::get_user_defined_attributes)
    GetUserDefinedAttributes = "get_user_defined_attributes",
    /// [`get_defects`](crate::DefectClient::get_defects)
    GetDefects = "get_defects",
    /// [`get_defects_batch`](crate::DefectClient::get_defects_batch)
    GetDefectsBatch = "get_defects_batch",
    /// [`get_defect_extended`](crate::DefectClient::get_defect_extended)
    GetDefectExtended = "get_defect_extended",
    /// [`create_defect`](crate::DefectClient::create_defect)
    CreateDefect = "create_defect",
    /// [`update_defect`](crate::DefectClient::update_defect)
    UpdateDefect = "update_defect",
    /// [`delete_defect`](crate::DefectClient::delete_defect)
    DeleteDefect = "delete_defect",
    /// [`before_sync`](crate::DefectClient::before_sync)
    BeforeSync = "before_sync",
    /// [`after_sync`](crate::DefectClient::after_sync)
    AfterSync = "after_sync",
    /// [`correct_sync_results`](crate::DefectClient::correct_sync_results)
    CorrectSyncResults = "correct_sync_results",
    /// [`get_metrics`](crate::DefectClient::get_metrics)
    GetMetrics = "get_metrics",
}

/// What an operation is asked, as JSON across the boundary.
///
/// The parts that an operation has no use for are left out, and a receiver ignores keys that it
/// does not know: that is how a newer host and an older plugin understand each other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<B> {
    /// The project that is meant; `None` for the tracker as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The defect that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect_id: Option<String>,
    /// The request's body as the API document has it.
    #[serde(default = "no_body", skip_serializing_if = "Option::is_none")]
    pub body: Option<B>,
}

fn no_body<B>() -> Option<B> {
    None
}
