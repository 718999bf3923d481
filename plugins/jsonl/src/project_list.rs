//! The list of all projects, kept as long as nothing tells that it changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::project::is_folder;
use crate::store::{Disk, RealDisk, Stamp, StoreError};

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
    /// Changes with every name that is made, removed or renamed in the folder.
    stamp: Stamp,
    names: Vec<String>,
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
        let stamp = RealDisk.stamp(&self.root).map_err(|error| StoreError::disk("read", &self.root, error))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp && known.read.elapsed() < LIFETIME) {
            return Ok(known.names.clone());
        }
        let read = Instant::now();
        let List { names, is_the_roots } = read_list(&self.root)?;
        let modified = fs::metadata(&self.root).and_then(|found| found.modified());
        let is_settled = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED));
        *known = (is_the_roots && is_settled).then(|| Known { read, stamp, names: names.clone() });
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use std::time::SystemTime;

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

    #[cfg(unix)]
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

    #[cfg(unix)]
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
