//! Puts a new file in an old one's place, so that nobody ever sees half of it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::error::StoreError;
use super::read::open_lines;

/// What becomes of a line.
pub(super) enum Edit {
    Keep,
    Replace(Vec<u8>),
    Remove,
}

/// Rewrites a file of lines: each as `edit` says, then the appended one. Lines that are kept keep
/// every byte. Where the path is a link, the file that it leads to is rewritten.
pub(super) fn rewrite(
    path: &Path,
    edit: impl Fn(&[u8]) -> Result<Edit, StoreError>,
    appended: Option<&[u8]>,
) -> Result<(), StoreError> {
    let path = &path.canonicalize().map_err(|error| StoreError::disk("read", path, error))?;
    let failed = |error| StoreError::disk("write", path, error);
    // A new file can take the place of a write-protected one: the protection is to hold all the same.
    OpenOptions::new().write(true).open(path).map_err(failed)?;
    let mut lines = open_lines(path)?;
    replace(path, path, |out| {
        let mut last_is_open = false;
        while let Some(line) = lines.next().map_err(|error| StoreError::disk("read", path, error))? {
            out.write_all(line.mark).map_err(failed)?;
            match edit(line.text)? {
                Edit::Keep => {
                    out.write_all(line.text).and_then(|()| out.write_all(line.end)).map_err(failed)?;
                    last_is_open = line.end.is_empty() && !line.text.is_empty();
                }
                Edit::Replace(text) => {
                    let end = if line.end.is_empty() { b"\n" } else { line.end };
                    out.write_all(&text).and_then(|()| out.write_all(end)).map_err(failed)?;
                }
                Edit::Remove => {}
            }
        }
        if let Some(appended) = appended {
            let separator: &[u8] = if last_is_open { b"\n" } else { b"" };
            out.write_all(&[separator, appended, b"\n"].concat()).map_err(failed)?;
        }
        Ok(())
    })
}

/// Makes a file of what `fill` writes and puts it in the place of `path`, with the owner and the
/// permissions of `model`. When it returns, the file is on the disk; when it fails before the new
/// file took its place, the old one is as it was and nothing of the new one is left.
pub(super) fn replace(
    path: &Path,
    model: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::disk("write", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let prefix = temporary_prefix(path);
    remove_leftovers(folder, &prefix);
    // Its `Drop` removes it, whatever fails below.
    let mut temporary = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder).map_err(failed)?;
    let mut out = BufWriter::with_capacity(64 * 1024, temporary.as_file_mut());
    fill(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    take_over_access(model, temporary.as_file()).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(|error| StoreError::disk("write", folder, error))
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

/// Removes what a process that was killed has left. They disturb nobody, so what cannot be removed
/// stays.
fn remove_leftovers(folder: &Path, prefix: &OsString) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(SUFFIX.as_bytes()) {
            match fs::remove_file(entry.path()) {
                Ok(()) => tracing::info!("removed `{}`, left by a process that was killed", entry.path().display()),
                Err(error) => tracing::warn!("cannot remove the leftover `{}`: {error}", entry.path().display()),
            }
        }
    }
}

fn take_over_access(model: &Path, file: &File) -> io::Result<()> {
    let wanted = fs::metadata(model)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (wanted.uid(), wanted.gid()) {
            // Only root may give a file away; its group is open to the group's members.
            let given = fchown(file, Some(wanted.uid()), Some(wanted.gid()));
            if let Err(error) = given.or_else(|_| fchown(file, None, Some(wanted.gid()))) {
                tracing::warn!("the file that replaces `{}` cannot get its owner and group: {error}", model.display());
            }
        }
    }
    if file.metadata()?.permissions() == wanted.permissions() {
        // Some file systems have one mode for all files and refuse even to set just that.
        return Ok(());
    }
    file.set_permissions(wanted.permissions())
}

/// Makes a rename survive a loss of power, where the system and the file system have a call for it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}
