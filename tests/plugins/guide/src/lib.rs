//! The plugin that docs/plugins.md takes its further examples from: a test compares each block of the
//! page with this file. Its "tracker" makes its issues up.

use std::time::Duration;

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, DefectWithId, Login, Password, Protocol,
    ProtocolCode, ProtocolEntry, ProtocolledString, Settings, SyncContext, Timestamp,
};
use defect_plugin_api::{
    ClientError, DefectClient, DefectList, FieldError, ListProtocol, ListedDefects, PhaseCommands,
    ProjectOverrides, SyncPhase, export_client, run_sync_command, unusable_sync_commands,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// What stands in `client_config`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuideConfig {
    /// Address of the tracker.
    #[schemars(url)]
    server_url: String,
    /// The token that the tracker asks for.
    token: Password,
    /// How long one request to the tracker may take, in seconds.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 50))]
    timeout: u64,
    /// How many defects each project has.
    #[serde(default)]
    issues: u64,
    /// Refuse to create, update and delete.
    #[serde(default)]
    readonly: bool,
    /// Commands to run before and after a synchronisation.
    #[serde(default)]
    commands: PhaseCommands,
    /// Settings that a project has of its own.
    #[serde(default)]
    projects: ProjectOverrides<ProjectConfig>,
}

/// `[….client_config.projects.<name>]`: what is absent is as in `client_config`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// Refuse to create, update and delete.
    readonly: Option<bool>,
    /// Commands to run before and after a synchronisation, instead of the general ones.
    commands: Option<PhaseCommands>,
}

fn default_timeout() -> u64 {
    20
}

impl GuideConfig {
    fn readonly(&self, project: &str) -> bool {
        *self
            .projects
            .lookup(Some(project), |own| own.readonly.as_ref(), &self.readonly)
    }

    fn commands(&self, project: &str) -> &PhaseCommands {
        self.projects
            .lookup(Some(project), |own| own.commands.as_ref(), &self.commands)
    }
}

/// The tracker.
pub struct GuideDefectClient {
    config: GuideConfig,
    tracker: Tracker,
}

impl GuideDefectClient {
    fn check_writable(&self, project: &str) -> Result<(), ClientError> {
        if self.config.readonly(project) {
            let why = format!("project `{project}` is read-only: `client_config` sets `readonly`");
            return Err(ClientError::forbidden(why));
        }
        Ok(())
    }
}

impl DefectClient for GuideDefectClient {
    type Config = GuideConfig;

    fn new(config: GuideConfig) -> Result<Self, ClientError> {
        if !config.server_url.starts_with("https://") {
            let fault = FieldError::new("server_url", "the tracker is reached by HTTPS only");
            return Err(ClientError::invalid_fields(vec![fault]));
        }
        for fault in unusable_sync_commands(&config.commands) {
            tracing::warn!("`client_config.commands`: {fault}");
        }
        let tracker = Tracker::new(&config)?;
        Ok(Self { config, tracker })
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        Ok(Settings {
            name: "Guide".to_owned(),
            description: self.config.server_url.clone(),
            readonly: self.config.readonly,
        })
    }

    fn check_login(&self, _project: Option<&str>) -> Result<bool, ClientError> {
        self.tracker.answers_to(self.config.token.reveal())
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        Ok(vec!["Shop".to_owned()])
    }

    fn get_control_fields(&self, _project: Option<&str>) -> Result<ControlFields, ClientError> {
        Ok(ControlFields::new())
    }

    fn get_defects(
        &self,
        project: &str,
        _context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let pages = self.tracker.pages(project)?; // of 100 defects, each fetched when it is asked for
        let defects = pages.flat_map(|page| match page {
            Ok(defects) => defects.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        Ok(DefectList::streamed(defects, Protocol::default))
    }

    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        _context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let lines = self.tracker.json_lines(project, ids)?; // `{"title":…,"id":"G-1"}`, one a line
        let defects = lines.map(|line| Ok(ListedDefects::from_json(line)));
        let read = |id| (id, ProtocolEntry::new(ProtocolCode::ImportSuccess, "read"));
        let ids = ids.to_vec(); // the answer outlives this call
        let successes = ids.into_iter().map(read);
        Ok(DefectList::streamed(defects, || {
            ListProtocol::streamed(successes, Protocol::default())
        }))
    }

    fn get_defect_extended(
        &self,
        _project: &str,
        id: &str,
        _context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        Err(ClientError::not_found(format!("no defect `{id}`")))
    }

    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        _context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        self.check_writable(project)?;
        let Login { username, password } = &defect.principal;
        if password.is_empty() {
            let fault = FieldError::new("defect.principal.password", "the tracker needs one");
            return Err(ClientError::invalid_fields(vec![fault]));
        }
        let id = self
            .tracker
            .create(project, defect, username, password.reveal())?;
        tracing::info!(project, id, "created a defect"); // never a password, never a whole body
        let protocol = Protocol::of_success(project, ProtocolCode::InsertSuccess, "created");
        Ok(ProtocolledString {
            value: Some(id),
            protocol,
        })
    }

    fn update_defect(
        &self,
        project: &str,
        _id: &str,
        _defect: &Defect,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.check_writable(project)?;
        Err(ClientError::not_supported("the tracker keeps what it has"))
    }

    fn delete_defect(
        &self,
        project: &str,
        _id: &str,
        _defect: &Defect,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.check_writable(project)?;
        Err(ClientError::not_supported("the tracker keeps what it has"))
    }

    fn before_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let commands = Some(self.config.commands(project));
        Ok(run_sync_command(
            commands,
            SyncPhase::Presync,
            project,
            sync_type,
        ))
    }

    fn after_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        _context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let commands = Some(self.config.commands(project));
        Ok(run_sync_command(
            commands,
            SyncPhase::Postsync,
            project,
            sync_type,
        ))
    }
}

/// A connection to the tracker whose crate is asynchronous.
struct Tracker {
    runtime: tokio::runtime::Runtime,
    timeout: Duration,
    issues: u64,
}

impl Tracker {
    fn new(config: &GuideConfig) -> Result<Self, ClientError> {
        // The plugin has a copy of tokio of its own: the host's runtime is not to be found here.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| ClientError::internal(format!("no runtime: {error}")))?;
        let timeout = Duration::from_secs(config.timeout);
        Ok(Self {
            runtime,
            timeout,
            issues: config.issues,
        })
    }

    /// Waits for an answer, but not for ever: the host cannot stop a call.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let limited = async { tokio::time::timeout(self.timeout, answer).await };
        self.runtime.block_on(limited).unwrap_or_else(|_| {
            Err(ClientError::unavailable(
                "the tracker does not answer; is its network up?",
            ))
        })
    }

    fn answers_to(&self, token: &str) -> Result<bool, ClientError> {
        let token = token.to_owned();
        self.wait(async move {
            if token == "hang" {
                std::future::pending().await
            } else {
                Ok(token != "wrong")
            }
        })
    }

    fn pages(
        &self,
        _project: &str,
    ) -> Result<
        impl Iterator<Item = Result<Vec<DefectWithId>, ClientError>> + Send + use<>,
        ClientError,
    > {
        let issues = self.issues;
        let pages = (0..issues).step_by(100);
        Ok(pages.map(move |first| Ok((first..issues.min(first + 100)).map(issue).collect())))
    }

    fn json_lines(
        &self,
        _project: &str,
        ids: &[String],
    ) -> Result<impl Iterator<Item = Vec<u8>> + Send + use<>, ClientError> {
        let ids = ids.to_vec();
        let line = |id| serde_json::to_vec(&DefectWithId { id, ..issue(0) }).unwrap_or_default();
        Ok(ids.into_iter().map(line))
    }

    fn create(
        &self,
        _project: &str,
        _defect: &Defect,
        _username: &str,
        _password: &str,
    ) -> Result<String, ClientError> {
        self.wait(async { Ok("G-1".to_owned()) })
    }
}

fn issue(number: u64) -> DefectWithId {
    let defect = Defect {
        title: Some(format!("Issue {number}")),
        description: None,
        reporter: None,
        status: "open".to_owned(),
        classification: "bug".to_owned(),
        priority: "high".to_owned(),
        user_defined_fields: Vec::new(),
        last_edited: Timestamp::now(),
        references: Vec::new(),
        principal: Login::default(),
    };
    DefectWithId {
        defect,
        id: format!("G-{number}"),
    }
}

export_client!(GuideDefectClient);
