//! What a person sees for a right and for a wrong configuration.

mod any_text;
mod client;
mod documented;
mod loading;
mod secrets;
mod service;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::*;

/// A client's configuration with all that a schema may hold.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct ClientConfig {
    /// Folder with one folder per project.
    defects_path: String,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    attributes: Vec<String>,
    #[schemars(range(min = 1, max = 60))]
    timeout: Option<u32>,
    ratio: Option<f64>,
    auth_type: Option<AuthType>,
    password: Option<String>,
    #[schemars(extend("writeOnly" = true))]
    pin: Option<String>,
    commands: Option<Commands>,
    #[serde(default)]
    projects: BTreeMap<String, Project>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AuthType {
    /// User name and password.
    Basic,
    /// A token.
    Token,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Commands {
    scheduled: Option<String>,
    manual: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Project {
    readonly: Option<bool>,
    commands: Option<Commands>,
}

fn schema() -> Value {
    schemars::schema_for!(ClientConfig).to_value()
}

fn section(text: &str, format: Format) -> Result<Section, Faults> {
    let name = if format == Format::Toml { "client.toml" } else { "client.properties" };
    let document = Document::parse(Path::new(name), text.to_owned(), format)?;
    Ok(Section::new(Arc::new(document), KeyPath::default()))
}

fn client(text: &str, format: Format) -> Result<Value, Faults> {
    validate_client(&section(text, format)?, &schema())
}

fn client_faults(text: &str) -> String {
    client(text, Format::Toml).unwrap_err().to_string()
}

/// A folder with files; messages name it `dir`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let text = text.replace("DIR", folder.path().to_str().unwrap());
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn load_with(&self, overrides: &Overrides, env: &[(&str, &str)]) -> Result<LoadedConfig, String> {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        load(&self.0.path().join("config.toml"), overrides, env).map_err(|error| self.relative(&error.render(false)))
    }

    fn load(&self) -> Result<LoadedConfig, String> {
        self.load_with(&Overrides::default(), &[])
    }

    fn relative(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "dir")
    }
}

fn service_faults(text: &str) -> String {
    Folder::new(&[("config.toml", text)]).load().unwrap_err()
}
