//! What only Unix has a name for.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::buffer::spare_capacity;
use rustix::io::{pread, retry_on_intr};

use crate::store::disk::{Identity, Stamp};

pub(super) fn read_at(file: &File, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| pread(file, spare_capacity(bytes), offset))?)
}

pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

pub(super) fn stamp(file: &File) -> io::Result<Stamp> {
    Ok(stamp_of(&file.metadata()?))
}

pub(super) fn stamp_at(path: &Path) -> io::Result<Stamp> {
    Ok(stamp_of(&fs::metadata(path)?))
}

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

/// Nobody else may read a new file before it has the permissions of the one it belongs to.
pub(super) fn make_private(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// Whether a file of this name can be spoken of, in the journal too.
pub(super) fn is_usable_name(_: &OsStr) -> bool {
    true
}

/// A file's name from its bytes; `None` when they are none.
pub(crate) fn name_from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    Some(OsString::from_vec(bytes))
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Where the file system has no such call, a rename is as safe as it gets.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

pub(super) fn take_over_access(model: &Path, path: &Path) -> io::Result<()> {
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
