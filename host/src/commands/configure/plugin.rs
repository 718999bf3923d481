//! Which plugin shall answer: those that are found are offered.

use std::path::Path;

use serde_json::Value;

use super::super::prepare::{PrepareError, find, look_at, open, plugin_directories};
use super::super::prose::shown;
use super::person::{Person, Stopped};
use crate::config::ServiceConfig;
use crate::platform::Platform;
use crate::resolve::{Disk, list_candidates};

/// A plugin's class.
pub(super) struct Plugin {
    /// What `client_class` has to be.
    pub(super) client_class: String,
    /// JSON Schema of its configuration.
    pub(super) schema: Value,
}

/// The plugin that `client_class` means.
pub(super) fn known(client_class: &str, service: &ServiceConfig, config: &Path) -> Result<Plugin, PrepareError> {
    let found = find(client_class, service, Some(config))?;
    Ok(Plugin { client_class: client_class.to_owned(), schema: found.schema()?.clone() })
}

/// Lets the person choose among the plugins that are found, or name another one.
pub(super) fn choose(
    person: &mut dyn Person,
    current: Option<&str>,
    service: &ServiceConfig,
    config: &Path,
) -> Result<Plugin, Stopped> {
    let (plugins, unfit) = all(service, config);
    for (index, (plugin, library)) in plugins.iter().enumerate() {
        let about = plugin.schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let about = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let text =
            if about.is_empty() { plugin.client_class.clone() } else { format!("{}: {about}", plugin.client_class) };
        person.entry(&format!("{:>4}) ", index + 1), &text);
        person.say(&format!("      {}", shown(library)));
    }
    if plugins.is_empty() {
        person.explain("No plugin is found: `defect-host plugins` says where they are looked for.", "");
    }
    if unfit > 0 {
        person.explain(&format!("{unfit} more cannot be loaded: `defect-host plugins` says why."), "");
    }
    let single = (plugins.len() == 1).then(|| plugins[0].0.client_class.clone());
    let default = current.map(str::to_owned).or(single);
    let stands = default.as_ref().map_or_else(String::new, |class| format!(" [{}]", shown(class)));
    loop {
        let typed =
            person.line(&format!("client_class (a number, another class, or the path of a library){stands}: "))?;
        let numbered = typed.parse::<usize>().ok().and_then(|number| plugins.get(number.checked_sub(1)?));
        let wanted = match (numbered, &default) {
            (Some((plugin, _)), _) => plugin.client_class.clone(),
            (None, Some(default)) if typed.is_empty() => default.clone(),
            (None, _) if typed.is_empty() => continue,
            (None, _) => typed,
        };
        match known(&wanted, service, config) {
            Ok(plugin) => return Ok(plugin),
            Err(error) => person.report(&error.render(false)),
        }
    }
}

/// Every class that can be used, with its library, and how many libraries cannot.
fn all(service: &ServiceConfig, config: &Path) -> (Vec<(Plugin, String)>, usize) {
    let directories = plugin_directories(service, Some(config)).map(|(_, directories)| directories).unwrap_or_default();
    let (mut plugins, mut unfit) = (Vec::new(), 0);
    for candidate in list_candidates(&directories, Platform::current(), &Disk) {
        let path = &candidate.path;
        let library = look_at(path, service.allow_insecure_plugins).ok().and_then(|_| open(path, service).ok());
        let Some(library) = library else {
            unfit += 1;
            continue;
        };
        for class in library.classes() {
            let client_class = name_of(path, &class, service, config);
            let schema = library.config_schema(&class).cloned();
            let plugin = client_class.zip(schema).map(|(client_class, schema)| Plugin { client_class, schema });
            plugins.extend(plugin.map(|plugin| (plugin, path.display().to_string())));
        }
    }
    plugins.sort_by(|(one, _), (other, _)| one.client_class.cmp(&other.client_class));
    (plugins, unfit)
}

/// The shortest `client_class` that means this class of this library.
fn name_of(library: &Path, class: &str, service: &ServiceConfig, config: &Path) -> Option<String> {
    let file = library.file_name()?.to_str()?;
    let names = [class.to_owned(), format!("{file}::{class}"), format!("{}::{class}", library.to_str()?)];
    names.into_iter().find(|name| {
        find(name, service, Some(config)).is_ok_and(|found| found.resolved.library == library && found.class == class)
    })
}
