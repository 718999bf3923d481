//! The tracker my-tracker, for defect-host: class `MyTrackerDefectClient`.
//!
//! This one keeps its defects in memory: replace `Project` by calls of your tracker. What each
//! operation has to do is in the documentation of the trait `DefectClient`, which
//! `cargo doc --open --no-deps --package defect-plugin-api` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, DefectWithId, Password, Protocol, ProtocolCode,
    ProtocolledDefectSet, ProtocolledString, Settings, SyncContext,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList, FieldError, export_client};
use schemars::JsonSchema;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// What stands in `[testbench-defect-service.client_config]`. The host checks it before it calls
/// `new`, and shows each fault at its line; the comments are the descriptions that operators see.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)] // a misspelt key is a fault, not a setting without effect
pub struct MyTrackerConfig {
    /// The projects that test-management tools may use.
    projects: Vec<String>,
    /// The token that the tracker asks for.
    token: Password, // a `Password` is never shown, written or logged
    /// Refuse to create, update and delete.
    #[serde(default)] // a key with a default may be left out
    readonly: bool,
}

/// The tracker. One value serves all requests, from several threads at once.
pub struct MyTrackerDefectClient {
    config: MyTrackerConfig,
    projects: BTreeMap<String, Mutex<Project>>,
}

#[derive(Default)]
struct Project {
    defects: Vec<DefectWithId>,
    last_number: u64, // counted, so that the id of a deleted defect is not given again
}

impl MyTrackerDefectClient {
    /// An unknown project is an error of its own kind, which the host answers with 404.
    fn project(&self, name: &str) -> Result<MutexGuard<'_, Project>, ClientError> {
        let Some(project) = self.projects.get(name) else {
            return Err(ClientError::not_found(format!("no project `{name}`")));
        };
        // After a panic the lock is "poisoned"; the list is whole all the same.
        Ok(project.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For everything that changes something: 403 when the tracker is read-only.
    fn writable_project(&self, name: &str) -> Result<MutexGuard<'_, Project>, ClientError> {
        if self.config.readonly {
            let why = "the tracker is read-only: `client_config` sets `readonly`";
            return Err(ClientError::forbidden(why));
        }
        self.project(name)
    }
}

impl DefectClient for MyTrackerDefectClient {
    type Config = MyTrackerConfig;

    /// Refuse here what the schema cannot. Do not call the tracker yet: the host shall start while
    /// it is down.
    fn new(config: MyTrackerConfig) -> Result<Self, ClientError> {
        if config.projects.is_empty() {
            let fault = FieldError::new("projects", "name at least one project");
            return Err(ClientError::invalid_fields(vec![fault]));
        }
        let projects = config.projects.iter().cloned();
        let projects = projects.map(|name| (name, Mutex::default())).collect();
        Ok(Self { config, projects })
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        Ok(Settings {
            name: "my-tracker".to_owned(),
            description: "Defects in memory: gone after a restart".to_owned(),
            readonly: self.config.readonly,
        })
    }

    /// Ask your tracker whether it takes `token.reveal()`. A tracker that says no is `Ok(false)`; one
    /// that does not answer is `ClientError::unavailable`.
    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        let known = project.is_none_or(|name| self.projects.contains_key(name));
        Ok(known && !self.config.token.is_empty())
    }

    /// `true`: the tracker keeps `last_edited`.
    fn supports_changes_timestamps(&self, _project: Option<&str>) -> Result<bool, ClientError> {
        Ok(true)
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        Ok(self.config.projects.clone())
    }

    /// The values that your tracker allows, of the project or of all.
    fn get_control_fields(&self, _project: Option<&str>) -> Result<ControlFields, ClientError> {
        let values = |values: &[&str]| values.iter().map(|value| value.to_string()).collect();
        Ok(ControlFields::from([
            ("status".to_owned(), values(&["open", "closed"])),
            ("priority".to_owned(), values(&["low", "high"])),
            ("classification".to_owned(), values(&["bug", "task"])),
        ]))
    }

    /// A tracker with many defects hands them out one by one instead: `DefectList::streamed`.
    fn get_defects(
        &self,
        project: &str,
        _context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let value = self.project(project)?.defects.clone();
        let mut protocol = Protocol::default();
        for defect in &value {
            protocol.add_success(&defect.id, ProtocolCode::ImportSuccess, "read");
        }
        Ok(ProtocolledDefectSet { value, protocol }.into())
    }

    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        _context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let project = self.project(project)?;
        let (mut value, mut protocol) = (Vec::new(), Protocol::default());
        let once: BTreeSet<&String> = ids.iter().collect();
        for id in once {
            match project.find(id) {
                Some(defect) => value.push(defect.clone()),
                None => protocol.add_warning(id, ProtocolCode::DefectNotFound, no_defect(id)),
            }
        }
        Ok(ProtocolledDefectSet { value, protocol }.into())
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        _context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let Some(DefectWithId { defect, id }) = self.project(project)?.find(id).cloned() else {
            return Err(ClientError::not_found(no_defect(id)));
        };
        // Whatever your tracker knows beyond the API's own fields, as text.
        let attributes = BTreeMap::from([("project".to_owned(), project.to_owned())]);
        Ok(DefectWithAttributes {
            defect,
            id,
            attributes,
        })
    }

    /// `defect.principal` is who creates it: call your tracker as that user, or with `token`. Its
    /// password is for that call; answers and files made from the defect have an empty text there.
    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        _context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        let mut stored = self.writable_project(project)?;
        stored.last_number += 1;
        let id = format!("D-{}", stored.last_number);
        stored.defects.push(DefectWithId {
            defect: defect.clone(),
            id: id.clone(),
        });
        tracing::info!(project, id, "created a defect");
        Ok(ProtocolledString {
            value: Some(id),
            protocol: Protocol::of_success(project, ProtocolCode::InsertSuccess, "created"),
        })
    }

    /// What a tester shall see, such as a defect that is gone, belongs into the protocol, with `Ok`.
    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let mut stored = self.writable_project(project)?;
        let Some(known) = stored.defects.iter_mut().find(|known| known.id == id) else {
            let code = ProtocolCode::DefectNotFound;
            return Ok(Protocol::of_general_error(code, no_defect(id)));
        };
        known.defect = defect.clone();
        tracing::info!(project, id, "updated a defect");
        let code = ProtocolCode::PublishSuccess;
        Ok(Protocol::of_success(project, code, "updated"))
    }

    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        _defect: &Defect,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let mut stored = self.writable_project(project)?;
        let Some(place) = stored.defects.iter().position(|known| known.id == id) else {
            let code = ProtocolCode::NoDefectFound;
            return Ok(Protocol::of_general_error(code, no_defect(id)));
        };
        stored.defects.remove(place);
        tracing::info!(project, id, "deleted a defect");
        let code = ProtocolCode::PublishSuccess;
        Ok(Protocol::of_success(project, code, "deleted"))
    }

    // `get_user_defined_attributes`, `before_sync`, `after_sync` and `correct_sync_results` have
    // defaults that suit a tracker without such things; write them here when yours has them.
}

impl Project {
    fn find(&self, id: &str) -> Option<&DefectWithId> {
        self.defects.iter().find(|known| known.id == id)
    }
}

fn no_defect(id: &str) -> String {
    format!("no defect `{id}`")
}

// The library's symbols; the host finds the class by its name.
export_client!(MyTrackerDefectClient);
