//! A plugin that panics, sleeps, fails and lies on demand, for the end-to-end tests of the host.
//! Its configuration says what goes wrong in which operation.

mod crash;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, DefectWithId, Login, Metric, Password, Protocol, ProtocolCode,
    ProtocolEntry, ProtocolledDefectSet, ProtocolledString, Results, Settings, SyncContext, UserDefinedAttribute,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList, FieldError, ListProtocol, export_client};

use crash::Crash;

/// What goes wrong. All keys may be absent.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FaultyConfig {
    /// Operations that panic.
    panic_in: Vec<String>,
    /// Operations that take so many milliseconds.
    sleep_ms_in: BTreeMap<String, u64>,
    /// Operations that never end.
    hang_in: Vec<String>,
    /// Operations that wait until the file `gate` is there.
    wait_in: Vec<String>,
    /// The defect of the list at which it waits for the file `gate`.
    wait_at_defect: Option<u64>,
    /// See `wait_in` and `wait_at_defect`.
    #[schemars(schema_with = "path_schema")]
    gate: PathBuf,
    /// Operations that fail, with the kind of error; `new` is the constructor.
    fail_in: BTreeMap<String, String>,
    /// Panic in the constructor.
    panic_in_new: bool,
    /// A field that the constructor refuses.
    refuse_field: Option<String>,
    /// How many defects the list has.
    defects: u64,
    /// The defect of the list at which it panics.
    panic_at_defect: Option<u64>,
    /// Operations that end the process or worse; `new` for the constructor.
    crash_in: BTreeMap<String, Crash>,
    /// `crash_in` is meant only while this file is there.
    crash_while: Option<PathBuf>,
    /// The defect of the list at which it ends the process.
    crash_at_defect: Option<u64>,
    /// The defect of the list at which it fails.
    fail_at_defect: Option<u64>,
    /// What `check_login` answers.
    refuse_login: bool,
    /// Never shown, but where `tell_key` makes the plugin careless.
    api_key: Option<Password>,
    /// The plugin puts its key into the log, its errors and its panics.
    tell_key: bool,
}

/// See [`FaultyConfig`].
pub struct FaultyDefectClient(FaultyConfig);

impl FaultyDefectClient {
    fn enter(&self, operation: &str) -> Result<(), ClientError> {
        tracing::info!(operation, answer = 42, "entered");
        if self.0.tell_key {
            tracing::warn!(key = self.key(), list = ?[self.key()], "my key is {}", self.key());
        }
        tracing::debug!(operation, "entered, in detail");
        assert!(
            !self.0.panic_in.iter().any(|panics| panics == operation),
            "told to panic in {operation}{}",
            self.told()
        );
        if let Some(milliseconds) = self.0.sleep_ms_in.get(operation) {
            std::thread::sleep(Duration::from_millis(*milliseconds));
        }
        if self.0.wait_in.iter().any(|waits| waits == operation) {
            wait_for(&self.0.gate);
        }
        while self.0.hang_in.iter().any(|hangs| hangs == operation) {
            std::thread::park();
        }
        self.0.crash(operation);
        self.fail(operation)
    }

    fn fail(&self, operation: &str) -> Result<(), ClientError> {
        let message = || format!("told to fail in {operation}{}", self.told());
        match self.0.fail_in.get(operation).map(String::as_str) {
            None => Ok(()),
            Some("not_found") => Err(ClientError::not_found(message())),
            Some("forbidden") => Err(ClientError::forbidden(message())),
            Some("unauthorized") => Err(ClientError::unauthorized(message())),
            Some("invalid_input") => {
                Err(ClientError::invalid_fields(vec![FieldError::new("defect.status", message())]))
            }
            Some("unavailable") => Err(ClientError::unavailable(message())),
            Some("not_supported") => Err(ClientError::not_supported(message())),
            Some(_) => Err(ClientError::internal(message())),
        }
    }

    fn key(&self) -> &str {
        self.0.api_key.as_ref().map_or("", Password::reveal)
    }

    /// What an error or a panic says besides.
    fn told(&self) -> String {
        if self.0.tell_key { format!(" with {}", self.key()) } else { String::new() }
    }

    fn defect(number: u64) -> DefectWithId {
        let defect = Defect {
            title: Some(format!("Defect {number}")),
            description: Some("x".repeat(300)),
            reporter: None,
            status: "open".to_owned(),
            classification: "bug".to_owned(),
            priority: "high".to_owned(),
            user_defined_fields: Vec::new(),
            last_edited: epoch(),
            references: Vec::new(),
            principal: Login { username: "faulty".to_owned(), password: Password::new("hunter2") },
        };
        DefectWithId { defect, id: format!("F-{number}") }
    }
}

impl FaultyConfig {
    fn crash(&self, operation: &str) {
        if let Some(crash) = self.crash_in.get(operation)
            && self.crash_while.as_ref().is_none_or(|sign| sign.exists())
        {
            crash.happen();
        }
    }
}

/// The library describes itself with this, before it is told its configuration.
fn path_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    assert!(std::env::var_os("FAULTY_PANIC_IN_DESCRIPTION").is_none(), "told to panic in the description");
    schemars::json_schema!({ "type": "string" })
}

fn wait_for(gate: &Path) {
    while !gate.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn epoch() -> defect_plugin_api::model::Timestamp {
    "1970-01-01T00:00:00Z".parse().unwrap_or_else(|_| defect_plugin_api::model::Timestamp::now())
}

impl DefectClient for FaultyDefectClient {
    type Config = FaultyConfig;

    fn new(config: FaultyConfig) -> Result<Self, ClientError> {
        assert!(!config.panic_in_new, "told to panic in new");
        config.crash("new");
        if let Some(field) = config.refuse_field {
            return Err(ClientError::invalid_fields(vec![FieldError::new(field, "told to refuse it")]));
        }
        let client = Self(config);
        client.fail("new")?;
        Ok(client)
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        self.enter("get_settings")?;
        Ok(Settings { name: "n".repeat(300), description: "faulty".to_owned(), readonly: false })
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        self.enter("check_login")?;
        Ok(!self.0.refuse_login && project != Some("closed"))
    }

    fn supports_changes_timestamps(&self, _: Option<&str>) -> Result<bool, ClientError> {
        self.enter("supports_changes_timestamps")?;
        Ok(true)
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        self.enter("get_projects")?;
        Ok(vec!["Shop App (SHOP)".to_owned()])
    }

    fn get_control_fields(&self, _: Option<&str>) -> Result<ControlFields, ClientError> {
        self.enter("get_control_fields")?;
        Ok(ControlFields::new())
    }

    fn get_user_defined_attributes(&self, _: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        self.enter("get_user_defined_attributes")?;
        Ok(Vec::new())
    }

    fn get_defects(&self, _: &str, _: &SyncContext) -> Result<DefectList, ClientError> {
        self.enter("get_defects")?;
        let (count, panic_at, fail_at) = (self.0.defects, self.0.panic_at_defect, self.0.fail_at_defect);
        let crash_at = self.0.crash_at_defect;
        let (wait_at, gate) = (self.0.wait_at_defect, self.0.gate.clone());
        let defects = (0..count).map(move |number| {
            if wait_at == Some(number) {
                tracing::info!(number, "waiting");
                wait_for(&gate);
            }
            assert!(panic_at != Some(number), "told to panic at defect {number}");
            if crash_at == Some(number) {
                Crash::Segfault.happen();
            }
            if fail_at == Some(number) {
                Err(ClientError::unavailable("told to fail"))
            } else {
                Ok(Self::defect(number))
            }
        });
        Ok(DefectList::streamed(defects, move || {
            let entry = |n| (format!("F-{n}"), ProtocolEntry::new(ProtocolCode::ImportSuccess, "made up"));
            ListProtocol::streamed((0..count).map(entry), Protocol::default())
        }))
    }

    fn get_defects_batch(&self, _: &str, ids: &[String], _: &SyncContext) -> Result<DefectList, ClientError> {
        self.enter("get_defects_batch")?;
        let value = ids.iter().filter_map(|id| id.strip_prefix("F-")?.parse().ok()).map(Self::defect).collect();
        Ok(ProtocolledDefectSet { value, protocol: Protocol::default() }.into())
    }

    fn get_defect_extended(&self, _: &str, id: &str, _: &SyncContext) -> Result<DefectWithAttributes, ClientError> {
        self.enter("get_defect_extended")?;
        let DefectWithId { defect, .. } = Self::defect(0);
        Ok(DefectWithAttributes { defect, id: id.to_owned(), attributes: BTreeMap::new() })
    }

    fn create_defect(&self, _: &str, defect: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> {
        self.enter("create_defect")?;
        // What arrives is shown back, but for the password, whose length shows that it came through.
        let password = defect.principal.password.reveal().chars().count();
        let protocol = Protocol::of_success("seen", ProtocolCode::InsertSuccess, format!("password of {password}"));
        Ok(ProtocolledString { value: defect.title.clone(), protocol })
    }

    fn update_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.enter("update_defect")?;
        Ok(Protocol::default())
    }

    fn delete_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.enter("delete_defect")?;
        Ok(Protocol::default())
    }

    fn before_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.enter("before_sync")?;
        Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, format!("before {sync_type:?}")))
    }

    fn after_sync(&self, project: &str, sync_type: Option<&str>, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.enter("after_sync")?;
        Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, format!("after {sync_type:?}")))
    }

    fn correct_sync_results(&self, _: &str, results: Results) -> Result<Results, ClientError> {
        self.enter("correct_sync_results")?;
        Ok(results)
    }

    fn get_metrics(&self) -> Result<Vec<Metric>, ClientError> {
        self.enter("get_metrics")?;
        let key = || Metric::gauge(format!("keys {}", self.key()), self.told(), 1);
        Ok(vec![
            Metric::gauge("answers", format!("Made up{}.", self.told()), 42).with("key", self.key()),
            Metric::counter("bad name", "Made up.", 1),
            key(),
        ])
    }
}

/// A second class in the same library, which panics when it is dropped.
pub struct SpareDefectClient(FaultyDefectClient);

impl Drop for SpareDefectClient {
    fn drop(&mut self) {
        panic!("told to panic in drop");
    }
}

impl DefectClient for SpareDefectClient {
    type Config = FaultyConfig;

    fn new(config: FaultyConfig) -> Result<Self, ClientError> {
        Ok(Self(FaultyDefectClient(config)))
    }
    fn get_settings(&self) -> Result<Settings, ClientError> {
        self.0.get_settings()
    }
    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        self.0.check_login(project)
    }
    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        self.0.get_projects()
    }
    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError> {
        self.0.get_control_fields(project)
    }
    fn get_defects(&self, project: &str, context: &SyncContext) -> Result<DefectList, ClientError> {
        self.0.get_defects(project, context)
    }
    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        self.0.get_defects_batch(project, ids, context)
    }
    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        self.0.get_defect_extended(project, id, context)
    }
    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        self.0.create_defect(project, defect, context)
    }
    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.0.update_defect(project, id, defect, context)
    }
    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.0.delete_defect(project, id, defect, context)
    }
}

export_client!(FaultyDefectClient, SpareDefectClient);
