//! `defect-host plugins inspect`: what a plugin is, and what it can be configured with.

use std::fmt::Write as _;
use std::path::Path;

use defect_plugin_api::{Operation, boundary};

use super::super::prepare::{PrepareError, Unfit, choose_class, locate, open_as_configured};
use super::super::prose::{shown, wrapped_line};
use super::super::terminal::{self, Terminal};
use super::key_table::key_table;
use super::service_config;
use super::template::template;
use crate::cli::ConfigFile;
use crate::config::keys;
use crate::inspect::{self, Facts};
use crate::plugin::Library;
use crate::resolve::ClassChoice;

/// The width of the first column.
const LABEL: usize = 12;

/// Shows everything that is known; of a library that cannot be opened, what its bytes tell.
pub(super) fn inspect(class: &str, file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
    let service = service_config(file)?;
    let resolved = locate(class, &service, Some(&file.config))?;
    let width = terminal::width();
    let facts = inspect::facts(&resolved.library, boundary::VERSION_SYMBOL)
        .map_err(|error| Unfit::Inspect(error).of(&resolved))?;
    terminal.say(of_the_file(&resolved.library, &facts));
    let library = match open_as_configured(&resolved, &service) {
        Ok((_, library)) => library,
        Err(error) => {
            if let Some(version) = facts.api_version {
                terminal.say(labelled("plugin-api", &version, width));
            }
            terminal.say("");
            return Err(error);
        }
    };
    terminal.say(of_the_library(&library, width));
    let classes = match &resolved.class {
        ClassChoice::Named(_) => vec![choose_class(&resolved, &library)?],
        ClassChoice::FromFile { .. } => library.classes(),
    };
    if classes.is_empty() {
        choose_class(&resolved, &library)?;
    }
    for class in classes {
        terminal.say(of_the_class(&library, &class, width));
    }
    Ok(())
}

/// Prints a configuration to paste.
pub(super) fn to_paste(class: &str, file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
    let service = service_config(file)?;
    let resolved = locate(class, &service, Some(&file.config))?;
    let (_, library) = open_as_configured(&resolved, &service)?;
    let chosen = choose_class(&resolved, &library)?;
    let about = format!(
        "{chosen} of {} {}: what is required stands here with a value to replace, the rest behind `#` with \
         its default.",
        library.name(),
        library.version()
    );
    let schema = library.config_schema(&chosen).cloned().unwrap_or_default();
    terminal.say(template(&about, class, &keys(&schema)).trim_end());
    Ok(())
}

fn of_the_file(path: &Path, facts: &Facts) -> String {
    let lines = [
        ("library", path.display().to_string()),
        ("size", size(facts.size)),
        ("sha256", facts.sha256.clone()),
        ("made for", facts.made_for.clone().unwrap_or_else(|| "unknown: it is no library".to_owned())),
    ];
    // Never wrapped: paths and sums are copied.
    let lines = lines.map(|(label, value)| format!("{label:LABEL$}{}", shown(&value)));
    lines.join("\n")
}

fn of_the_library(library: &Library, width: usize) -> String {
    let unknown = "unknown (built with plugin-api before 1.1)";
    let lines = [
        ("plugin", format!("{} {}", library.name(), library.version())),
        ("plugin-api", library.api_version().to_owned()),
        ("built with", library.rustc().unwrap_or(unknown).to_owned()),
        ("target", library.target().unwrap_or(unknown).to_owned()),
        ("classes", library.classes().join(", ")),
    ];
    lines.map(|(label, value)| labelled(label, &value, width)).join("\n")
}

fn of_the_class(library: &Library, class: &str, width: usize) -> String {
    let operations = library.operations(class);
    let missing: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let missing: Vec<&str> = missing.into_iter().filter(|name| !operations.iter().any(|own| own == name)).collect();
    let mut text = format!("\nclass {}\n\n", shown(class));
    let _ = writeln!(text, "{}", labelled("operations", &operations.join(", "), width));
    if !missing.is_empty() {
        let missing = format!("{} (answered with 501: rebuild the plugin)", missing.join(", "));
        let _ = writeln!(text, "{}", labelled("missing", &missing, width));
    }
    let schema = library.config_schema(class).cloned().unwrap_or_default();
    let _ = write!(text, "\nclient_config\n\n{}", key_table(&keys(&schema), width));
    text
}

fn labelled(label: &str, value: &str, width: usize) -> String {
    wrapped_line(value, &format!("{label:LABEL$}"), &" ".repeat(LABEL), width).join("\n")
}

fn size(bytes: u64) -> String {
    let mut digits = bytes.to_string();
    let mut at = digits.len();
    while let Some(next) = at.checked_sub(3).filter(|next| *next > 0) {
        digits.insert(next, ',');
        at = next;
    }
    format!("{digits} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(size), ["0 bytes", "999 bytes", "1,000 bytes", "12,345,678 bytes"]);
    }
}
