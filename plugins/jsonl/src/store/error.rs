use std::io;
use std::path::{Path, PathBuf};

use defect_plugin_api::{ClientError, FieldError};

/// Why the defects could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("`{project}` cannot be the name of a project: it is the name of one folder, without `/` and `\\`")]
    InvalidName { project: String },
    #[error("project `{project}` not found: there is no folder `{}`", folder.display())]
    NoProject { project: String, folder: PathBuf },
    #[error(
        "no defect files found for project `{project}`: add a .jsonl file to `{}`, it may be empty",
        folder.display()
    )]
    NoFile { project: String, folder: PathBuf },
    #[error("cannot {action} `{}`: {source}; {}", path.display(), remedy(source))]
    Disk { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "`{}` does not hold one number, the largest that an id of this project ever had: write that number \
         into it, or delete the file when no id of a deleted defect matters",
        .0.display()
    )]
    BrokenIds(PathBuf),
    #[error("project `{project}` has no ids left: correct the id with the largest number in its .jsonl files")]
    NoMoreIds { project: String },
    #[error("the defect cannot be written as JSON: {0}")]
    Json(serde_json::Error),
}

impl StoreError {
    pub(crate) fn disk(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Disk { action, path: path.to_owned(), source }
    }

    /// Whether there is no such project, or nothing in it that could hold defects.
    pub(crate) fn is_unknown_project(&self) -> bool {
        matches!(self, Self::NoProject { .. } | Self::NoFile { .. })
    }
}

/// What to do about a fault of the disk.
fn remedy(fault: &io::Error) -> &'static str {
    match fault.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space and repeat the request",
        io::ErrorKind::PermissionDenied => "allow the user that the service runs as to read and write there",
        io::ErrorKind::ReadOnlyFilesystem => "mount the file system writable, or set `readonly = true`",
        io::ErrorKind::NotFound => "put it back and repeat the request",
        _ => "check the disk and repeat the request",
    }
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::InvalidName { .. } => {
                Self::InvalidInput { message: message.clone(), fields: vec![FieldError::new("project", message)] }
            }
            StoreError::NoProject { .. } | StoreError::NoFile { .. } => Self::NotFound(message),
            StoreError::Disk { .. } => Self::Unavailable(message),
            StoreError::BrokenIds(_) | StoreError::NoMoreIds { .. } | StoreError::Json(_) => Self::Internal(message),
        }
    }
}
