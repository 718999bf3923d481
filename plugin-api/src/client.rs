use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::ClientError;
use crate::list::DefectList;
use crate::model::{
    ControlFields, Defect, DefectWithAttributes, Metric, Protocol, ProtocolCode, ProtocolledString, Results, Settings,
    SyncContext, UserDefinedAttribute,
};

/// A defect tracker, as a plugin gives it to the host. Implement it for one type and hand that type
/// to [`export_client!`](crate::export_client).
///
/// # How it is called
/// One value of the type lives for as long as the host runs. Its methods are called from several
/// threads at once, never from a thread that serves connections, so they may block: on a disk, a
/// network, a lock. The host bounds how many calls run at the same time (64) and how long it waits
/// for one (`call_timeout`, 60 s unless configured); it cannot stop a call, so give every request to
/// a backend its own time-out. A panic becomes one failed request.
///
/// # What is passed
/// `project` is what [`get_projects`](DefectClient::get_projects) gave, but comes from the network:
/// check it before it becomes a path or a query. References live for the call only. Credentials of
/// the API were checked before; [`Defect::principal`] is who the change is made as in the tracker, its
/// password is never given back. Projects and ids are compared as a whole: they are neither paths nor
/// patterns, and `x/../Shop` is not `Shop`.
///
/// # Errors
/// [`ClientError`] says which kind becomes which HTTP status. What a test-management tool shall show
/// to its user, such as a defect that is gone, belongs into the [`Protocol`], with `Ok`.
///
/// # Unknown projects
/// [`ClientError::NotFound`], or [`ClientError::InvalidInput`] for what can be no project's name. The
/// operations that answer with a [`Protocol`] may instead say it there, for the test-management tool's
/// user: nothing read or written, and a general error, code [`ProtocolCode::ProjectNotFound`]. What is
/// not about defects (timestamps, control fields, user-defined attributes, hooks, corrections) may be
/// answered as for the tracker as a whole.
///
/// # What is kept
/// A defect comes back from every operation as it was sent, from the answer to its creation or update
/// on. Further user-defined fields and references of the tracker's own may be there too. Absent and
/// empty texts are the same. [`Defect::last_edited`] is kept to the microsecond, in any offset. An id
/// names one defect of its project, also after that was deleted.
///
/// `conformance::check` (feature `conformance`) tests all of this from a plugin's own `cargo test`.
///
/// All operations: since plugin-api 1.0, but for those that say otherwise.
pub trait DefectClient: Send + Sync + Sized + 'static {
    /// The plugin's configuration: what stands in the host's `client_config`.
    ///
    /// Its JSON Schema is checked by the host before [`new`](DefectClient::new) is called, so that an
    /// operator sees every fault at its line. Derive `Deserialize` and `JsonSchema`, add
    /// `#[serde(deny_unknown_fields)]` so that typos are found, and use
    /// [`Password`](crate::model::Password) for secrets so that they are never shown.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the client. Called once at start-up, and by `defect-host check`.
    ///
    /// Do not contact a backend here: the host shall start while the backend is down.
    ///
    /// # Errors
    /// [`ClientError::InvalidInput`] for a configuration that the schema cannot refuse, such as a
    /// folder that is missing; name the fields as dotted paths and the host points at them. Any error
    /// ends the start with exit code 2.
    fn new(config: Self::Config) -> Result<Self, ClientError>;

    /// The name, description and read-only flag that test-management tools show. Read-only is true
    /// exactly when nothing can be created, updated or deleted.
    ///
    /// # Errors
    /// See [`ClientError`].
    fn get_settings(&self) -> Result<Settings, ClientError>;

    /// Whether the backend answers and accepts the plugin's credentials, for the project or as a whole.
    /// Not for a project that the tracker does not have.
    ///
    /// # Errors
    /// See [`ClientError`]; a backend that says no is `Ok(false)`.
    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError>;

    /// Whether the backend knows when a defect was changed, for the project or as a whole.
    ///
    /// # Errors
    /// See [`ClientError`]. Default: `false`.
    fn supports_changes_timestamps(&self, project: Option<&str>) -> Result<bool, ClientError> {
        let _ = project;
        Ok(false)
    }

    /// The projects' identifiers, each once. Any text; it is what the other operations get back.
    ///
    /// # Errors
    /// See [`ClientError`].
    fn get_projects(&self) -> Result<Vec<String>, ClientError>;

    /// Which values which fields may have, in the project or as a whole.
    ///
    /// # Errors
    /// See [`ClientError`].
    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError>;

    /// The fields that the tracker has beyond the API's own, in the project or as a whole; each name once.
    ///
    /// # Errors
    /// See [`ClientError`]. Default: none.
    fn get_user_defined_attributes(&self, project: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        let _ = project;
        Ok(Vec::new())
    }

    /// All defects of the project.
    ///
    /// # Errors
    /// See [`ClientError`]; see [`DefectList::streamed`] for errors in the middle of a long list.
    fn get_defects(&self, project: &str, context: &SyncContext) -> Result<DefectList, ClientError>;

    /// The defects of these ids, in any order, each once however often its id is there; none for no ids.
    /// An id that does not exist: a warning under that id, code [`ProtocolCode::DefectNotFound`]; the
    /// others are answered all the same.
    ///
    /// # Errors
    /// See [`ClientError`].
    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        context: &SyncContext,
    ) -> Result<DefectList, ClientError>;

    /// One defect with the attributes that the configuration names.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such defect; else see [`ClientError`].
    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError>;

    /// Creates a defect and gives its id, with a success in the protocol and no error. Answer when it is
    /// safe in the tracker, not before.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when the tracker is read-only; else see [`ClientError`].
    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError>;

    /// Changes a defect to this; it keeps its id. The protocol has a success and no error. Answer when it
    /// is safe in the tracker, not before. An id that does not exist: no success but a general error, code
    /// [`ProtocolCode::DefectNotFound`]; nothing is created.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when the tracker is read-only; else see [`ClientError`].
    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError>;

    /// Deletes a defect; `defect` says by whom. The protocol has a success and no error. An id that does
    /// not exist: no success but a general error, code [`ProtocolCode::NoDefectFound`].
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when the tracker is read-only; else see [`ClientError`].
    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError>;

    /// A synchronisation of the project is about to begin. `sync_type` is `scheduled`, `manual`,
    /// `partial` or something that a later tool says; a type that there is nothing to do for is acknowledged.
    ///
    /// # Errors
    /// See [`ClientError`]. Default: acknowledged.
    fn before_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let _ = (sync_type, context);
        Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, "start of synchronisation acknowledged"))
    }

    /// A synchronisation of the project has ended. `sync_type` is as for
    /// [`before_sync`](DefectClient::before_sync).
    ///
    /// # Errors
    /// See [`ClientError`]. Default: acknowledged.
    fn after_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let _ = (sync_type, context);
        Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, "end of synchronisation acknowledged"))
    }

    /// What of the planned changes shall really be made: leave out what the tracker would refuse, and
    /// neither add nor change anything. A list that is absent is the same as an empty one.
    ///
    /// # Errors
    /// See [`ClientError`]. Default: everything.
    fn correct_sync_results(&self, project: &str, results: Results) -> Result<Results, ClientError> {
        let _ = project;
        Ok(results)
    }

    /// Numbers of the plugin's own for those who watch the service: how much it holds, what it did since it
    /// began. The host shows them on `/metrics`, with `defect_plugin_` before their names, and asks each time
    /// that page is read: answer from memory, at once, and ask no backend.
    ///
    /// # Errors
    /// See [`ClientError`]. Default: none.
    ///
    /// Since plugin-api 1.2.
    fn get_metrics(&self) -> Result<Vec<Metric>, ClientError> {
        Ok(Vec::new())
    }
}
