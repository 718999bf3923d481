//! The defects on disk: everything that reads or writes them goes through [`Store`].
//!
//! The files belong to people and other programs too, so nothing about them is remembered: every
//! operation reads them afresh. A write makes a new file of the old one's lines and puts it in the
//! old one's place, so that a reader sees the old content or the new, also after a loss of power.
//! What other programs write to a file while a write is under way is not noticed.

mod error;
mod ids;
mod lines;
mod read;
mod replace;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defect_plugin_api::model::{Defect, DefectWithId};

pub(crate) use error::StoreError;
pub(crate) use read::{BrokenLine, Entries, Entry};

use crate::line::{self, Line};
use crate::project;
use crate::warnings::Warnings;
use ids::HandedOut;
use replace::{Edit, rewrite};

/// The defects of all projects.
pub(crate) struct Store {
    root: PathBuf,
    /// One lock per project folder, by its canonical path: links to a folder share its lock.
    writers: Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>,
}

/// A defect that was created.
pub(crate) struct Created {
    pub(crate) id: String,
    /// The name of the file that holds it.
    pub(crate) file: String,
}

/// What an update or a delete came to.
pub(crate) struct Changed {
    /// Whether there was a defect of that id.
    pub(crate) found: bool,
    /// The lines that nobody could read; they were left as they are.
    pub(crate) warnings: Warnings,
}

impl Store {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, writers: Mutex::default() }
    }

    /// Whether the project's folder is there, or the folder of all projects.
    pub(crate) fn exists(&self, project: Option<&str>) -> Result<bool, StoreError> {
        project::is_folder(&self.folder(project)?)
    }

    /// The names of all projects, sorted.
    pub(crate) fn projects(&self) -> Result<Vec<String>, StoreError> {
        project::list(&self.root)
    }

    /// A file beside the defects of a project, or of none; `None` when it is not there.
    pub(crate) fn side_file(
        &self,
        project: Option<&str>,
        name: &str,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, StoreError> {
        let path = self.folder(project)?.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some((path, bytes))),
            Err(error) if project::is_absence(&error) => Ok(None),
            Err(error) => Err(StoreError::disk("read", &path, error)),
        }
    }

    /// All lines of a project, as the files are at this moment: a write that follows is not seen.
    pub(crate) fn read(&self, project: &str) -> Result<Entries, StoreError> {
        Entries::open(&project::files(&self.root, project)?)
    }

    /// Appends a defect to the first file, under an id that no defect of the project ever had.
    /// It is on the disk when this returns.
    pub(crate) fn create(&self, project: &str, defect: &Defect) -> Result<Created, StoreError> {
        let files = project::files(&self.root, project)?;
        let first = &files[0]; // there is at least one
        let lock = self.writers_of(first)?;
        let _writing = hold(&lock);
        let handed_out = HandedOut::beside(first);
        let largest = ids::largest_in_files(&files)?.max(handed_out.read()?);
        let number = largest.checked_add(1).ok_or_else(|| StoreError::NoMoreIds { project: project.to_owned() })?;
        // Before the defect: when the power fails between the two, a number is lost and no defect.
        handed_out.write(number)?;
        let defect = DefectWithId { defect: defect.clone(), id: format!("{}{number}", line::ID_PREFIX) };
        let new = line::new_line(&defect).map_err(StoreError::Json)?;
        rewrite(first, |_| Ok(Edit::Keep), Some(&new))?;
        Ok(Created { id: defect.id, file: read::file_name(first) })
    }

    /// Replaces the lines of a defect, in whichever files they are. On the disk when this returns.
    pub(crate) fn update(&self, project: &str, id: &str, defect: &Defect) -> Result<Changed, StoreError> {
        let files = project::files(&self.root, project)?;
        let lock = self.writers_of(&files[0])?;
        let _writing = hold(&lock);
        let (holders, warnings) = holders_of(&files, id)?;
        let defect = DefectWithId { defect: defect.clone(), id: id.to_owned() };
        let updated = |old: &[u8]| line::updated_line(old, &defect).map(Edit::Replace).map_err(StoreError::Json);
        edit_lines(&holders, id, updated)?;
        Ok(Changed { found: !holders.is_empty(), warnings })
    }

    /// Removes the lines of a defect, in whichever files they are. On the disk when this returns.
    pub(crate) fn delete(&self, project: &str, id: &str) -> Result<Changed, StoreError> {
        let files = project::files(&self.root, project)?;
        let lock = self.writers_of(&files[0])?;
        let _writing = hold(&lock);
        let (holders, warnings) = holders_of(&files, id)?;
        if let (false, Some(number)) = (holders.is_empty(), line::id_number(id)) {
            // The id may be another program's. Once its line is gone, only this tells of it.
            let handed_out = HandedOut::beside(&files[0]);
            if number > handed_out.read()? {
                handed_out.write(number)?;
            }
        }
        edit_lines(&holders, id, |_| Ok(Edit::Remove))?;
        Ok(Changed { found: !holders.is_empty(), warnings })
    }

    fn folder(&self, project: Option<&str>) -> Result<PathBuf, StoreError> {
        project.map_or_else(|| Ok(self.root.clone()), |project| project::folder(&self.root, project))
    }

    /// The lock that all writers of a project hold, from one of its files.
    fn writers_of(&self, file: &Path) -> Result<Arc<Mutex<()>>, StoreError> {
        let folder = file.parent().unwrap_or(&self.root);
        let folder = folder.canonicalize().map_err(|error| StoreError::disk("read", folder, error))?;
        Ok(hold(&self.writers).entry(folder).or_default().clone())
    }
}

/// The files that have lines of a defect, and the lines that nobody can read.
fn holders_of<'a>(files: &'a [PathBuf], id: &str) -> Result<(Vec<&'a Path>, Warnings), StoreError> {
    let (mut holders, mut warnings) = (Vec::new(), Warnings::default());
    for file in files {
        let mut holds = false;
        for entry in Entries::open(std::slice::from_ref(file))? {
            match entry? {
                Entry::Defect(defect) => holds |= defect.id == id,
                Entry::Broken(line) => warnings.push(line),
            }
        }
        holders.extend(holds.then_some(file.as_path()));
    }
    Ok((holders, warnings))
}

/// Edits the lines of a defect and no others.
fn edit_lines(files: &[&Path], id: &str, edit: impl Fn(&[u8]) -> Result<Edit, StoreError>) -> Result<(), StoreError> {
    let edit = |line: &[u8]| match Line::parse(line) {
        Line::Defect(defect) if defect.id == id => edit(line),
        _ => Ok(Edit::Keep),
    };
    files.iter().try_for_each(|file| rewrite(file, edit, None))
}

/// These locks guard no data that a panic could leave half-changed: what counts is on the disk.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
