//! The configuration as a person may see it.

use std::path::Path;

use serde_json::Value;

use super::super::prose::shown;
use super::draft::DraftError;
use super::plugin::{self, Plugin};
use super::session::{open_schema, service_schema};
use crate::config::{self, CLIENT_TABLE, Document, Format, Key, KeyPath, Overrides, SECTION, keys, without_secrets};

/// The lines of the files, secrets masked, and what the environment adds.
///
/// # Errors
/// The file cannot be read, or is not TOML.
pub(super) fn view(config: &Path) -> Result<Vec<String>, DraftError> {
    let document = Document::read(config, Format::Toml)?;
    let service = config::load(config, &Overrides::default(), |_| None).map(|loaded| loaded.service);
    let plugin = service.as_ref().ok().and_then(|service| plugin::known(&service.client_class, service, config).ok());
    let whole = service_schema();
    let open = open_schema(&whole);
    let tables = match &plugin {
        Some(Plugin { schema, .. }) => {
            vec![(KeyPath::from_iter([SECTION]), &open), (KeyPath::from_iter([SECTION, CLIENT_TABLE]), schema)]
        }
        None => vec![(KeyPath::from_iter([SECTION]), &whole)],
    };
    let mut lines = vec![format!("# {}", config.display())];
    lines.extend(shown_lines(&without_secrets(&document, &tables)));
    if let Some(path) = service.as_ref().ok().and_then(|service| service.client_config_path.as_deref()) {
        lines.extend(["".to_owned(), format!("# {}", path.display())]);
        lines.extend(own_file(path, plugin.as_ref())?);
    }
    let of_plugin = plugin.iter().flat_map(|plugin| keys(&plugin.schema)).filter_map(|key: Key| key.hints.env_var);
    let variables = ["PASSWORD_HASH", "SALT", "PASSWORD_PEPPER"].map(str::to_owned).into_iter().chain(of_plugin);
    let set: Vec<String> =
        variables.filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())).collect();
    if !set.is_empty() {
        lines.extend(["".to_owned(), format!("# set in the environment: {}", set.join(", "))]);
    }
    Ok(lines)
}

fn own_file(path: &Path, plugin: Option<&Plugin>) -> Result<Vec<String>, DraftError> {
    let Some(plugin) = plugin else {
        return Ok(vec!["# not shown: without the plugin it is not known what is secret in it".to_owned()]);
    };
    let document = Document::read(path, Format::of(path).unwrap_or(Format::Toml))?;
    let tables: [(KeyPath, &Value); 2] =
        [(KeyPath::default(), &plugin.schema), (KeyPath::from_iter([SECTION, CLIENT_TABLE]), &plugin.schema)];
    Ok(shown_lines(&without_secrets(&document, &tables)))
}

fn shown_lines(text: &str) -> Vec<String> {
    text.lines().map(shown).collect()
}
