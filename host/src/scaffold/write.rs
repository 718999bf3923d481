//! Writes a folder of files, all or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScaffoldError;

/// Writes the files into a folder of another name, which then takes its place.
pub(super) fn write_all(folder: &Path, files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<(), ScaffoldError> {
    let folder = std::path::absolute(folder).map_err(failed(folder))?;
    let parent = folder.parent().ok_or_else(|| ScaffoldError::Exists(folder.clone()))?;
    if !parent.is_dir() {
        return Err(ScaffoldError::NoParent(parent.to_owned()));
    }
    if !is_free(&folder) {
        return Err(ScaffoldError::Exists(folder));
    }
    // A folder that is there stays: a shell may stand in it, or it is a file system of its own.
    let near = if folder.is_dir() { &folder } else { parent };
    // Removed when it is dropped. It is for its owner only, so the crate is a folder in it, as open as the
    // user's folders are.
    let temporary = tempfile::Builder::new().prefix(".defect-host-").tempdir_in(near).map_err(failed(near))?;
    let new = temporary.path().join("crate");
    fs::create_dir(&new).map_err(failed(&folder))?;
    for (name, content) in files {
        let path = new.join(&name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, content)).map_err(failed(&folder.join(name)))?;
    }
    let moved = if near == folder { move_into(&new, &folder) } else { fs::rename(&new, &folder) };
    moved.map_err(failed(&folder))
}

/// Whether nothing is there that could be lost.
fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        // A link that leads nowhere is something, too.
        Err(_) => fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound),
    }
}

/// Moves what is in a folder. When that fails, what was moved is moved back, to be removed with the rest.
fn move_into(folder: &Path, target: &Path) -> io::Result<()> {
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let from = entry?.path();
        let to = target.join(from.file_name().unwrap_or_default());
        if let Err(error) = fs::rename(&from, &to) {
            for (from, to) in moved {
                let _ = fs::rename(to, from);
            }
            return Err(error);
        }
        moved.push((from, to));
    }
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ScaffoldError {
    let path: PathBuf = path.to_owned();
    |reason| ScaffoldError::Write { path, reason }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

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
        let before = fs::metadata(parent.path().join("empty")).unwrap().ino();
        for folder in ["new", "empty"] {
            write_all(&parent.path().join(folder), files(&["a", "b/c"])).unwrap();
            assert_eq!(names(&parent.path().join(folder)), ["a", "b"]);
        }
        assert_eq!(names(parent.path()), ["empty", "new"]);
        // The very folder, for whoever stands in it.
        assert_eq!(fs::metadata(parent.path().join("empty")).unwrap().ino(), before);
    }

    #[test]
    fn nothing_stays_when_a_file_cannot_be_written() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("empty")).unwrap();
        for folder in [parent.path().join("new"), parent.path().join("empty")] {
            // `a` cannot be a file and a folder.
            let refused = write_all(&folder, files(&["a", "a/b"])).unwrap_err();
            assert!(matches!(refused, ScaffoldError::Write { path, .. } if path == folder.join("a/b")));
        }
        assert_eq!(names(parent.path()), ["empty"]);
        assert_eq!(names(&parent.path().join("empty")), [""; 0]);
    }

    #[test]
    fn what_was_moved_is_moved_back_when_the_rest_cannot_be() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name| parent.path().join(name);
        for folder in ["new", "target"] {
            // Nothing is renamed onto a folder that is full, in whatever order they are moved.
            for file in ["a/file", "b/file"] {
                fs::create_dir_all(at(folder).join(file).parent().unwrap()).unwrap();
                fs::write(at(folder).join(file), folder).unwrap();
            }
        }
        fs::remove_dir_all(at("target/a")).unwrap();
        assert!(move_into(&at("new"), &at("target")).is_err());
        assert_eq!((names(&at("new")), names(&at("target"))), (vec!["a".into(), "b".into()], vec!["b".into()]));
        assert_eq!(fs::read_to_string(at("target/b/file")).unwrap(), "target");
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
