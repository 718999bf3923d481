//! The disk of this machine.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::buffer::spare_capacity;
use rustix::io::{pread, retry_on_intr};

use super::{Disk, DiskFile, Handle, Identity, Mode, Stamp};

pub(crate) struct RealDisk;

fn stamp_of(found: &Metadata) -> Stamp {
    let born = found.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    let born = born.and_then(|born| u64::try_from(born.as_nanos()).ok()).unwrap_or(0);
    Stamp {
        device: found.dev(),
        identity: Identity { number: found.ino(), born },
        length: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    }
}

impl DiskFile for File {
    fn read_at(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        Ok(retry_on_intr(|| pread(self, spare_capacity(bytes), offset))?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
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
        Ok(stamp_of(&self.metadata()?))
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Handle> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != Mode::Read).create_new(mode == Mode::CreateNew);
        // Nobody else may read a new file before it has the permissions of the one it belongs to.
        options.mode(0o600);
        Ok(Arc::new(options.open(path)?))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        Ok(stamp_of(&fs::metadata(path)?))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        path.canonicalize()
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
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
        match File::open(folder)?.sync_all() {
            // Where the file system has no such call, a rename is as safe as it gets.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            outcome => outcome,
        }
    }

    fn take_over_access(&self, model: &Path, path: &Path, _: &Handle) -> io::Result<()> {
        let wanted = fs::metadata(model)?;
        let file = OpenOptions::new().write(true).open(path)?;
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (wanted.uid(), wanted.gid()) {
            // Only root may give a file away; its group is open to the group's members.
            let given = fchown(&file, Some(wanted.uid()), Some(wanted.gid()));
            if let Err(error) = given.or_else(|_| fchown(&file, None, Some(wanted.gid()))) {
                tracing::warn!("`{}` cannot get the owner and group of `{}`: {error}", path.display(), model.display());
            }
        }
        if file.metadata()?.permissions() == wanted.permissions() {
            // Some file systems have one mode for all files and refuse even to set just that.
            return Ok(());
        }
        file.set_permissions(wanted.permissions())
    }
}
