//! A folder that becomes a package: modes are set and not left to the umask.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The mode of a program, a script or a folder.
pub(super) const PROGRAM: u32 = 0o755;
/// The mode of everything else.
pub(super) const DATA: u32 = 0o644;

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An empty one; what was there is removed.
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        set_mode(&path, PROGRAM)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, with the folders above it.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let path = self.make_room(name)?;
        fs::write(&path, content).with_context(|| format!("`{}` cannot be written", path.display()))?;
        set_mode(&path, mode)
    }

    /// Copies a file, with the folders above it.
    pub(super) fn copy(&self, from: &Path, name: &str, mode: u32) -> Result<()> {
        let content = fs::read(from).with_context(|| format!("`{}` cannot be read", from.display()))?;
        self.write(name, content, mode)
    }

    /// Makes a symbolic link, with the folders above it.
    pub(super) fn link(&self, name: &str, target: &str) -> Result<()> {
        Ok(symlink(target, self.make_room(name)?)?)
    }

    /// All files in it, sorted, relative to it. Links are none.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = vec![];
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    files.push(entry.path().strip_prefix(&self.path)?.to_owned());
                }
            }
        }
        files.sort();
        Ok(files)
    }

    fn make_room(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let above: Vec<_> = path.ancestors().skip(1).take_while(|above| *above != self.path).collect();
        for folder in above.into_iter().rev().filter(|folder| !folder.exists()).collect::<Vec<_>>() {
            fs::create_dir(folder)?;
            set_mode(folder, PROGRAM)?;
        }
        Ok(path)
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}
