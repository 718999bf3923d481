//! From a project's name to its folder and files.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::store::StoreError;

/// The folder of a project. The name comes from the network: only a single, plain name is taken.
pub(crate) fn folder(root: &Path, project: &str) -> Result<PathBuf, StoreError> {
    let mut components = Path::new(project).components();
    let plain = matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(name)), None) if name == project
    );
    if plain && !project.contains(['/', '\\', '\0']) {
        Ok(root.join(project))
    } else {
        Err(StoreError::InvalidName { project: project.to_owned() })
    }
}

/// Whether a fault means that there is nothing of that name.
pub(crate) fn is_absence(fault: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(fault.kind(), NotFound | NotADirectory | InvalidFilename)
}

/// What is at a path, behind symbolic links too; `None` when nothing is.
fn metadata(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(StoreError::disk("read", path, error)),
    }
}

/// Whether there is a folder, or a symbolic link to one.
pub(crate) fn is_folder(path: &Path) -> Result<bool, StoreError> {
    Ok(metadata(path)?.is_some_and(|found| found.is_dir()))
}

/// The folder of a project that is there, behind all links.
pub(crate) fn existing_folder(root: &Path, project: &str) -> Result<PathBuf, StoreError> {
    let folder = folder(root, project)?;
    if !is_folder(&folder)? {
        // When the root is gone every project seems to be: that is another fault, and passes.
        fs::metadata(root).map_err(|error| StoreError::disk("read", root, error))?;
        return Err(StoreError::NoProject { project: project.to_owned(), folder });
    }
    folder.canonicalize().map_err(|error| StoreError::disk("read", &folder, error))
}

/// Whether a file of this name holds defects. Not `Path::extension`: the reference service takes a file
/// named just `.jsonl` too.
pub(crate) fn is_defects_file(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project_list::ProjectList;
    use crate::store::Store;

    #[test]
    fn a_name_that_is_not_one_plain_name_is_refused() {
        let root = Path::new("root");
        for name in ["", ".", "..", "a/b", "a/", "/", "/etc", "../x", "a\\b", "..\\x", "a\0b", "./a"] {
            assert!(matches!(folder(root, name), Err(StoreError::InvalidName { .. })), "{name:?}");
        }
        for name in ["Shop App (SHOP)", "..a", "a..", ".hidden", "漢字", "a:b"] {
            assert_eq!(folder(root, name).unwrap(), root.join(name));
        }
    }

    #[test]
    fn projects_are_all_folders_by_name_and_files_all_jsonl_files_by_name() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["b", "a (A)", ".hidden", "a (A)/folder.jsonl"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        for file in ["file", "a (A)/2.jsonl", "a (A)/1.jsonl", "a (A)/1.jsonl.tmp", "a (A)/.jsonl", "a (A)/x.json"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        assert_eq!(ProjectList::new(root.path().to_owned()).names().unwrap(), [".hidden", "a (A)", "b"]);
        let store = Store::readonly(root.path().to_owned());
        let names = store.files("a (A)").unwrap();
        assert_eq!(names, [".jsonl", "1.jsonl", "2.jsonl"]);
        assert!(matches!(store.files("b"), Err(StoreError::NoFile { .. })));
        assert!(matches!(store.files("file"), Err(StoreError::NoProject { .. })));
        assert!(matches!(store.files(&"x".repeat(5_000)), Err(StoreError::NoProject { .. })));
    }
}
