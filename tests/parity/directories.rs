//! What the services leave on disk.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::both::Both;
use crate::meaning::normalised;

/// The lines of a folder's files by the files' paths, defects as what they mean.
type Content = BTreeMap<String, Vec<Value>>;

/// Compares the two data sets: the same files, and line by line the same meaning.
pub(crate) fn compare(both: &Both) {
    let (python, ours) = (content(both.python.folder().path()), content(both.ours.folder().path()));
    let names = |content: &Content| content.keys().cloned().collect::<Vec<_>>();
    both.compare("the files", "data", &names(&python), &names(&ours));
    for (name, lines) in &python {
        let others = ours.get(name).map_or(&[][..], Vec::as_slice);
        both.compare("the number of lines", name, &lines.len(), &others.len());
        for (number, (line, other)) in lines.iter().zip(others).enumerate() {
            both.compare("a line", &format!("{name}:{}", number + 1), line, other);
        }
    }
}

/// What our files beside the defects are called: the ids that were handed out, the journal, the lock.
/// Nothing of them is in the way of the Python service.
const OWN_NOTES: &str = ".defect-host-";

fn content(folder: &Path) -> Content {
    let mut content = Content::new();
    collect(&folder.join("data"), &mut content);
    let prefix = folder.to_string_lossy().into_owned();
    content.into_iter().map(|(path, lines)| (path.replace(&prefix, ""), lines)).collect()
}

fn collect(folder: &Path, content: &mut Content) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, content);
        } else if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWN_NOTES)) {
            let text = std::fs::read_to_string(&path).unwrap();
            // What is no JSON counts as it is.
            let line = |line: &str| serde_json::from_str(line).map_or_else(|_| Value::from(line), normalised);
            content.insert(path.to_string_lossy().into_owned(), text.lines().map(line).collect());
        }
    }
}
