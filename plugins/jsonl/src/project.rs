//! From a project's name to its folder and files.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// The names of all projects, sorted. A name that is no Unicode is left out: no request can hold it.
struct List {
    names: Vec<String>,
    /// Whether the root's own entries say all: what a link leads to may change without the root.
    is_the_roots: bool,
}

fn read_list(root: &Path) -> Result<List, StoreError> {
    let mut list = List { names: Vec::new(), is_the_roots: true };
    for entry in fs::read_dir(root).map_err(|error| StoreError::disk("read", root, error))? {
        let entry = entry.map_err(|error| StoreError::disk("read", root, error))?;
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_dir() => true,
            Ok(kind) if kind.is_file() => false,
            // A folder that we may not look at hides no other project.
            _ => {
                list.is_the_roots = false;
                is_folder(&entry.path()).unwrap_or(false)
            }
        };
        if is_folder {
            match entry.file_name().into_string() {
                Ok(name) => list.names.push(name),
                Err(name) => tracing::debug!("the folder {name:?} is no project: its name is not Unicode"),
            }
        }
    }
    list.names.sort_unstable();
    Ok(list)
}

/// The list of all projects, read again when the root's folder changed: test tools ask for it all the
/// time, and looking at a folder costs far less than reading it.
pub(crate) struct ProjectList {
    root: PathBuf,
    known: Mutex<Option<Known>>,
}

struct Known {
    read: Instant,
    stamp: FolderStamp,
    names: Vec<String>,
}

/// Changes with every name that is made, removed or renamed in a folder.
#[derive(PartialEq, Eq)]
struct FolderStamp {
    device: u64,
    number: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A list is not kept when the folder changed so shortly before: the next change could have the same
/// time. The coarsest clock of a file system has 2 s.
const SETTLED: Duration = Duration::from_secs(3);
/// No list is kept for longer, should a file system not tell of a change.
const LIFETIME: Duration = Duration::from_secs(1);

impl ProjectList {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, known: Mutex::new(None) }
    }

    /// The names of all projects, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        // Before the folder is read: a change while it is read makes another one.
        let found = fs::metadata(&self.root).map_err(|error| StoreError::disk("read", &self.root, error))?;
        let stamp = FolderStamp {
            device: found.dev(),
            number: found.ino(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp && known.read.elapsed() < LIFETIME) {
            return Ok(known.names.clone());
        }
        let read = Instant::now();
        let List { names, is_the_roots } = read_list(&self.root)?;
        let is_settled = found.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED));
        *known = (is_the_roots && is_settled).then(|| Known { read, stamp, names: names.clone() });
        Ok(names)
    }
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
    use crate::store::Store;
    use std::time::SystemTime;

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
        assert_eq!(read_list(root.path()).unwrap().names, [".hidden", "a (A)", "b"]);
        let store = Store::readonly(root.path().to_owned());
        let names = store.files("a (A)").unwrap();
        assert_eq!(names, [".jsonl", "1.jsonl", "2.jsonl"]);
        assert!(matches!(store.files("b"), Err(StoreError::NoFile { .. })));
        assert!(matches!(store.files("file"), Err(StoreError::NoProject { .. })));
        assert!(matches!(store.files(&"x".repeat(5_000)), Err(StoreError::NoProject { .. })));
    }

    #[test]
    fn a_project_that_comes_or_goes_is_in_the_next_list() {
        let root = tempfile::tempdir().unwrap();
        let list = ProjectList::new(root.path().to_owned());
        let settle = || fs::File::open(root.path()).unwrap().set_modified(SystemTime::now() - SETTLED * 2).unwrap();
        let mut expected = Vec::new();
        for name in ["a", "b", "c"] {
            fs::create_dir(root.path().join(name)).unwrap();
            expected.push(name);
            assert_eq!(list.names().unwrap(), expected);
            settle();
            for _ in 0..3 {
                assert_eq!(list.names().unwrap(), expected);
            }
            assert!(list.known.lock().unwrap().is_some(), "the list of a folder that has settled is kept");
        }
        fs::rename(root.path().join("a"), root.path().join("z")).unwrap();
        assert_eq!(list.names().unwrap(), ["b", "c", "z"]);
        assert!(list.known.lock().unwrap().is_none(), "of a folder that has just changed it is not");
        fs::remove_dir(root.path().join("b")).unwrap();
        assert_eq!(list.names().unwrap(), ["c", "z"]);
    }

    #[test]
    fn what_a_link_leads_to_is_looked_at_each_time() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = outside.path().join("later");
        std::os::unix::fs::symlink(&target, root.path().join("linked")).unwrap();
        fs::File::open(root.path()).unwrap().set_modified(SystemTime::now() - SETTLED * 2).unwrap();
        let list = ProjectList::new(root.path().to_owned());
        assert_eq!(list.names().unwrap(), [""; 0]);
        fs::create_dir(&target).unwrap();
        assert_eq!(list.names().unwrap(), ["linked"]);
    }

    #[test]
    fn links_to_folders_are_projects_and_dangling_links_are_not() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), root.path().join("linked")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("dangling")).unwrap();
        fs::write(outside.path().join("d.jsonl"), "").unwrap();
        assert_eq!(read_list(root.path()).unwrap().names, ["linked"]);
        assert_eq!(Store::readonly(root.path().to_owned()).files("linked").unwrap(), ["d.jsonl"]);
    }
}
