//! The operations of the API.

mod about;
mod attachments;
mod change;
mod list;
mod pages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, Metric, Protocol, ProtocolCode, ProtocolledDefectSet,
    ProtocolledString, Results, Settings, SyncContext, UserDefinedAttribute,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList, SyncPhase, run_sync_command};

use crate::api::{Connection, Jira, JiraError};
use crate::config::JiraConfig;
use crate::mapping::Reading;
use crate::model::Project;

/// Defects in Jira. Every defect is an issue, under its key.
pub struct JiraDefectClient {
    config: JiraConfig,
    jira: Arc<Connection>,
}

/// One call of the host.
struct Call<'a> {
    config: &'a JiraConfig,
    jira: Jira,
}

/// Why an operation on a project cannot begin.
enum NoProject {
    Unknown(String),
    Jira(JiraError),
}

impl NoProject {
    /// For the operations that answer with a protocol: the tester sees it there.
    fn into_protocol(self) -> Result<Protocol, ClientError> {
        match self {
            Self::Unknown(text) => Ok(Protocol::of_general_error(ProtocolCode::ProjectNotFound, text)),
            Self::Jira(error) => Err(error.into()),
        }
    }
}

impl From<NoProject> for ClientError {
    fn from(error: NoProject) -> Self {
        match error {
            NoProject::Unknown(text) => Self::not_found(text),
            NoProject::Jira(error) => error.into(),
        }
    }
}

impl JiraDefectClient {
    fn begin(&self) -> Call<'_> {
        Call { config: &self.config, jira: self.jira.begin() }
    }

    fn run_hook(&self, phase: SyncPhase, project: &str, sync_type: Option<&str>) -> Result<Protocol, ClientError> {
        match self.begin().project(project) {
            Ok(found) => Ok(run_sync_command(self.config.commands(&found), phase, project, sync_type)),
            Err(error) => error.into_protocol(),
        }
    }
}

impl Call<'_> {
    fn project(&self, name: &str) -> Result<Project, NoProject> {
        let found = self.jira.project(name).map_err(NoProject::Jira)?;
        found.ok_or_else(|| {
            NoProject::Unknown(format!(
                "no project `{name}` in Jira that this service's user can see; it would be `Name (KEY)`"
            ))
        })
    }

    fn optional_project(&self, name: Option<&str>) -> Result<Option<Project>, NoProject> {
        name.map(|name| self.project(name)).transpose()
    }

    fn reading(&self, context: &SyncContext) -> Result<Reading, JiraError> {
        Ok(Reading::of_context(&*self.jira.fields()?, context, self.jira.site()))
    }
}

impl DefectClient for JiraDefectClient {
    type Config = JiraConfig;

    fn new(config: JiraConfig) -> Result<Self, ClientError> {
        let config = config.completed(|name| std::env::var(name).ok())?;
        config.warn();
        let jira = Arc::new(Connection::new(&config)?);
        Ok(Self { config, jira })
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        let description = format!("Issues of the Jira at {}", self.jira.site());
        Ok(Settings { name: self.config.name.clone(), description, readonly: self.config.never_writes() })
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        let call = self.begin();
        let known = call.jira.myself().map_err(NoProject::Jira).and_then(|()| call.optional_project(project));
        match known {
            Ok(_) => Ok(true),
            Err(NoProject::Jira(error @ (JiraError::Unauthorized(_) | JiraError::Forbidden(_)))) => {
                tracing::error!("Jira does not accept the login: {error}");
                Ok(false)
            }
            Err(NoProject::Unknown(text)) => {
                tracing::error!("{text}");
                Ok(false)
            }
            Err(NoProject::Jira(error)) => Err(error.into()),
        }
    }

    fn supports_changes_timestamps(&self, project: Option<&str>) -> Result<bool, ClientError> {
        // A project that cannot be looked up has the general setting.
        let project = self.begin().optional_project(project).ok().flatten();
        Ok(self.config.supports_changes_timestamps(project.as_ref()))
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        Ok(self.begin().jira.projects()?.iter().map(|project| project.name.clone()).collect())
    }

    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError> {
        let call = self.begin();
        let project = call.optional_project(project)?;
        Ok(call.control_fields(project.as_ref())?)
    }

    fn get_user_defined_attributes(&self, project: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        let call = self.begin();
        let project = call.optional_project(project)?;
        Ok(call.attributes(project.as_ref())?)
    }

    fn get_defects(&self, project: &str, context: &SyncContext) -> Result<DefectList, ClientError> {
        let call = self.begin();
        match call.project(project) {
            Ok(found) => Ok(call.list(&found, context)?),
            Err(error) => Ok(ProtocolledDefectSet { value: Vec::new(), protocol: error.into_protocol()? }.into()),
        }
    }

    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let call = self.begin();
        let set = match call.project(project) {
            Ok(found) => call.batch(&found, ids, context)?,
            Err(error) => ProtocolledDefectSet { value: Vec::new(), protocol: error.into_protocol()? },
        };
        Ok(set.into())
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let call = self.begin();
        let found = call.project(project)?;
        call.extended(&found, id, context)
    }

    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        let call = self.begin();
        match call.project(project) {
            Ok(found) => call.create(&found, defect, context),
            Err(error) => Ok(ProtocolledString { value: None, protocol: error.into_protocol()? }),
        }
    }

    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let call = self.begin();
        match call.project(project) {
            Ok(found) => call.update(&found, id, defect, context),
            Err(error) => error.into_protocol(),
        }
    }

    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        _: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let call = self.begin();
        match call.project(project) {
            Ok(found) => call.delete(&found, id, defect),
            Err(error) => error.into_protocol(),
        }
    }

    fn before_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.run_hook(SyncPhase::Presync, project, sync_type)
    }

    fn after_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.run_hook(SyncPhase::Postsync, project, sync_type)
    }

    fn correct_sync_results(&self, project: &str, results: Results) -> Result<Results, ClientError> {
        let call = self.begin();
        let found = call.project(project)?;
        Ok(call.corrected(&found, results)?)
    }

    fn get_metrics(&self) -> Result<Vec<Metric>, ClientError> {
        Ok(self.jira.metrics())
    }
}
