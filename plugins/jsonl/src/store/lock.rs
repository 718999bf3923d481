//! One host at a time writes to a folder of projects.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::disk::{Disk, DiskFile, RealDisk, Stamp};
use super::error::StoreError;
use super::hold;

const FILE: &str = ".defect-host-lock";

/// A lock that the kernel gives back when the process ends, however it ends.
pub(super) struct HostLock {
    root: PathBuf,
    kind: Kind,
}

enum Kind {
    /// Nothing is ever written.
    Unneeded,
    File(Mutex<Option<File>>),
    /// There is nobody else.
    #[cfg(test)]
    Alone,
}

impl HostLock {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), kind: Kind::File(Mutex::new(None)) }
    }

    /// For a store that only reads.
    pub(super) fn unneeded(root: &Path) -> Self {
        Self { root: root.to_owned(), kind: Kind::Unneeded }
    }

    /// For a disk that nobody else can have.
    #[cfg(test)]
    pub(super) fn alone(root: &Path) -> Self {
        Self { root: root.to_owned(), kind: Kind::Alone }
    }

    /// Whether the lock is ours, or can be had now.
    pub(super) fn is_held(&self) -> bool {
        self.ensure().is_ok()
    }

    /// Takes the lock unless it is ours already.
    ///
    /// # Errors
    /// When another process has it, and who; or when there can be no lock.
    pub(super) fn ensure(&self) -> Result<(), StoreError> {
        let path = self.root.join(FILE);
        let mut held = match &self.kind {
            Kind::File(held) => hold(held),
            Kind::Unneeded => return Err(StoreError::ReadOnly(self.root.clone())),
            #[cfg(test)]
            Kind::Alone => return Ok(()),
        };
        let failed = |error| StoreError::disk("lock", &path, error);
        if let Some(file) = &*held {
            let own = file.stamp().map_err(failed)?;
            // The folder may have been put in the place of another one: its lock is another file.
            let same = |found: Stamp| (found.device, found.identity) == (own.device, own.identity);
            if RealDisk.stamp(&path).is_ok_and(same) {
                return Ok(());
            }
            *held = None;
        }
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                let holder = holder.trim().parse().ok();
                return Err(StoreError::Locked { root: self.root.clone(), path: path.clone(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Who has the lock; only to tell people, so that a disk that is full is no reason to stop.
        let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = noted {
            tracing::debug!("cannot note the process in `{}`: {error}", path.display());
        }
        *held = Some(file);
        Ok(())
    }
}
