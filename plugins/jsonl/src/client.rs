//! The operations of the defect API over the store.

#[cfg(test)]
mod tests;

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, Metric, Protocol, ProtocolCode, ProtocolledDefectSet,
    ProtocolledString, Results, Settings, SyncContext, UserDefinedAttribute,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList, SyncPhase, run_sync_command};

use crate::config::JsonlConfig;
use crate::store::{Changed, Pieces, Store, StoreError};
use crate::{fields, listing};

/// The file with the definitions of user-defined fields, of a project or of none.
const USER_DEFINED_ATTRIBUTES: &str = "UserDefinedAttributes.json";

/// Defects in JSON Lines files: one folder per project, one defect per line.
pub struct JsonlDefectClient {
    config: JsonlConfig,
    store: Store,
}

impl DefectClient for JsonlDefectClient {
    type Config = JsonlConfig;

    fn new(config: JsonlConfig) -> Result<Self, ClientError> {
        let folder = config.defects_folder()?;
        let store = if config.never_writes() { Store::readonly(folder) } else { Store::new(folder) };
        config.warn_of_unusable_commands();
        Ok(Self { config, store })
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        let JsonlConfig { name, description, readonly, .. } = &self.config;
        Ok(Settings { name: name.clone(), description: description.clone(), readonly: *readonly })
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        let exists = self.store.exists(named(project))?;
        tracing::debug!(project, exists, "checked the login");
        Ok(exists)
    }

    fn supports_changes_timestamps(&self, project: Option<&str>) -> Result<bool, ClientError> {
        Ok(self.config.supports_changes_timestamps(project))
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        let projects = self.store.projects()?;
        tracing::debug!(projects = projects.len(), "listed the projects");
        Ok(projects)
    }

    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError> {
        Ok(self.config.control_fields(project).clone())
    }

    fn get_user_defined_attributes(&self, project: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        let Some((path, bytes)) = self.store.side_file(named(project), USER_DEFINED_ATTRIBUTES)? else {
            return Ok(Vec::new());
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            ClientError::internal(format!(
                "`{}` cannot be read: {error}; it has to hold a list of objects with `name` and `valueType` \
                 (`STRING` or `BOOLEAN`)",
                path.display()
            ))
        })
    }

    fn get_defects(&self, project: &str, _: &SyncContext) -> Result<DefectList, ClientError> {
        self.list(project, || Ok((self.store.read(project)?, Vec::new())))
    }

    fn get_defects_batch(&self, project: &str, ids: &[String], _: &SyncContext) -> Result<DefectList, ClientError> {
        // The reference service passes over empty ids.
        let mut ids: Vec<String> = ids.iter().filter(|id| !id.is_empty()).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        self.list(project, || self.store.read_ids(project, &ids))
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        _: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let Some(found) = self.store.find(project, id)? else {
            return Err(ClientError::not_found(format!("defect with id `{id}` not found in project `{project}`")));
        };
        tracing::debug!(project, id, "retrieved a defect");
        let names = self.config.attributes(project).iter();
        let attributes = names.filter_map(|name| {
            let value = if name == "id" { Some(id.into()) } else { fields::value(&found.defect, name) };
            Some((name.clone(), value?.into_owned()))
        });
        let attributes = attributes.collect();
        Ok(DefectWithAttributes { defect: found.defect, id: found.id, attributes })
    }

    fn create_defect(&self, project: &str, defect: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> {
        self.ensure_writable(project)?;
        let created = self.store.create(project, defect)?;
        tracing::info!(project, id = created.id, "created a defect");
        let message = format!(
            "defect `{}` created successfully in project `{project}` and appended to `{}`",
            created.id, created.file
        );
        let protocol = Protocol::of_success(project, ProtocolCode::InsertSuccess, message);
        Ok(ProtocolledString { value: Some(created.id), protocol })
    }

    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        _: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.ensure_writable(project)?;
        if id.is_empty() {
            let mut protocol = Protocol::default();
            let message = "the defect is not synchronized yet and cannot be updated";
            protocol.add_warning(id, ProtocolCode::DefectNotFound, message);
            return Ok(protocol);
        }
        let changed = self.store.update(project, id, defect)?;
        Ok(report(changed, project, id, "updated", ProtocolCode::DefectNotFound))
    }

    fn delete_defect(&self, project: &str, id: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.ensure_writable(project)?;
        if id.is_empty() {
            let message = "the defect is not synchronized yet and cannot be deleted";
            return Ok(Protocol::of_general_error(ProtocolCode::NoDefectFound, message));
        }
        let changed = self.store.delete(project, id)?;
        Ok(report(changed, project, id, "deleted", ProtocolCode::NoDefectFound))
    }

    fn before_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.run_command(SyncPhase::Presync, project, sync_type)
    }

    fn after_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.run_command(SyncPhase::Postsync, project, sync_type)
    }

    fn correct_sync_results(&self, project: &str, mut results: Results) -> Result<Results, ClientError> {
        let control_fields = self.config.control_fields(Some(project));
        let valid = |defect: &Defect| fields::are_valid(defect, control_fields);
        if let Some(local) = &mut results.local {
            local.create.get_or_insert_default().retain(|new| valid(&new.defect));
            local.update.get_or_insert_default().retain(|known| valid(&known.defect));
        }
        if let Some(remote) = &mut results.remote {
            remote.create.get_or_insert_default().retain(|new| valid(&new.defect));
            remote.update.get_or_insert_default().retain(|known| valid(&known.defect));
        }
        Ok(results)
    }

    fn get_metrics(&self) -> Result<Vec<Metric>, ClientError> {
        Ok(self.store.metrics())
    }
}

impl JsonlDefectClient {
    fn ensure_writable(&self, project: &str) -> Result<(), ClientError> {
        if !self.config.readonly(project) {
            return Ok(());
        }
        Err(ClientError::forbidden(format!(
            "project `{project}` is read-only: to change defects, set `readonly = false` in `client_config` or in \
             its `projects.\"{project}\"`"
        )))
    }

    /// A list of a project's defects. An unknown project is an empty list that says so.
    fn list(
        &self,
        project: &str,
        read: impl FnOnce() -> Result<(Pieces, Vec<String>), StoreError>,
    ) -> Result<DefectList, ClientError> {
        match read() {
            Ok((pieces, missing)) => Ok(listing::listing(project, pieces, missing)),
            Err(error) if error.is_unknown_project() => {
                let protocol = Protocol::of_general_error(ProtocolCode::ProjectNotFound, error.to_string());
                Ok(ProtocolledDefectSet { value: Vec::new(), protocol }.into())
            }
            Err(error @ StoreError::InvalidName { .. }) => Err(error.into()),
            // A fault of the disk is the list's, whether it comes before the first defect or later.
            Err(error) => Ok(listing::failed(error)),
        }
    }

    fn run_command(&self, phase: SyncPhase, project: &str, sync_type: Option<&str>) -> Result<Protocol, ClientError> {
        // What cannot be a project is not handed to a script.
        self.store.exists(Some(project))?;
        Ok(run_sync_command(self.config.commands(project), phase, project, sync_type))
    }
}

/// The project, when one is named: the reference service takes an empty name for none.
fn named(project: Option<&str>) -> Option<&str> {
    project.filter(|project| !project.is_empty())
}

fn report(changed: Changed, project: &str, id: &str, done: &str, not_found: ProtocolCode) -> Protocol {
    let mut protocol = if changed.found {
        tracing::info!(project, id, "{done} a defect");
        let message = format!("defect `{id}` {done} successfully in project `{project}`");
        Protocol::of_success(project, ProtocolCode::PublishSuccess, message)
    } else {
        let message = format!("defect with id `{id}` not found in project `{project}`");
        Protocol::of_general_error(not_found, message)
    };
    changed.warnings.add_to(&mut protocol);
    protocol
}
