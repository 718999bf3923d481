//! Puts a new file in an old one's place, so that nobody ever sees half of it.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{Disk, Handle, Mode};
use super::error::StoreError;

/// Makes a file of what `fill` writes and puts it in the place of `path`, with the owner and the
/// permissions of `model`. When it returns, the file is on the disk; when it fails before the new
/// file took its place, the old one is as it was and nothing of the new one is left.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    model: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::disk("write", path, error);
    remove_leftovers(disk, path);
    let temporary = Temporary::create(disk, path)?;
    let mut out = BufWriter::with_capacity(64 * 1024, Appender { file: &temporary.file, offset: 0 });
    fill(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    temporary.put_in_place(model)
}

/// A new file that is to take another one's place; removed when it does not.
pub(super) struct Temporary<'a> {
    disk: &'a dyn Disk,
    target: &'a Path,
    path: PathBuf,
    pub(super) file: Handle,
    is_in_place: bool,
}

impl<'a> Temporary<'a> {
    pub(super) fn create(disk: &'a dyn Disk, target: &'a Path) -> Result<Self, StoreError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut name = temporary_prefix(target);
        name.push(format!("{}-{number}{SUFFIX}", std::process::id()));
        let path = target.with_file_name(name);
        let file = disk.open(&path, Mode::CreateNew).map_err(|error| StoreError::disk("write", target, error))?;
        Ok(Self { disk, target, path, file, is_in_place: false })
    }

    pub(super) fn put_in_place(mut self, model: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::disk("write", self.target, error);
        self.disk.take_over_access(model, &self.path, &self.file).map_err(failed)?;
        // Another time than that of a write by another program to the old file or to this one.
        self.file.touch().map_err(failed)?;
        self.file.sync().map_err(failed)?;
        self.disk.rename(&self.path, self.target).map_err(failed)?;
        self.is_in_place = true;
        let folder = self.target.parent().unwrap_or(Path::new("."));
        self.disk.sync_folder(folder).map_err(|error| StoreError::disk("write", folder, error))
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_in_place {
            // Else it is a leftover, and removed as such.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// Writes a file from its beginning.
struct Appender<'a> {
    file: &'a Handle,
    offset: u64,
}

impl Write for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SUFFIX: &str = ".tmp";

/// What the names of a file's temporary ones begin with. No other file's begin with it: what one
/// writer has under way is no leftover to another.
fn temporary_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".defect-host-");
    prefix
}

/// Removes what a process that was killed has left in the place of new files for this one. They
/// disturb nobody, so what cannot be removed stays.
pub(super) fn remove_leftovers(disk: &dyn Disk, path: &Path) {
    let Ok(path) = disk.canonicalize(path).or_else(|_| Ok::<_, io::Error>(path.to_owned())) else { return };
    let (folder, prefix) = (path.parent().unwrap_or(Path::new(".")), temporary_prefix(&path));
    for name in disk.names(folder).into_iter().flatten() {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(prefix.as_encoded_bytes()) && bytes.ends_with(SUFFIX.as_bytes()) {
            let leftover = folder.join(&name);
            match disk.remove(&leftover) {
                Ok(()) => tracing::info!("removed `{}`, left by a process that was killed", leftover.display()),
                Err(error) => tracing::warn!("cannot remove the leftover `{}`: {error}", leftover.display()),
            }
        }
    }
}
