//! Writes a folder of files, all or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScaffoldError;

/// Writes the files into a folder beside `folder`, which then takes its place.
pub(super) fn write_all(folder: &Path, files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<(), ScaffoldError> {
    let folder = std::path::absolute(folder).map_err(failed(folder))?;
    let parent = folder.parent().ok_or_else(|| ScaffoldError::Exists(folder.clone()))?;
    if !parent.is_dir() {
        return Err(ScaffoldError::NoParent(parent.to_owned()));
    }
    if !is_free(&folder) {
        return Err(ScaffoldError::Exists(folder));
    }
    // Removed when it is dropped. It is for its owner only, so the crate is a folder in it, as open as the
    // user's folders are.
    let beside = tempfile::Builder::new().prefix(".defect-host-").tempdir_in(parent).map_err(failed(parent))?;
    let new = beside.path().join("crate");
    fs::create_dir(&new).map_err(failed(&folder))?;
    for (name, content) in files {
        let path = new.join(&name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, content)).map_err(failed(&folder.join(name)))?;
    }
    put(&new, &folder).map_err(failed(&folder))
}

/// Whether nothing is there that could be lost.
fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        // A link that leads nowhere is something, too.
        Err(_) => fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound),
    }
}

/// Fails when somebody else has put something there in the meantime.
fn put(new: &Path, folder: &Path) -> io::Result<()> {
    // Not every system renames onto a folder, be it empty.
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::rename(new, folder),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ScaffoldError {
    let path: PathBuf = path.to_owned();
    |reason| ScaffoldError::Write { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> impl Iterator<Item = (String, Vec<u8>)> {
        names.iter().map(|name| ((*name).to_owned(), b"text".to_vec())).collect::<Vec<_>>().into_iter()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_files_are_there_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("empty")).unwrap();
        for folder in ["new", "empty"] {
            write_all(&parent.path().join(folder), files(&["a", "b/c"])).unwrap();
            assert_eq!(names(&parent.path().join(folder)), ["a", "b"]);
        }
        assert_eq!(names(parent.path()), ["empty", "new"]);
    }

    #[test]
    fn nothing_stays_when_a_file_cannot_be_written() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("new");
        // `a` cannot be a file and a folder.
        let refused = write_all(&folder, files(&["a", "a/b"])).unwrap_err();
        assert!(matches!(refused, ScaffoldError::Write { path, .. } if path == folder.join("a/b")));
        assert_eq!(names(parent.path()), [""; 0]);
    }

    #[test]
    fn what_is_there_already_stays_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name| parent.path().join(name);
        fs::create_dir(at("full")).unwrap();
        fs::write(at("full/mine"), "mine").unwrap();
        fs::write(at("file"), "mine").unwrap();
        for name in ["full", "file"] {
            assert!(matches!(write_all(&at(name), files(&["a"])), Err(ScaffoldError::Exists(_))), "{name}");
        }
        assert!(matches!(write_all(Path::new("/"), files(&["a"])), Err(ScaffoldError::Exists(_))));
        for name in ["missing/new", "file/new"] {
            assert!(matches!(write_all(&at(name), files(&["a"])), Err(ScaffoldError::NoParent(_))), "{name}");
        }
        assert_eq!(names(parent.path()), ["file", "full"]);
        assert_eq!(names(&at("full")), ["mine"]);
    }
}
