//! Why no crate is written.

use std::io;
use std::path::PathBuf;

/// Why no crate is written.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// There is something already.
    #[error("`{}` exists and is not an empty folder", .0.display())]
    Exists(PathBuf),
    /// The folder above is missing.
    #[error("there is no folder `{}` to write into", .0.display())]
    NoParent(PathBuf),
    /// What shall be the plugin API's sources is something else.
    #[error("`{}` does not hold the sources of defect-plugin-api", .0.display())]
    NotTheApi(PathBuf),
    /// The sources are of a version that this host does not load.
    #[error("`{}` holds plugin-api {found}, this host speaks {expected}", path.display())]
    ApiVersion {
        /// The sources' folder.
        path: PathBuf,
        /// Their version.
        found: String,
        /// The version of this host.
        expected: &'static str,
    },
    /// The disk says no.
    #[error("cannot write `{}`: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl ScaffoldError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Exists(_) => "choose another name, or another folder with `--dir`".into(),
            Self::NoParent(_) => "make it first, or choose another folder with `--dir`".into(),
            Self::NotTheApi(_) => "let `--api` name the folder `plugin-api` of a checkout of defect-host, or leave it \
                out: the program brings the sources along"
                .into(),
            Self::ApiVersion { .. } => "check the version of this host out, or leave `--api` out: the program brings \
                the sources of its own version along"
                .into(),
            Self::Write { .. } => {
                "nothing was written; see that the folder above can be written to, and has room".into()
            }
        }
    }
}
