//! One run of the questions: what is known of the configuration, and how it gets to the disk.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::prepare::PrepareError;
use super::super::start::{StartError, rehearse};
use super::ConfigureError;
use super::draft::{Draft, DraftError};
use super::interview::Interview;
use super::person::{Person, Stopped};
use super::plugin::{self, Plugin};
use crate::config::{
    self, CLIENT_TABLE, ConfigError, Fault, Faults, Format, Key, KeyPath, LoadedConfig, Overrides, SECTION,
    ServiceConfig, keys,
};
use crate::credentials::{Pepper, check_username, stored_form};

/// The service's keys that have questions of their own.
const ASKED_ELSEWHERE: [&str; 5] = ["client_class", CLIENT_TABLE, "client_config_path", "password_hash", "salt"];

pub(super) struct Session<'a> {
    person: &'a mut dyn Person,
    config: &'a Path,
    draft: Draft,
    /// The service's table, as it is going to be.
    values: Map<String, Value>,
    own_file: Option<OwnFile>,
    plugin: Option<Plugin>,
}

/// The plugin's own configuration file.
enum OwnFile {
    Edited {
        draft: Draft,
        values: Map<String, Value>,
    },
    /// Not TOML: it is left alone.
    Other(PathBuf),
}

/// Whose values are wrong.
enum Whose {
    Service,
    Client,
}

impl<'a> Session<'a> {
    pub(super) fn open(person: &'a mut dyn Person, config: &'a Path) -> Result<Self, DraftError> {
        let draft = Draft::open(config, &[SECTION])?;
        let values = draft.values().clone();
        let path = values.get("client_config_path").and_then(Value::as_str).filter(|path| !path.is_empty());
        let own_file = path.map(|path| open_own_file(Path::new(path))).transpose()?;
        Ok(Self { person, config, draft, values, own_file, plugin: None })
    }

    pub(super) fn everything(&mut self) -> Result<(), ConfigureError> {
        self.service()?;
        self.credentials()?;
        self.client()
    }

    pub(super) fn service(&mut self) -> Result<(), ConfigureError> {
        self.person.heading("The service");
        self.interview(&Whose::Service, |interview| interview.all())
    }

    pub(super) fn credentials(&mut self) -> Result<(), ConfigureError> {
        self.person.heading("User name and password");
        self.person.explain("Callers, such as TestBench's DMProxy, log in to this service with them.", "");
        let stored = |key: &str| self.values.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if stored("password_hash") && stored("salt") {
            if !self.person.yes("They are stored. Store others?", false)? {
                return Ok(());
            }
        } else if is_set("PASSWORD_HASH")
            && is_set("SALT")
            && !self.person.yes("The environment has them (PASSWORD_HASH, SALT). Store others here?", false)?
        {
            return Ok(());
        }
        let username = loop {
            let username = self.person.line("user name: ")?;
            match check_username(&username) {
                Ok(()) => break username,
                Err(error) => self.person.say(&format!("  {error}")),
            }
        };
        let password = loop {
            let password = self.person.secret("password (hidden): ")?;
            if password.is_empty() {
                self.person.say("  the password must not be empty");
            } else if self.person.secret("password again: ")? == password {
                break password;
            } else {
                self.person.say("  the two passwords differ");
            }
        };
        let refused = |error: &dyn std::fmt::Display| ConfigureError::Credentials(error.to_string());
        let pepper = Pepper::from_env_value(std::env::var("PASSWORD_PEPPER").ok().as_deref()).map_err(|error| {
            ConfigureError::Credentials(format!("the environment variable PASSWORD_PEPPER cannot be used: {error}"))
        })?;
        let (hash, salt) = stored_form(&username, &password, &pepper).map_err(|error| refused(&error))?;
        self.values.insert("password_hash".to_owned(), Value::from(hash));
        self.values.insert("salt".to_owned(), Value::from(salt));
        Ok(())
    }

    pub(super) fn client(&mut self) -> Result<(), ConfigureError> {
        self.person.heading("The plugin: where the defects are");
        let service = config::sound_part(&self.values);
        let current = self.values.get("client_class").and_then(Value::as_str);
        let plugin = plugin::choose(self.person, current, &service, self.config)?;
        self.values.insert("client_class".to_owned(), Value::from(plugin.client_class.clone()));
        self.person.heading(&format!("Settings of {}", plugin.client_class));
        self.plugin = Some(plugin);
        if let Some(OwnFile::Other(path)) = &self.own_file {
            let text = format!("They are in `{}`, which is not TOML: change it by hand.", path.display());
            self.person.explain(&text, "");
            return Ok(());
        }
        self.interview(&Whose::Client, |interview| interview.all())
    }

    /// Checks everything as `check` does, shows what would be written, and writes it.
    pub(super) fn finish(mut self) -> Result<(), ConfigureError> {
        let works = self.corrected()?;
        let mut texts = vec![(&self.draft, self.draft.text(&self.values)?)];
        if let Some(OwnFile::Edited { draft, values }) = &self.own_file {
            texts.push((draft, draft.text(values)?));
        }
        let service_schema = service_schema();
        let mut tables = vec![(KeyPath::from_iter([SECTION]), &service_schema)];
        let plugin = self.plugin.take().or_else(|| self.known_plugin());
        let own = open_schema(&service_schema);
        if let Some(plugin) = &plugin {
            tables = vec![
                (KeyPath::from_iter([SECTION]), &own),
                (KeyPath::from_iter([SECTION, CLIENT_TABLE]), &plugin.schema),
            ];
        }
        let own_tables: Vec<(KeyPath, &Value)> =
            plugin.iter().map(|plugin| (KeyPath::default(), &plugin.schema)).collect();
        let mut changed = Vec::new();
        for (index, (draft, text)) in texts.iter().enumerate() {
            let tables = if index == 0 { &tables } else { &own_tables };
            let Some(preview) = draft.preview(text, tables) else { continue };
            let path = draft.path().display();
            self.person.say("");
            if preview.is_empty() {
                self.person.explain(&format!("In `{path}` only secrets change."), "");
            } else {
                let what = if draft.is_new() { "will be this" } else { "will change like this" };
                self.person.explain(&format!("`{path}` {what} (secrets are not shown):"), "");
                self.person.say("");
                preview.iter().for_each(|line| self.person.say(line));
            }
            changed.push((draft, text));
        }
        if changed.is_empty() {
            self.person.say("");
            self.person.say("nothing changes");
            return Ok(());
        }
        self.person.say("");
        let mut public = Vec::new();
        for (draft, _) in changed.iter().filter(|(draft, _)| !draft.is_new() && draft.is_public()) {
            let question = format!(
                "Users who are neither its owner nor of its group can open `{}`. Change that?",
                draft.path().display()
            );
            if self.person.yes(&question, true)? {
                public.push(*draft);
            }
        }
        if !self.person.yes("Write it?", works)? {
            return Err(Stopped::Cancelled.into());
        }
        for draft in public {
            draft.make_private()?;
        }
        for (draft, text) in changed {
            draft.write(text)?;
            self.person.say(&format!("wrote `{}`", draft.path().display()));
        }
        let config = self.config.display();
        let flag = if self.config == Path::new("config.toml") { String::new() } else { format!(" --config {config}") };
        self.person.say("");
        self.person.say("Next (a service that runs has to be restarted):");
        self.person.say(&format!("  defect-host check{flag}"));
        self.person.say(&format!("  defect-host start{flag}"));
        Ok(())
    }

    /// Tries the configuration, and lets the person correct what is wrong. Does it work in the end?
    fn corrected(&mut self) -> Result<bool, ConfigureError> {
        loop {
            let tried = self.loaded().map_err(PrepareError::from).map_err(StartError::from);
            let Err(error) = tried.and_then(|loaded| rehearse(self.config, &loaded).map(drop)) else { return Ok(true) };
            self.person.say("");
            self.person.explain("The service would not start with this:", "");
            self.person.say("");
            self.person.report(&error.render(false));
            self.person.say("");
            let Some((whose, faults)) = faults_of(&error) else { return Ok(false) };
            let mut paths: Vec<KeyPath> = faults.iter().map(|fault: &Fault| fault.path.clone()).collect();
            paths.dedup();
            paths.retain(|path| !path.segments().is_empty());
            if paths.is_empty() || !self.person.yes("Correct it now?", true)? {
                return Ok(false);
            }
            self.interview(&whose, |interview| paths.iter().try_for_each(|path| interview.again(path)))?;
        }
    }

    fn interview(
        &mut self,
        whose: &Whose,
        ask: impl FnOnce(&mut Interview<'_>) -> Result<(), Stopped>,
    ) -> Result<(), ConfigureError> {
        let (schema, values) = match whose {
            Whose::Service => (service_schema(), self.values.clone()),
            Whose::Client => {
                if self.plugin.is_none() {
                    self.plugin = self.known_plugin();
                }
                let schema = self.plugin.as_ref().map_or(Value::Null, |plugin| plugin.schema.clone());
                (schema, self.client_values())
            }
        };
        let mut keys: Vec<Key> = keys(&schema);
        if matches!(whose, Whose::Service) {
            keys.retain(|key| key.name.as_deref().is_none_or(|name| !ASKED_ELSEWHERE.contains(&name)));
        }
        let mut interview =
            Interview { person: &mut *self.person, schema: &schema, keys: &keys, values, is_set: &is_set };
        ask(&mut interview)?;
        let values = interview.values;
        match (whose, &mut self.own_file) {
            (Whose::Service, _) => self.values = values,
            (Whose::Client, Some(OwnFile::Edited { values: own, .. })) => *own = values,
            (Whose::Client, _) if values.is_empty() && !self.values.contains_key(CLIENT_TABLE) => {}
            (Whose::Client, _) => {
                self.values.insert(CLIENT_TABLE.to_owned(), Value::Object(values));
            }
        }
        Ok(())
    }

    fn client_values(&self) -> Map<String, Value> {
        match &self.own_file {
            Some(OwnFile::Edited { values, .. }) => values.clone(),
            _ => self.values.get(CLIENT_TABLE).and_then(Value::as_object).cloned().unwrap_or_default(),
        }
    }

    fn known_plugin(&self) -> Option<Plugin> {
        // The default stands in for none, not for one that means nothing: what is secret, the plugin meant knows.
        if self.values.get("client_class").is_some_and(|class| !class.is_string()) {
            return None;
        }
        let service = config::sound_part(&self.values);
        plugin::known(&service.client_class, &service, self.config).ok()
    }

    /// The configuration as if it was written already.
    fn loaded(&self) -> Result<LoadedConfig, ConfigError> {
        let draft = self.draft.text(&self.values).unwrap_or_default();
        let own = match &self.own_file {
            Some(OwnFile::Edited { draft, values }) => Some((draft.path(), draft.text(values).unwrap_or_default())),
            _ => None,
        };
        let files = |path: &Path| match &own {
            _ if path == self.config => Ok(draft.clone().into_bytes()),
            Some((own, text)) if path == *own => Ok(text.clone().into_bytes()),
            _ => std::fs::read(path),
        };
        config::load_from(&files, self.config, &Overrides::default(), |name| std::env::var(name).ok())
    }
}

fn open_own_file(path: &Path) -> Result<OwnFile, DraftError> {
    if Format::of(path) != Some(Format::Toml) {
        return Ok(OwnFile::Other(path.to_owned()));
    }
    let inner = Draft::open(path, &[SECTION, CLIENT_TABLE])?;
    let draft = if inner.values().is_empty() { Draft::open(path, &[])? } else { inner };
    let values = draft.values().clone();
    Ok(OwnFile::Edited { draft, values })
}

/// JSON Schema of the service's table.
pub(super) fn service_schema() -> Value {
    schemars::schema_for!(ServiceConfig).to_value()
}

/// The same without the plugin's table, which is secret as a whole as long as its own schema is not known.
pub(super) fn open_schema(service: &Value) -> Value {
    let mut schema = service.clone();
    if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        keys.remove(CLIENT_TABLE);
    }
    schema
}

fn faults_of(error: &StartError) -> Option<(Whose, &Faults)> {
    match error {
        StartError::Prepare(PrepareError::ClientConfig(faults)) => Some((Whose::Client, faults)),
        StartError::Prepare(PrepareError::Config(ConfigError::Faults(faults))) => Some((Whose::Service, faults)),
        _ => None,
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
