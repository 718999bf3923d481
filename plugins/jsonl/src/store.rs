//! The defects on disk: everything that reads or writes them goes through [`Store`].
//!
//! The files belong to people and other programs too: what is remembered of one is where its lines
//! are, and that only while it is as we left it. A write goes to the project's journal first, which is
//! synced, then into the file. `docs/jsonl-store.md` says what is promised and why it holds.

mod counts;
mod disk;
mod error;
mod file;
mod folder;
mod ids;
mod index;
mod journal;
mod lock;
mod read;
mod recover;
mod replace;
#[cfg(test)]
mod tests;
mod tidier;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use defect_plugin_api::model::{Defect, DefectWithId, Metric};

use crate::project;
use crate::project_list::ProjectList;
use crate::warnings::Warnings;
use counts::Counts;
pub(crate) use disk::{Disk, RealDisk, Stamp};
pub(crate) use error::StoreError;
pub(crate) use file::BrokenLine;
use folder::{Folder, Limits, Operation, Outcome};
use lock::HostLock;
pub(crate) use read::{ListedIds, Pieces};
use tidier::Tidier;

/// The defects of all projects.
pub(crate) struct Store {
    root: PathBuf,
    projects: ProjectList,
    disk: Arc<dyn Disk>,
    lock: Arc<HostLock>,
    limits: Limits,
    folders: Arc<Folders>,
    counts: Arc<Counts>,
    tidier: Tidier,
}

/// By canonical path: links to a folder share what is known of it.
type Folders = Mutex<HashMap<PathBuf, Arc<Folder>>>;

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
    /// A store that reads and writes. While another process writes to the folder, this one only reads.
    pub(crate) fn new(root: PathBuf) -> Self {
        let lock = HostLock::new(&root);
        if let Err(error) = lock.ensure() {
            tracing::error!("{error}; until then nothing can be created, updated or deleted");
        }
        Self::with(root, lock, Limits::default())
    }

    /// A store that never writes.
    pub(crate) fn readonly(root: PathBuf) -> Self {
        let lock = HostLock::unneeded(&root);
        Self::with(root, lock, Limits::default())
    }

    fn with(root: PathBuf, lock: HostLock, limits: Limits) -> Self {
        let folders = Arc::new(Folders::default());
        let tidier = Tidier::new(Arc::downgrade(&folders), limits.idle);
        let projects = ProjectList::new(root.clone());
        let (disk, counts) = (Arc::new(RealDisk), Arc::default());
        Self { root, projects, disk, lock: Arc::new(lock), limits, folders, counts, tidier }
    }

    /// Whether the project's folder is there, or the folder of all projects.
    pub(crate) fn exists(&self, project: Option<&str>) -> Result<bool, StoreError> {
        project::is_folder(&self.path(project)?)
    }

    /// The names of all projects, sorted.
    pub(crate) fn projects(&self) -> Result<Vec<String>, StoreError> {
        self.projects.names()
    }

    /// A file beside the defects of a project, or of none; `None` when it is not there.
    pub(crate) fn side_file(
        &self,
        project: Option<&str>,
        name: &str,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, StoreError> {
        let path = self.path(project)?.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some((path, bytes))),
            Err(error) if project::is_absence(&error) => Ok(None),
            Err(error) => Err(StoreError::disk("read", &path, error)),
        }
    }

    /// All defects of a project, in the order of the files.
    pub(crate) fn read(&self, project: &str) -> Result<Pieces, StoreError> {
        Ok(Pieces::all(self.folder(project)?.current(project)?))
    }

    /// The defects of these ids, in the order of the files; and the ids that no defect has.
    pub(crate) fn read_ids(&self, project: &str, ids: &[String]) -> Result<(Pieces, Vec<String>), StoreError> {
        retried(|| Pieces::of_ids(self.folder(project)?.current(project)?, ids))
    }

    /// One defect.
    pub(crate) fn find(&self, project: &str, id: &str) -> Result<Option<DefectWithId>, StoreError> {
        retried(|| read::find(&self.folder(project)?.current(project)?, id))
    }

    /// Appends a defect to the first file, under an id that no defect of the project ever had.
    /// It is on the disk when this returns.
    pub(crate) fn create(&self, project: &str, defect: &Defect) -> Result<Created, StoreError> {
        let outcome = self.folder(project)?.write(project, Operation::Create(defect.clone()))?;
        self.tidier.wake();
        match outcome {
            Outcome::Created(id, file) => Ok(Created { id, file }),
            Outcome::Changed(_) => Err(StoreError::Abandoned),
        }
    }

    /// Replaces the lines of a defect, in whichever files they are. On the disk when this returns.
    pub(crate) fn update(&self, project: &str, id: &str, defect: &Defect) -> Result<Changed, StoreError> {
        self.change(project, Operation::Update(id.to_owned(), defect.clone()))
    }

    /// Removes the lines of a defect, in whichever files they are. On the disk when this returns.
    pub(crate) fn delete(&self, project: &str, id: &str) -> Result<Changed, StoreError> {
        self.change(project, Operation::Delete(id.to_owned()))
    }

    fn change(&self, project: &str, operation: Operation) -> Result<Changed, StoreError> {
        let folder = self.folder(project)?;
        // Before the change: afterwards the lines may have other numbers.
        let warnings = Pieces::all(folder.current(project)?).warnings()?;
        let outcome = folder.write(project, operation)?;
        self.tidier.wake();
        Ok(Changed { found: outcome == Outcome::Changed(true), warnings })
    }

    /// What the store counts, and how large the projects are that were used since the start.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let folders: Vec<_> = hold(&self.folders).values().cloned().collect();
        let sizes = folders.iter().map(|folder| folder.size()).collect();
        self.counts.metrics().into_iter().chain(counts::metrics_of(sizes)).collect()
    }

    /// The names of a project's files.
    #[cfg(test)]
    pub(crate) fn files(&self, project: &str) -> Result<Vec<String>, StoreError> {
        let files = self.folder(project)?.current(project)?;
        Ok(files.iter().map(|file| file.display_name()).collect())
    }

    fn path(&self, project: Option<&str>) -> Result<PathBuf, StoreError> {
        project.map_or_else(|| Ok(self.root.clone()), |project| project::folder(&self.root, project))
    }

    /// What is known of a project's folder.
    fn folder(&self, project: &str) -> Result<Arc<Folder>, StoreError> {
        let path = project::existing_folder(&self.root, project)?;
        let mut folders = hold(&self.folders);
        if let Some(folder) = folders.get(&path) {
            return Ok(Arc::clone(folder));
        }
        // Of folders that are gone nothing needs to be known; what asks for one in between keeps it.
        folders.retain(|path, _| path.exists());
        let (disk, lock, counts) = (Arc::clone(&self.disk), Arc::clone(&self.lock), Arc::clone(&self.counts));
        let folder = Arc::new(Folder::new(path.clone(), disk, lock, self.limits, counts));
        folders.insert(path, Arc::clone(&folder));
        self.tidier.wake();
        Ok(folder)
    }
}

/// Once more when another program wrote between looking and reading.
fn retried<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    match attempt() {
        Err(StoreError::Changing(_)) => attempt(),
        outcome => outcome,
    }
}

/// These locks guard no data that a panic could leave half-changed: what counts is on the disk.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
