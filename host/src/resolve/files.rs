//! What lies where: the resolver's only view of the file system.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Origin;

/// What the resolver asks of a file system.
pub trait FileSystem {
    /// What lies at `path`, links followed.
    fn look(&self, path: &Path) -> Finding;

    /// Everything that lies directly in `folder`, sorted; nothing when it cannot be listed.
    fn entries(&self, folder: &Path) -> Vec<PathBuf>;
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a socket or a pipe.
    Special,
    /// Nothing, or a link to nothing.
    Missing,
    /// Something that this process may not look at.
    Denied,
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl FileSystem for Disk {
    fn look(&self, path: &Path) -> Finding {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Finding::File,
            Ok(metadata) if metadata.is_dir() => Finding::Folder,
            Ok(_) => Finding::Special,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::Denied,
            Err(_) => Finding::Missing,
        }
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort();
        entries
    }
}

/// A path that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub path: PathBuf,
    /// Which plugin directory led there; `None` for a path that `client_class` names itself.
    pub origin: Option<Origin>,
    /// What lies there.
    pub finding: Finding,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.path.display())?;
        if let Some(origin) = self.origin {
            write!(f, " ({origin})")?;
        }
        f.write_str(match self.finding {
            Finding::File => ": found",
            Finding::Folder => ": is a folder",
            Finding::Special => ": is not a regular file",
            Finding::Missing => "",
            Finding::Denied => ": permission denied",
        })
    }
}

/// Places for a message, each on an indented line of its own.
pub struct Places<'a>(pub &'a [Place]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|place| write!(f, "\n  {place}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_tells_files_folders_and_nothing_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b");
        fs::write(&file, "x").unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        assert_eq!(Disk.look(&file), Finding::File);
        assert_eq!(Disk.look(folder.path()), Finding::Folder);
        assert_eq!(Disk.look(&folder.path().join("c")), Finding::Missing);
        assert_eq!(Disk.look(&file.join("below a file")), Finding::Missing);
        assert_eq!(Disk.entries(folder.path()), [folder.path().join("a"), file]);
        assert!(Disk.entries(Path::new("no such folder")).is_empty());
    }
}
