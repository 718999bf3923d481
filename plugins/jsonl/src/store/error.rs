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
    #[error("`{}` is being changed by another program; repeat the request", .0.display())]
    Changing(PathBuf),
    #[error(
        "another process{} has `{}` open for writing, says the lock `{}`: stop one of the two, or set \
         `readonly = true` for this one",
        holder.map(|process| format!(" ({process})")).unwrap_or_default(), root.display(), path.display()
    )]
    Locked { root: PathBuf, path: PathBuf, holder: Option<u32> },
    #[error("nothing is written to `{}`: the client was made with `readonly = true`", .0.display())]
    ReadOnly(PathBuf),
    #[error("the change was given up after an internal fault that the log tells of; repeat the request")]
    Abandoned,
}

impl StoreError {
    pub(crate) fn disk(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Disk { action, path: path.to_owned(), source }
    }

    /// The same fault, for another request that it concerns.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::InvalidName { project } => Self::InvalidName { project: project.clone() },
            Self::NoProject { project, folder } => Self::NoProject { project: project.clone(), folder: folder.clone() },
            Self::NoFile { project, folder } => Self::NoFile { project: project.clone(), folder: folder.clone() },
            Self::Disk { action, path, source } => {
                let source = match source.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(source.kind(), source.to_string()),
                };
                Self::Disk { action, path: path.clone(), source }
            }
            Self::BrokenIds(path) => Self::BrokenIds(path.clone()),
            Self::NoMoreIds { project } => Self::NoMoreIds { project: project.clone() },
            Self::Json(error) => Self::Json(serde::de::Error::custom(error)),
            Self::Changing(path) => Self::Changing(path.clone()),
            Self::Locked { root, path, holder } => {
                Self::Locked { root: root.clone(), path: path.clone(), holder: *holder }
            }
            Self::ReadOnly(root) => Self::ReadOnly(root.clone()),
            Self::Abandoned => Self::Abandoned,
        }
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
            StoreError::Disk { .. } | StoreError::Changing(_) | StoreError::Locked { .. } => Self::Unavailable(message),
            StoreError::ReadOnly(_) => Self::Forbidden(message),
            StoreError::BrokenIds(_) | StoreError::NoMoreIds { .. } | StoreError::Json(_) | StoreError::Abandoned => {
                Self::Internal(message)
            }
        }
    }
}
