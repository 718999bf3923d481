//! What a journal says is brought into the files after a crash. It may be done any number of times,
//! and be interrupted at any call.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::disk::{Disk, Handle, Mode, read_up_to};
use super::error::StoreError;
use super::journal::{Change, Record};
use super::replace::remove_leftovers;
use crate::line;

/// Brings the records into the files of the folder, on stable storage when it returns.
pub(super) fn replay(disk: &dyn Disk, folder: &Path, records: &[Record]) -> Result<(), StoreError> {
    let mut files: BTreeMap<&OsStr, Vec<&Change>> = BTreeMap::new();
    for change in records.iter().flat_map(|record| &record.changes) {
        files.entry(&change.file).or_default().push(change);
    }
    for (name, changes) in files {
        let path = folder.join(name);
        remove_leftovers(disk, &path);
        let failed = |error| StoreError::disk("write", &path, error);
        let found = match disk.stamp(&path) {
            Ok(found) => found,
            // A link whose target is gone is another matter: it may come back with its file system.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named(disk, folder, name)? => {
                tracing::warn!("`{}` is gone, and the last changes with it", path.display());
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        // Only what follows the last change to another file: it may have had the same number once.
        let others = changes.iter().rposition(|change| !change.identity.is_same_file(found.identity));
        let changes = &changes[others.map_or(0, |last| last + 1)..];
        if changes.is_empty() {
            tracing::info!("`{}` was replaced since the last changes: it counts as it is", path.display());
            continue;
        }
        let file = disk.open(&path, Mode::Write).map_err(failed)?;
        // What was there before the first append was synced: who made it shorter is another program.
        let appends = changes.iter().filter(|change| change.is_append()).map(|change| change.offset);
        let is_shortened = appends.min().is_some_and(|first| found.length < first);
        let mut replaying = Replaying { path: &path, file, length: found.length, is_shortened };
        parts(changes).iter().try_for_each(|part| replaying.replay(part)).map_err(failed)?;
        replaying.file.sync().map_err(failed)?;
    }
    Ok(())
}

fn is_named(disk: &dyn Disk, folder: &Path, name: &OsStr) -> Result<bool, StoreError> {
    let names = disk.names(folder).map_err(|error| StoreError::disk("read", folder, error))?;
    Ok(names.iter().any(|other| other == name))
}

/// Changes whose places overlap.
struct Part<'a> {
    start: u64,
    /// In the order in which they were made.
    changes: Vec<&'a Change>,
    /// What is to stand there in the end.
    last: Vec<u8>,
}

/// From where to where, and the changes there with their order in time.
type Group<'a> = (u64, u64, Vec<(usize, &'a Change)>);

/// The changes in the order of their places.
fn parts<'a>(changes: &[&'a Change]) -> Vec<Part<'a>> {
    let end = |change: &Change| change.offset + change.new.len() as u64;
    let mut ordered: Vec<_> = changes.iter().enumerate().collect();
    ordered.sort_by_key(|(_, change)| change.offset);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (order, change) in ordered {
        match groups.last_mut().filter(|(_, group_end, _)| change.offset < *group_end) {
            Some((_, group_end, group)) => {
                *group_end = end(change).max(*group_end);
                group.push((order, change));
            }
            None => groups.push((change.offset, end(change), vec![(order, change)])),
        }
    }
    let part = |(start, end, mut group): Group<'a>| {
        group.sort_by_key(|(order, _)| *order);
        let mut last = vec![0; usize::try_from(end - start).unwrap_or(0)];
        for (_, change) in &group {
            let at = usize::try_from(change.offset - start).unwrap_or(0);
            last[at..at + change.new.len()].copy_from_slice(&change.new);
        }
        Part { start, changes: group.into_iter().map(|(_, change)| change).collect(), last }
    };
    groups.into_iter().map(part).collect()
}

struct Replaying<'a> {
    path: &'a Path,
    file: Handle,
    length: u64,
    is_shortened: bool,
}

impl Replaying<'_> {
    fn replay(&mut self, part: &Part<'_>) -> io::Result<()> {
        let found = read_up_to(&*self.file, part.start, part.last.len())?;
        let appends = part.changes.iter().any(|change| change.is_append());
        let reaches = if appends { self.length >= part.start } else { found.len() == part.last.len() };
        if reaches && part.explains(&found) {
            // Also when all of it stands there already: it may not be on stable storage.
            self.file.write_at(&part.last, part.start)?;
            self.length = self.length.max(part.start + part.last.len() as u64);
            return Ok(());
        }
        if appends && !self.is_shortened {
            return self.append_elsewhere(&part.last);
        }
        tracing::warn!(
            "`{}` was changed by another program at byte {}: what stands there is kept, a change of ours is lost",
            self.path.display(),
            part.start
        );
        Ok(())
    }

    /// Another program appended where our lines were to be: they go behind its own.
    fn append_elsewhere(&mut self, ours: &[u8]) -> io::Result<()> {
        for text in ours.split(|byte| *byte == b'\n').filter(|text| line::padding(text) != text.len()) {
            let whole = [text, b"\n"].concat();
            let tail = self.tail(&whole)?;
            if tail.is_none() {
                continue;
            }
            let (offset, separator) = tail.unwrap_or((self.length, false));
            let bytes = if separator { [b"\n", whole.as_slice()].concat() } else { whole };
            self.file.write_at(&bytes, offset)?;
            self.length = self.length.max(offset + bytes.len() as u64);
        }
        Ok(())
    }

    /// Where a line is to be appended, and whether a newline is missing before it; `None` when it is
    /// there. What an interrupted recovery has appended of it is written over.
    fn tail(&self, whole: &[u8]) -> io::Result<Option<(u64, bool)>> {
        let (mut offset, mut line_start) = (0, 0);
        let mut buffer = Vec::new();
        while offset < self.length {
            // Pieces overlap by the line, so that it is in one of them.
            buffer = read_up_to(&*self.file, offset, whole.len() + (1 << 20))?;
            if memchr::memmem::find(&buffer, whole).is_some() {
                return Ok(None);
            }
            if let Some(newline) = memchr::memrchr(b'\n', &buffer) {
                line_start = offset + newline as u64 + 1;
            }
            offset += 1 << 20;
        }
        let begun = read_up_to(&*self.file, line_start, whole.len() + 1)?;
        drop(buffer);
        if begun.len() <= whole.len() && begun.iter().zip(whole).all(|(found, ours)| found == ours || *found == 0) {
            return Ok(Some((line_start, false)));
        }
        Ok(Some((self.length, line_start < self.length)))
    }
}

impl Part<'_> {
    /// Whether every byte is one that we wrote or found there: whatever of it reached the disk.
    fn explains(&self, found: &[u8]) -> bool {
        found.iter().enumerate().all(|(at, byte)| {
            let place = self.start + at as u64;
            self.changes.iter().rev().any(|change| {
                let Some(at) = place.checked_sub(change.offset).and_then(|at| usize::try_from(at).ok()) else {
                    return false;
                };
                let before = if change.is_append() { Some(&0) } else { change.old.get(at) };
                at < change.new.len() && (change.new[at] == *byte || before == Some(byte))
            })
        })
    }
}
