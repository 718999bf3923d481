//! Which ids were handed out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{Disk, Mode, Stamp, read_up_to};
use super::error::StoreError;
use super::replace::replace;

/// The largest number that an id of a project ever had, in a small file beside the defects: so that
/// the id of a deleted defect is not given to another one. Between two checkpoints the journal knows
/// of larger ones.
pub(super) struct HandedOut<'a> {
    path: PathBuf,
    /// The project's first file of defects; the small file gets its owner and permissions.
    defects: &'a Path,
}

impl<'a> HandedOut<'a> {
    /// No `.jsonl` at the end, so that nobody takes it for defects.
    const FILE: &'static str = ".defect-host-ids";
    /// More is no number.
    const MOST_BYTES: usize = 64;

    pub(super) fn beside(defects: &'a Path) -> Self {
        Self { path: defects.with_file_name(Self::FILE), defects }
    }

    /// What the file is like; `None` when there is none.
    pub(super) fn stamp(&self, disk: &dyn Disk) -> Result<Option<Stamp>, StoreError> {
        match disk.stamp(&self.path) {
            Ok(stamp) => Ok(Some(stamp)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::disk("read", &self.path, error)),
        }
    }

    /// The number; 0 when none was noted so far.
    pub(super) fn read(&self, disk: &dyn Disk) -> Result<u64, StoreError> {
        let read = disk.open(&self.path, Mode::Read).and_then(|file| read_up_to(&*file, 0, Self::MOST_BYTES));
        match read {
            Ok(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| StoreError::BrokenIds(self.path.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(StoreError::disk("read", &self.path, error)),
        }
    }

    /// Brings the note to stable storage as it is.
    pub(super) fn settle(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Windows syncs only by a handle that may write; elsewhere one that reads will do, also in another's file.
        let open = |mode| disk.open(&self.path, mode);
        let settled = open(Mode::Write).or_else(|_| open(Mode::Read)).and_then(|file| file.sync());
        settled.and_then(|()| disk.sync_folder(folder)).map_err(|error| StoreError::disk("write", &self.path, error))
    }

    /// Notes the number; on the disk when this returns.
    pub(super) fn write(&self, disk: &dyn Disk, number: u64) -> Result<(), StoreError> {
        replace(disk, &self.path, self.defects, |out| {
            writeln!(out, "{number}").map_err(|error| StoreError::disk("write", &self.path, error))
        })
    }
}
