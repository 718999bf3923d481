//! The disk of this machine.

#[cfg_attr(unix, path = "real/unix.rs")]
#[cfg_attr(windows, path = "real/windows.rs")]
mod platform;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{Disk, DiskFile, Handle, Mode, Stamp};
pub(crate) use platform::name_from_bytes;

pub(crate) struct RealDisk;

impl DiskFile for File {
    fn read_at(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        platform::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        platform::write_at(self, bytes, offset)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn touch(&self) -> io::Result<()> {
        self.set_modified(SystemTime::now())
    }

    fn stamp(&self) -> io::Result<Stamp> {
        platform::stamp(self)
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Handle> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != Mode::Read).create_new(mode == Mode::CreateNew);
        platform::make_private(&mut options);
        Ok(Arc::new(options.open(path)?))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        platform::stamp_at(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        path.canonicalize()
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if platform::is_usable_name(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn is_file(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(found) => Ok(found.is_file()),
            Err(error) if crate::project::is_absence(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        platform::sync_folder(folder)
    }

    fn take_over_access(&self, model: &Path, path: &Path, _: &Handle) -> io::Result<()> {
        platform::take_over_access(model, path)
    }
}
