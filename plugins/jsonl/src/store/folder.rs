//! A project's folder while the service runs: its files, its journal, and who writes next.

mod batch;
mod commit;
mod fresh;
mod small;
mod tidy;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::counts::{Counts, Size};
use super::disk::{Disk, Stamp};
use super::file::DefectFile;
use super::journal::Journal;
use super::lock::HostLock;
pub(super) use commit::{Job, Operation, Outcome};

/// Sizes at which the store does something else; smaller in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that a journal has for records. When they are used up, the files are synced.
    pub(super) journal: u64,
    /// A file of at most so many bytes is rewritten when a line of it changes: it is never untidy, and
    /// who reads it sees it before or after.
    pub(super) small_file: u64,
    /// Without a write for so long, a project is brought in order.
    pub(super) idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Windows lets a file be replaced that somebody has open on NTFS only: changed in place it is everywhere.
        let small_file = if cfg!(windows) { 0 } else { 16 << 10 };
        Self { journal: 1 << 20, small_file, idle: Duration::from_secs(1) }
    }
}

/// One project's folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    disk: Arc<dyn Disk>,
    lock: Arc<HostLock>,
    limits: Limits,
    counts: Arc<Counts>,
    /// What the journal held when it was last looked at.
    journal_bytes: AtomicU64,
    /// Sorted by name.
    files: RwLock<Vec<Arc<DefectFile>>>,
    /// Whether what a crash left was brought in order, or there is nobody who may.
    ready: AtomicBool,
    committer: Mutex<Committer>,
    queue: Mutex<commit::Queue>,
    /// Somebody came to the queue whom its leader may wait for.
    arrived: Condvar,
    answered: Condvar,
}

/// What the one who writes holds.
struct Committer {
    /// Open when what it held was brought into the files.
    journal: Option<Journal>,
    /// Whether that was done since the process began.
    was_ready: bool,
    /// The largest number that an id of the project ever had.
    largest_id: u64,
    /// What the note beside the defects says of it, and what that file was like then.
    noted_id: u64,
    note: Option<Stamp>,
    last_write: Instant,
    /// When the files may be tidied up again: doing it costs at most a twentieth of the time.
    tidy_again: Instant,
}

impl Folder {
    pub(super) fn new(
        path: PathBuf,
        disk: Arc<dyn Disk>,
        lock: Arc<HostLock>,
        limits: Limits,
        counts: Arc<Counts>,
    ) -> Self {
        let now = Instant::now();
        let committer = Committer {
            journal: None,
            was_ready: false,
            largest_id: 0,
            noted_id: 0,
            note: None,
            last_write: now,
            tidy_again: now,
        };
        Self {
            path,
            disk,
            lock,
            limits,
            counts,
            journal_bytes: AtomicU64::new(0),
            files: RwLock::default(),
            ready: AtomicBool::new(false),
            committer: Mutex::new(committer),
            queue: Mutex::default(),
            arrived: Condvar::new(),
            answered: Condvar::new(),
        }
    }

    /// How large the project is. Waits for no write.
    pub(super) fn size(&self) -> Size {
        if let Ok(committer) = self.committer.try_lock() {
            let bytes = committer.journal.as_ref().map_or(0, Journal::used_bytes);
            self.journal_bytes.store(bytes, Ordering::Relaxed);
        }
        let project = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let journal_bytes = self.journal_bytes.load(Ordering::Relaxed);
        let mut size = Size { project, journal_bytes, ..Size::default() };
        for file in self.known_files() {
            let index = file.index();
            size.defects += index.ids();
            size.file_bytes += index.length;
        }
        size
    }

    fn committer(&self) -> MutexGuard<'_, Committer> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_files(&self) -> Vec<Arc<DefectFile>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_files(&self, files: Vec<Arc<DefectFile>>) {
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// For tests: nobody writes for a while.
    #[cfg(test)]
    pub(super) fn be_idle(&self) {
        let mut committer = self.committer();
        committer.last_write = Instant::now().checked_sub(self.limits.idle).unwrap_or(committer.last_write);
        committer.tidy_again = Instant::now();
    }

    /// For tests: who comes now has to wait.
    #[cfg(test)]
    pub(super) fn hold_committer(&self) -> impl Drop + '_ {
        self.committer()
    }

    /// For tests: how many wait for the one who writes.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).waiting()
    }
}
