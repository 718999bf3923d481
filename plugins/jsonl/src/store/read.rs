use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use defect_plugin_api::model::DefectWithId;

use super::error::StoreError;
use super::lines::Lines;
use crate::line::Line;

/// Bytes that are read from a file at once.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// A line that is not blank.
pub(crate) enum Entry {
    Defect(Box<DefectWithId>),
    Broken(BrokenLine),
}

/// A line that is no defect.
pub(crate) struct BrokenLine {
    pub(crate) file: String,
    pub(crate) number: u64,
    pub(crate) reason: String,
}

/// The lines of several files, read as they are asked for. All files are open from the beginning: what
/// replaces one of them in the meantime is not seen.
pub(crate) struct Entries {
    /// Last file first.
    files: Vec<OpenFile>,
}

struct OpenFile {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
}

impl Entries {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, StoreError> {
        let files = paths.iter().rev().map(|path| Ok(OpenFile { path: path.clone(), lines: open_lines(path)? }));
        Ok(Self { files: files.collect::<Result<_, StoreError>>()? })
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(OpenFile { path, lines }) = self.files.last_mut() {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.files.pop();
                    continue;
                }
                Err(error) => return Some(Err(StoreError::disk("read", path, error))),
            };
            match Line::parse(line.text) {
                Line::Blank => {}
                Line::Defect(defect) => return Some(Ok(Entry::Defect(defect))),
                Line::Broken(reason) => {
                    let (file, number) = (file_name(path), line.number);
                    return Some(Ok(Entry::Broken(BrokenLine { file, number, reason })));
                }
            }
        }
        None
    }
}

/// Opens a file to read its lines.
pub(super) fn open_lines(path: &Path) -> Result<Lines<BufReader<File>>, StoreError> {
    let file = File::open(path).map_err(|error| StoreError::disk("read", path, error))?;
    Ok(Lines::new(BufReader::with_capacity(READ_BYTES, file)))
}

/// A file's name as people are told it.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
