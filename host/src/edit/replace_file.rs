//! Replaces a file in one step: whoever reads it, also after a power cut, sees the old or the new one.

use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The file behind a chain of symbolic links, whether it exists or not.
pub fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // The kernel's own limit; a circle of links ends here and is reported when the file is read.
    for _ in 0..40 {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = folder_of(&path).join(target);
    }
    path
}

/// Puts `text` at `path` in one step. `old` is what is known of the file to be replaced.
pub fn replace(path: &Path, text: &str, old: Option<&Metadata>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = NamedTempFile::with_prefix_in(".defect-host-", folder)?; // mode 0600
    file.write_all(text.as_bytes())?;
    match old {
        Some(old) => {
            keep_owner(file.path(), old);
            file.as_file().set_permissions(old.permissions())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
        }
        None => {
            file.as_file().sync_all()?;
            file.persist_noclobber(path)?;
        }
    }
    // The file is in place; that a file system cannot sync folders does not undo it.
    let _ = sync_folder(folder);
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Only root may give a file away; for everybody else the new file is their own.
#[cfg(unix)]
fn keep_owner(file: &Path, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    if chown(file, Some(old.uid()), Some(old.gid())).is_err() {
        let _ = chown(file, None, Some(old.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_file: &Path, _old: &Metadata) {}

/// Makes the new name outlive a power cut. Windows opens no folders and needs no such step.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
