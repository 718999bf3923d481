//! Which ids were handed out.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::read::open_lines;
use super::replace::replace;
use crate::line;

/// The largest number that an id of a project ever had, in a small file beside the defects: so that
/// the id of a deleted defect is not given to another one.
pub(super) struct HandedOut<'a> {
    path: PathBuf,
    /// The project's first file of defects; the small file gets its owner and permissions.
    defects: &'a Path,
}

impl<'a> HandedOut<'a> {
    /// No `.jsonl` at the end, so that nobody takes it for defects.
    const FILE: &'static str = ".defect-host-ids";

    pub(super) fn beside(defects: &'a Path) -> Self {
        Self { path: defects.with_file_name(Self::FILE), defects }
    }

    /// The number; 0 when none was noted so far.
    pub(super) fn read(&self) -> Result<u64, StoreError> {
        match fs::read(&self.path) {
            Ok(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| StoreError::BrokenIds(self.path.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(StoreError::disk("read", &self.path, error)),
        }
    }

    /// Notes the number; on the disk when this returns.
    pub(super) fn write(&self, number: u64) -> Result<(), StoreError> {
        replace(&self.path, self.defects, |out| {
            writeln!(out, "{number}").map_err(|error| StoreError::disk("write", &self.path, error))
        })
    }
}

/// The largest number of an id in the files; 0 when there is none.
pub(super) fn largest_in_files(files: &[PathBuf]) -> Result<u64, StoreError> {
    let mut largest = 0;
    for path in files {
        let mut lines = open_lines(path)?;
        while let Some(line) = lines.next().map_err(|error| StoreError::disk("read", path, error))? {
            largest = largest.max(line::largest_id_number(line.text).unwrap_or(0));
        }
    }
    Ok(largest)
}
