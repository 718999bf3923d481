//! The configuration file as it is and as it is going to be; nothing is on the disk before [`Draft::write`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use similar::TextDiff;

use super::super::prose::shown;
use crate::config::{ConfigError, Document, Format, KeyPath, without_secrets};
use crate::edit::{self, EditError, follow_links};

/// One file with one table that is edited.
pub(super) struct Draft {
    path: PathBuf,
    /// Where it really is, behind links.
    target: PathBuf,
    /// `None`: there is no such file yet.
    old: Option<String>,
    /// The table's place.
    root: Vec<String>,
    before: Map<String, Value>,
}

/// Why a file cannot be edited or written. It is as it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum DraftError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{}` cannot be edited: {error}", path.display())]
    Edit { path: PathBuf, error: EditError },
    #[error("`{}` has been changed by somebody else meanwhile; nothing was written", .0.display())]
    Changed(PathBuf),
    #[error("`{}` is read-only", .0.display())]
    ReadOnly(PathBuf),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl DraftError {
    pub(super) fn render(&self, color: bool) -> String {
        let hint = match self {
            Self::Config(error @ ConfigError::Syntax(_)) => {
                let advice = "correct this by hand, or name another file with `--config`";
                return format!("{}\n\nhint: {advice}", error.render(color));
            }
            Self::Config(error) => return error.render(color),
            Self::Edit { .. } => "correct this by hand, then run the command again",
            Self::Changed(_) => "run the command again",
            Self::ReadOnly(_) => "make the file writable, or run the command as the user who owns it",
            Self::Write { .. } => "the folder has to be there, to be writable and to have space for a second file",
        };
        format!("error: {self}\n\nhint: {hint}")
    }
}

impl Draft {
    /// Reads the file, which may be missing. The table may be missing, too.
    pub(super) fn open(path: &Path, root: &[&str]) -> Result<Self, DraftError> {
        let target = follow_links(path);
        let (old, value) = if target.exists() {
            let document = Document::read(path, Format::Toml)?;
            (Some(document.text().to_owned()), document.value().clone())
        } else {
            (None, Value::Null)
        };
        let table = root.iter().try_fold(&value, |value, key| value.get(key));
        let before = table.and_then(Value::as_object).cloned().unwrap_or_default();
        let root = root.iter().map(|key| (*key).to_owned()).collect();
        Ok(Self { path: path.to_owned(), target, old, root, before })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_new(&self) -> bool {
        self.old.is_none()
    }

    /// What the table says on the disk.
    pub(super) fn values(&self) -> &Map<String, Value> {
        &self.before
    }

    /// The file's text, were the table to say this.
    pub(super) fn text(&self, values: &Map<String, Value>) -> Result<String, DraftError> {
        let root: Vec<&str> = self.root.iter().map(String::as_str).collect();
        edit::change(self.old.as_deref().unwrap_or_default(), &root, &self.before, values)
            .map_err(|error| DraftError::Edit { path: self.path.clone(), error })
    }

    /// What would be written, for a person: the whole of a new file, the changes of an old one, without secrets.
    /// `None`: nothing changes.
    pub(super) fn preview(&self, text: &str, tables: &[(KeyPath, &Value)]) -> Option<Vec<String>> {
        if self.old.as_deref() == Some(text) {
            return None;
        }
        let masked = |text: &str| match Document::parse(&self.path, text.to_owned(), Format::Toml) {
            Ok(document) => without_secrets(&document, tables),
            Err(_) => String::new(),
        };
        let lines = |text: &str| text.lines().map(|line| format!("  {}", shown(line)).trim_end().to_owned()).collect();
        let Some(old) = &self.old else { return Some(lines(&masked(text))) };
        let (old, new) = (masked(old), masked(text));
        if old == new {
            return Some(Vec::new());
        }
        Some(lines(&TextDiff::from_lines(&old, &new).unified_diff().context_radius(2).to_string()))
    }

    /// Can users see the file that are neither its owner nor of its group?
    #[cfg(unix)]
    pub(super) fn is_public(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(&self.target).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
    }

    /// Who sees a file is inherited from its folder there.
    #[cfg(not(unix))]
    pub(super) fn is_public(&self) -> bool {
        false
    }

    /// Takes the file from those users.
    #[cfg(unix)]
    pub(super) fn make_private(&self) -> Result<(), DraftError> {
        use std::os::unix::fs::PermissionsExt as _;
        let failed = |source| DraftError::Write { path: self.path.clone(), source };
        let mut permissions = fs::metadata(&self.target).map_err(failed)?.permissions();
        permissions.set_mode(permissions.mode() & !0o007);
        fs::set_permissions(&self.target, permissions).map_err(failed)
    }

    #[cfg(not(unix))]
    pub(super) fn make_private(&self) -> Result<(), DraftError> {
        Ok(())
    }

    /// Puts the text in the file's place in one step. A new file is for its owner only.
    pub(super) fn write(&self, text: &str) -> Result<(), DraftError> {
        let failed = |source| DraftError::Write { path: self.path.clone(), source };
        let metadata = self.old.as_ref().map(|_| fs::metadata(&self.target)).transpose().map_err(failed)?;
        if self.old.is_some() && fs::read_to_string(&self.target).ok() != self.old {
            return Err(DraftError::Changed(self.path.clone()));
        }
        if metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
            return Err(DraftError::ReadOnly(self.path.clone()));
        }
        edit::replace(&self.target, text, metadata.as_ref()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => DraftError::Changed(self.path.clone()),
            _ => DraftError::Write { path: self.path.clone(), source },
        })
    }
}
