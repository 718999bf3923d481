//! One `.jsonl` file, and where everything in it is.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use defect_plugin_api::model::DefectWithId;

use super::disk::{Disk, Handle, Mode, read_exact};
use super::error::StoreError;
use super::index::{Entry, Index, Slot, key_of, number_of_key};
use crate::line::{self, Line};
use crate::warnings::Warnings;

/// What some editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file as it is between two changes by other programs and between two compactions: then there is
/// another of these, and lists that are under way go on with this one.
pub(super) struct DefectFile {
    pub(super) name: OsString,
    /// In the project's folder; where it is a link, what is written is the file that it leads to.
    pub(super) path: PathBuf,
    handle: Handle,
    writer: OnceLock<Handle>,
    opening: Mutex<()>,
    index: RwLock<Index>,
    /// Whether something was written that no sync has followed.
    unsynced: AtomicBool,
    /// Whether the file as it was found is on stable storage, under its name.
    settled: AtomicBool,
}

/// A line that is no defect.
pub(crate) struct BrokenLine {
    pub(crate) file: String,
    pub(crate) number: u64,
    pub(crate) reason: String,
}

impl DefectFile {
    /// Opens a file and reads it once, in pieces.
    pub(super) fn open(disk: &dyn Disk, folder: &Path, name: OsString) -> Result<Self, StoreError> {
        let path = folder.join(&name);
        let failed = |error| StoreError::disk("read", &path, error);
        let handle = disk.open(&path, Mode::Read).map_err(failed)?;
        let index = scan(&handle).map_err(failed)?;
        let (writer, opening, index) = (OnceLock::new(), Mutex::new(()), RwLock::new(index));
        let (unsynced, settled) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { name, path, handle, writer, opening, index, unsynced, settled })
    }

    /// A file that took the place of another one, open for writing.
    pub(super) fn replaced(old: &Self, handle: Handle, index: Index) -> Self {
        let (writer, opening, index) = (OnceLock::from(Arc::clone(&handle)), Mutex::new(()), RwLock::new(index));
        let (name, path) = (old.name.clone(), old.path.clone());
        let (unsynced, settled) = (AtomicBool::new(false), AtomicBool::new(true));
        Self { name, path, handle, writer, opening, index, unsynced, settled }
    }

    /// While this is held, nobody of us writes to the file.
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The file's name as people are told it.
    pub(super) fn display_name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub(super) fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> StoreError {
        move |error| StoreError::disk(action, &self.path, error)
    }

    /// Whether the file is as we left it. Only when the path leads to it.
    pub(super) fn is_current(&self, disk: &dyn Disk) -> bool {
        let index = self.index();
        disk.stamp(&self.path).is_ok_and(|found| found == index.stamp)
    }

    /// Whether what the index says of it still holds, whatever became of its name.
    pub(super) fn is_untouched(&self, index: &Index) -> bool {
        self.handle.stamp().is_ok_and(|found| found.has_same_content(&index.stamp))
    }

    /// The file, open for writing.
    pub(super) fn writer(&self, disk: &dyn Disk) -> Result<&Handle, StoreError> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = self.writer.get() {
            return Ok(writer);
        }
        let failed = self.failed("write");
        let writer = disk.open(&self.path, Mode::Write).map_err(&failed)?;
        let (own, found) = (self.handle.stamp().map_err(&failed)?, writer.stamp().map_err(&failed)?);
        if (own.device, own.identity) != (found.device, found.identity) {
            return Err(StoreError::Changing(self.path.clone()));
        }
        Ok(self.writer.get_or_init(|| writer))
    }

    /// Before the first change: what another program has written, and its renames, may be lost with the
    /// power; the journal speaks of places in the file as it is now.
    pub(super) fn settle(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        if self.settled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let failed = self.failed("write");
        self.writer(disk)?.sync().map_err(&failed)?;
        let path = disk.canonicalize(&self.path).map_err(&failed)?;
        for folder in [&self.path, &path].into_iter().filter_map(|path| path.parent()) {
            disk.sync_folder(folder).map_err(&failed)?;
        }
        self.settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn set_unsynced(&self) {
        self.unsynced.store(true, Ordering::Relaxed);
    }

    /// Brings to stable storage what was written.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        if self.unsynced.load(Ordering::Relaxed) {
            // By the handle that wrote: Windows syncs by no other.
            let writer = self.writer.get().unwrap_or(&self.handle);
            writer.sync().map_err(self.failed("write"))?;
            self.unsynced.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// After a change of ours: what another program changes from here on makes another stamp.
    pub(super) fn leave(&self, index: &mut Index, writer: &Handle) -> io::Result<()> {
        writer.touch()?;
        let stamp = writer.stamp()?;
        if stamp.length == index.length {
            index.stamp = stamp;
        }
        // Else somebody wrote at the same time: with the old stamp the next request notices.
        Ok(())
    }

    /// A line's bytes, to the end of its padding when `padded`.
    pub(super) fn read(&self, entry: &Entry, padded: bool) -> Result<Vec<u8>, StoreError> {
        let length = if padded { entry.room as usize } else { entry.text() };
        read_exact(&*self.handle, entry.offset(), length).map_err(self.failed("read"))
    }

    /// The defect of a line; `None` when another program has changed it.
    pub(super) fn defect(&self, entry: &Entry) -> Result<Option<DefectWithId>, StoreError> {
        match Line::parse(&self.read(entry, false)?) {
            Line::Defect(defect) if key_of(&defect.id) == entry.key => Ok(Some(*defect)),
            _ => Ok(None),
        }
    }

    /// The slots of a defect.
    pub(super) fn find(&self, index: &Index, id: &str) -> Result<Vec<Slot>, StoreError> {
        let key = key_of(id);
        let mut slots = index.slots(key);
        if number_of_key(key).is_none() {
            // Two texts may have one hash.
            let mut found = Vec::new();
            for slot in slots {
                let Some(entry) = index.get(slot) else { continue };
                if self.defect(entry)?.is_some_and(|defect| defect.id == id) {
                    found.push(slot);
                }
            }
            slots = found;
        }
        Ok(slots)
    }

    /// Notes the lines that are no defects.
    pub(super) fn warn_of_broken_lines(&self, warnings: &mut Warnings) -> Result<(), StoreError> {
        let (broken, more) = {
            let index = self.index();
            (index.broken.clone(), index.more_broken)
        };
        for line in broken {
            let length = usize::try_from(line.text).unwrap_or(0);
            let text = read_exact(&*self.handle, line.offset, length).map_err(self.failed("read"))?;
            if let Line::Broken(reason) = Line::parse(&text) {
                warnings.push(BrokenLine { file: self.display_name(), number: line.number, reason });
            }
        }
        warnings.push_more(more);
        Ok(())
    }
}

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Reads a file once and notes where everything is.
pub(super) fn scan(handle: &Handle) -> io::Result<Index> {
    // Taken before: who writes meanwhile makes a later one, which the next request notices.
    let mut index = Index::new(handle.stamp()?);
    let mut buffer = Vec::new();
    // Where the buffer's bytes begin in the file, how many were searched, the number of its first line.
    let (mut offset, mut searched, mut number) = (0, 0, 1);
    loop {
        let filled = buffer.len();
        let left = index.stamp.length.saturating_sub(offset + filled as u64) + 1;
        buffer.reserve(usize::try_from(left).unwrap_or(PIECE).clamp(4096, PIECE));
        let read = handle.read_at(&mut buffer, offset + filled as u64)?;
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &buffer[searched..]).map(|at| at + searched) {
            add_line(&mut index, number, offset, start, &buffer[start..newline], 1);
            number += 1;
            start = newline + 1;
        }
        if read == 0 {
            let last = &buffer[start..];
            index.open_end = !last.strip_prefix(BYTE_ORDER_MARK).filter(|_| number == 1).unwrap_or(last).is_empty();
            add_line(&mut index, number, offset, start, last, 0);
            index.length = offset + buffer.len() as u64;
            return Ok(index);
        }
        offset += start as u64;
        buffer.drain(..start);
        searched = buffer.len();
    }
}

fn add_line(index: &mut Index, number: u64, offset: u64, start: usize, mut text: &[u8], mut end: u8) {
    let mut offset = offset + start as u64;
    if let (1, Some(rest)) = (number, text.strip_prefix(BYTE_ORDER_MARK)) {
        (text, offset) = (rest, offset + BYTE_ORDER_MARK.len() as u64);
    }
    if let (1, Some(rest)) = (end, text.strip_suffix(b"\r")) {
        (text, end) = (rest, 2);
    }
    if !text.is_empty() {
        index.add_line(number, offset, text, end);
    }
}

/// Whether a changed line may be handed out as it is.
pub(super) fn is_servable(text: &[u8]) -> bool {
    line::id_when_servable(text).is_some()
}
