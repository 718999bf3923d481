//! Why a library is not opened.

use std::io;
use std::path::PathBuf;

/// Why a library is not opened.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The library.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The file is something else than a shared library.
    #[error("`{}` is not a shared library but {found}", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What it is, with its article.
        found: &'static str,
    },
    /// The file begins like a library, but it is incomplete or contradicts itself.
    #[error("`{}` is cut short or damaged ({what})", path.display())]
    Damaged {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The library is made for another operating system.
    #[error("`{}` is a library for {found}, this host runs on {expected}", path.display())]
    ForeignSystem {
        /// The library.
        path: PathBuf,
        /// What the library is for.
        found: &'static str,
        /// What this host runs on.
        expected: &'static str,
    },
    /// The library is made for another processor.
    #[error("`{}` is a library for {found} processors, this host runs on {expected}", path.display())]
    ForeignArchitecture {
        /// The library.
        path: PathBuf,
        /// What the library is for; several when it is a universal one.
        found: String,
        /// What this host runs on.
        expected: &'static str,
    },
    /// The library is not made for this service.
    #[error("`{}` is not a defect-host plugin: {what}", path.display())]
    NotAPlugin {
        /// The library.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
    /// The plugin speaks another major version.
    #[error("`{}` was built for plugin-api {found}, this host speaks {expected}", path.display())]
    ApiVersion {
        /// The library.
        path: PathBuf,
        /// The version that the plugin was built with.
        found: String,
        /// The version of this host.
        expected: String,
    },
}

impl InspectError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "let the user that this service runs as read the file and enter its folder".into()
            }
            Self::NotALibrary { .. } => "name the library of a plugin, built with `crate-type = [\"cdylib\"]`".into(),
            Self::Damaged { .. } => "build the library or copy it here again".into(),
            Self::ForeignSystem { expected, .. } => format!("build the plugin for {expected}"),
            Self::ForeignArchitecture { expected, .. } => {
                format!("build the plugin for {expected}")
            }
            Self::NotAPlugin { .. } => "name a library that exports a client through `defect-plugin-api`".into(),
            Self::ApiVersion { expected, .. } => {
                format!("rebuild the plugin against plugin-api {expected}")
            }
        }
    }
}
