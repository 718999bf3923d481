//! Writes a plugin's crate that stands alone, for an author who has the program and nothing else: the
//! sources of the plugin API are in the program.
//!
//! The crate's files are in `templates`, as the crate of the name `my-tracker`; that one is a member of the
//! workspace too (`tests/plugins/template`), so that what authors copy is compiled, checked and tested as
//! all else is.

mod api;
mod error;
mod name;
mod write;

use std::path::Path;

pub use api::Api;
pub use error::ScaffoldError;
pub use name::{NameError, PluginName};

use crate::platform::Platform;

/// A file to write: its path in the crate's folder, with `/` between its parts.
struct File {
    path: &'static str,
    content: &'static [u8],
}

/// The files of the crate `my-tracker`.
const TEMPLATES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("templates/Cargo.toml.template")),
    ("src/lib.rs", include_str!("templates/lib.rs")),
    ("src/tests.rs", include_str!("templates/tests.rs")),
    ("README.md", include_str!("templates/README.md")),
    ("config.toml", include_str!("templates/config.toml")),
    (".gitignore", include_str!("templates/gitignore")),
];

/// Writes the crate into `folder`, which may exist when it is empty. All of it is there afterwards, or
/// nothing.
///
/// # Errors
/// See [`ScaffoldError`].
pub fn write_crate(name: &PluginName, folder: &Path, api: &Api) -> Result<(), ScaffoldError> {
    let own = TEMPLATES.iter().map(|(path, template)| ((*path).to_owned(), fill(template, name, api).into_bytes()));
    let api = api.files().iter().map(|file| (format!("{}/{}", api::FOLDER, file.path), file.content.to_vec()));
    write::write_all(folder, own.chain(api))
}

/// A template with the plugin's own names, which stand there as those of `my-tracker`.
fn fill(template: &str, name: &PluginName, api: &Api) -> String {
    let dependency = api.dependency();
    let filled = [
        ("{{rust-version}}", env!("CARGO_PKG_RUST_VERSION")),
        ("{{api}}", &dependency.value),
        ("{{api-for-tests}}", &dependency.value_for_tests),
        ("{{api-comment}}", dependency.comment),
        ("{{api-row}}\n", dependency.row),
        ("{{library}}", &Platform::current().library_file_name(&name.crate_name())),
        ("my_tracker_defect_client", &name.crate_name()),
        ("MyTracker", name.title()),
        ("my-tracker", &name.to_string()),
    ];
    filled.iter().fold(template.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_templates_is_the_plugins() {
        let name: PluginName = "acme".parse().unwrap();
        for (path, template) in TEMPLATES {
            let text = fill(template, &name, &Api::Embedded);
            for left in ["{{", "}}", "my-tracker", "my_tracker", "MyTracker"] {
                // Rust's own braces in a `format!` stand for themselves.
                assert!(!text.contains(left) || path.ends_with(".rs") && left.len() == 2, "{path} has `{left}`");
            }
        }
        let text: String = TEMPLATES.iter().map(|(_, template)| fill(template, &name, &Api::Embedded)).collect();
        for own in ["name = \"acme_defect_client\"", "export_client!(AcmeDefectClient)", "AcmeConfig", "# acme\n"] {
            assert!(text.contains(own), "{own}");
        }
    }
}
