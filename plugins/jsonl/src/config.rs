//! The plugin's configuration: what stands in `client_config`.

use std::path::PathBuf;

use defect_plugin_api::model::ControlFields;
use defect_plugin_api::{ClientError, FieldError, PhaseCommands, ProjectOverrides, unusable_sync_commands};
use schemars::JsonSchema;
use serde::Deserialize;

/// Defects in JSON Lines files, one folder per project.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonlConfig {
    /// The name that test-management tools show. Default: `JSONL`.
    #[serde(default = "default_name")]
    pub name: String,
    /// The description that test-management tools show.
    /// Default: `JSONL client for managing defect records stored in a File.`
    #[serde(default = "default_description")]
    pub description: String,
    /// The folder with one folder per project. It must exist; a relative path is relative to the
    /// host's working directory. Required.
    pub defects_path: PathBuf,
    /// Refuse to create, update and delete defects. Default: false.
    #[serde(default)]
    pub readonly: bool,
    /// Which values which fields may have: a table of lists. Default: none.
    #[serde(default)]
    pub control_fields: ControlFields,
    /// Tell tools that `lastEdited` says when a defect was changed. Default: true.
    #[serde(default = "yes")]
    pub supports_changes_timestamps: bool,
    /// The attributes of the extended view: fields of a defect or user-defined fields.
    /// Default: `["title", "status"]`.
    #[serde(default = "default_attributes")]
    pub attributes: Vec<String>,
    /// Commands to run before and after a synchronisation. Default: none.
    #[serde(default)]
    pub commands: Option<PhaseCommands>,
    /// Settings that a project has of its own, by the project's name. Default: none.
    #[serde(default)]
    pub projects: ProjectOverrides<ProjectConfig>,
}

/// `[client_config.projects.<name>]`: what is set here replaces the general setting as a whole.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectConfig {
    /// Refuse to create, update and delete defects of this project. Default: the general setting.
    pub readonly: Option<bool>,
    /// Which values which fields may have. Default: the general setting.
    pub control_fields: Option<ControlFields>,
    /// Whether `lastEdited` says when a defect was changed. Default: the general setting.
    pub supports_changes_timestamps: Option<bool>,
    /// The attributes of the extended view. Default: the general setting.
    pub attributes: Option<Vec<String>>,
    /// Commands to run before and after a synchronisation. Default: the general setting.
    pub commands: Option<PhaseCommands>,
}

fn default_name() -> String {
    "JSONL".to_owned()
}

fn default_description() -> String {
    "JSONL client for managing defect records stored in a File.".to_owned()
}

fn default_attributes() -> Vec<String> {
    ["title", "status"].map(str::to_owned).to_vec()
}

fn yes() -> bool {
    true
}

impl JsonlConfig {
    pub(crate) fn readonly(&self, project: &str) -> bool {
        *self.projects.lookup(Some(project), |own| own.readonly.as_ref(), &self.readonly)
    }

    /// Whether no project may be written to.
    pub(crate) fn never_writes(&self) -> bool {
        self.readonly && self.projects.iter().all(|(_, own)| own.readonly != Some(false))
    }

    pub(crate) fn control_fields(&self, project: Option<&str>) -> &ControlFields {
        self.projects.lookup(project, |own| own.control_fields.as_ref(), &self.control_fields)
    }

    pub(crate) fn supports_changes_timestamps(&self, project: Option<&str>) -> bool {
        let general = &self.supports_changes_timestamps;
        *self.projects.lookup(project, |own| own.supports_changes_timestamps.as_ref(), general)
    }

    pub(crate) fn attributes(&self, project: &str) -> &[String] {
        self.projects.lookup(Some(project), |own| own.attributes.as_deref(), &self.attributes)
    }

    pub(crate) fn commands(&self, project: &str) -> Option<&PhaseCommands> {
        // The project's table replaces the general one as a whole, as every setting does.
        self.projects
            .lookup(Some(project), |own| own.commands.is_some().then_some(&own.commands), &self.commands)
            .as_ref()
    }

    /// The folder with the projects, as an absolute path.
    ///
    /// # Errors
    /// When it is not there, or no folder.
    pub(crate) fn defects_folder(&self) -> Result<PathBuf, ClientError> {
        let path = std::path::absolute(&self.defects_path).unwrap_or_else(|_| self.defects_path.clone());
        let problem = match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Ok(path),
            Ok(_) => "is not a folder".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        let message = format!(
            "`{}` {problem}; create the folder, with one folder per project in it, or correct the path",
            path.display()
        );
        Err(ClientError::invalid_fields(vec![FieldError::new("defects_path", message)]))
    }

    /// Logs a warning for every sync command that could not be run now.
    pub(crate) fn warn_of_unusable_commands(&self) {
        let of_projects = self.projects.iter().map(|(name, own)| (format!("projects.{name}.commands"), &own.commands));
        for (place, commands) in std::iter::once(("commands".to_owned(), &self.commands)).chain(of_projects) {
            for fault in commands.iter().flat_map(unusable_sync_commands) {
                tracing::warn!("`client_config.{place}`: {fault}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use defect_plugin_api::SyncPhase;

    fn config(json: &str) -> JsonlConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_the_path_is_required_and_the_defaults_are_the_reference_services() {
        let config = config(r#"{"defects_path":"d"}"#);
        assert_eq!(config.name, "JSONL");
        assert_eq!(config.description, "JSONL client for managing defect records stored in a File.");
        assert!(!config.readonly && config.supports_changes_timestamps && config.control_fields.is_empty());
        assert_eq!(config.attributes, ["title", "status"]);
        assert!(serde_json::from_str::<JsonlConfig>("{}").unwrap_err().to_string().contains("defects_path"));
        assert!(serde_json::from_str::<JsonlConfig>(r#"{"defects_path":"d","readonyl":true}"#).is_err());
    }

    #[test]
    fn a_project_overrides_every_setting_and_inherits_the_others() {
        let config = config(
            r#"{"defects_path":"d","control_fields":{"status":["Open"]},
                "commands":{"presync":{"manual":"general.sh"},"postsync":{"manual":"after.sh"}},
                "projects":{"Own":{"readonly":true,"control_fields":{},"supports_changes_timestamps":false,
                    "attributes":["priority"],"commands":{"presync":{"manual":"own.sh"}}},"Empty":{}}}"#,
        );
        assert!(config.readonly("Own") && !config.readonly("Empty") && !config.readonly("Other"));
        assert!(config.control_fields(Some("Own")).is_empty());
        assert_eq!(config.control_fields(Some("Empty")), config.control_fields(None));
        assert!(!config.supports_changes_timestamps(Some("Own")) && config.supports_changes_timestamps(Some("Empty")));
        assert_eq!(config.attributes("Own"), ["priority"]);
        assert_eq!(config.attributes("Other"), ["title", "status"]);
        let command = |project, phase| config.commands(project).and_then(|commands| commands.command(phase, "manual"));
        assert_eq!(command("Own", SyncPhase::Presync), Some("own.sh"));
        assert_eq!(command("Own", SyncPhase::Postsync), None, "the table is replaced as a whole");
        assert_eq!(command("Empty", SyncPhase::Postsync), Some("after.sh"));
    }

    #[test]
    fn a_folder_that_is_missing_or_a_file_is_refused_with_its_absolute_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (path, problem) in
            [(file.as_path(), "is not a folder"), (std::path::Path::new("not-there"), "cannot be read")]
        {
            let config = config(&serde_json::json!({ "defects_path": path }).to_string());
            let Err(ClientError::InvalidInput { fields, .. }) = config.defects_folder() else { panic!("accepted") };
            assert_eq!(fields[0].field.as_deref(), Some("defects_path"));
            let absolute = std::path::absolute(path).unwrap();
            assert!(fields[0].message.contains(&absolute.display().to_string()), "{fields:?}");
            assert!(fields[0].message.contains(problem) && fields[0].message.contains("correct the path"));
        }
    }
}
